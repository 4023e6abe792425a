"""Which term of a sum is wrong: a diagnosis for answers that are no known mistake."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from dgm_lib.exercises.engine.exercise import Mistake
from dgm_lib.exercises.engine.inputs import fresh


def wrong_terms(reference: Callable, args: tuple, hints: Mapping[int, str]) -> tuple[Mistake, ...]:
    """One mistake for each place of `hints`: the factor of that argument is wrong.

    reference: a sum of terms, each a factor times one of the arguments at these places; of a tuple
        that it returns the first is meant.
    args: arguments that tell the factors apart. hints: place -> words; the first of several wrong
        terms is named.
    """
    return tuple(
        Mistake(
            f"factor of argument {place}",
            _scaled(reference, place),
            words,
            _has_wrong_factor(reference, args, place, tuple(hints)),
        )
        for place, words in hints.items()
    )


def _scaled(reference: Callable, place: int) -> Callable:
    """An answer that takes too much of one argument."""

    def wrong(*args: Any) -> Any:
        return reference(*args[:place], 1.37 * args[place], *args[place + 1 :])

    return wrong


def _has_wrong_factor(
    reference: Callable, args: tuple, place: int, places: tuple[int, ...]
) -> Callable:
    def recognise(fn: Callable, generator: torch.Generator) -> bool:
        terms = [_term(fn, args, {other}, places) for other in places]
        if not torch.allclose(_term(fn, args, set(places), places), sum(terms)):
            return False  # no such sum: nothing can be said of its factors
        mine, right = terms[places.index(place)], _term(reference, args, {place}, places)
        factor = mine / args[place]
        has_factor = torch.allclose(factor, factor[..., :1].expand_as(factor))
        return mine.shape == right.shape and has_factor and not torch.allclose(mine, right)

    return recognise


def _term(fn: Callable, args: tuple, kept: set[int], places: tuple[int, ...]) -> Tensor:
    """What is left if the arguments at all places but the kept ones are 0."""
    given = list(fresh(args))
    for place in set(places) - kept:
        given[place] = torch.zeros_like(given[place])
    out = fn(*given)
    return out[0] if isinstance(out, tuple) else out


def is_random(*args: Any) -> Callable:
    """Recognises what gives two results for the same arguments."""

    def recognise(fn: Callable, generator: torch.Generator) -> bool:
        first, second = (fn(*fresh(args)) for _ in range(2))  # it may write into them
        return bool((first != second).any())

    return recognise


def points(count: int) -> tuple[Tensor, ...]:
    """As many batches of three points of the plane, no coordinate 0 (count, 3, 2)."""
    numbers = torch.arange(6 * count, dtype=torch.float64)
    return (1.1 + numbers.sin()).reshape(count, 3, 2).unbind()


def column(*numbers: float) -> Tensor:
    """One number for each of three points, (3, 1)."""
    return torch.tensor(numbers, dtype=torch.float64)[:, None]
