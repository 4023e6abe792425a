"""What gives a wrong answer away: questions to ask of a function that no table of values names.

Most build a `recognise(fn, generator)` for a `Mistake`; `arguments` are what fn is tried on. What
they raise means no.
"""

from collections.abc import Callable

import torch
from torch import Tensor

Recognise = Callable[[Callable, torch.Generator], bool]


def vector(*values: float) -> Tensor:
    """These numbers in double precision, on the CPU as all cases are."""
    return torch.tensor(values, dtype=torch.float64, device="cpu")


def copies(arguments: tuple) -> list:
    """The arguments, with tensors that a function may write into."""
    return [a.clone() if isinstance(a, Tensor) else a for a in arguments]


def ask(fn: Callable, *arguments: object, shape: tuple[int, ...]) -> Tensor:
    """What fn returns; an error if that is not of this shape, or not the same a second time."""
    out, again = fn(*copies(arguments)), fn(*copies(arguments))
    if out.shape != shape or out.dtype != torch.float64:
        raise ValueError(f"the answer must be a tensor of shape {shape} in float64")
    if not torch.allclose(out, again, equal_nan=True):
        raise ValueError("the answer must not be random")
    return out.detach()


def same(out: Tensor, truth: Tensor, atol: float = 1e-8) -> bool:
    """Whether two tensors hold the same values."""
    return torch.allclose(out, truth, rtol=1e-7, atol=atol)


def of_each_chain(fn: Callable, arguments: tuple) -> Tensor:
    """What fn returns for arguments (*chains,): a number per chain."""
    return ask(fn, *arguments, shape=arguments[0].shape)


def ignores(place: int, arguments: tuple, answer: Callable = of_each_chain) -> Recognise:
    """Whether the argument at this place has no influence."""

    def recognise(fn, generator):
        other = [*arguments]
        other[place] = 0.7 * arguments[place] + 0.13
        return same(answer(fn, tuple(other)), answer(fn, arguments))

    return recognise


def mixes_the_batch(arguments: tuple, answer: Callable = of_each_chain) -> Recognise:
    """Whether what happens to one chain depends on the others."""

    def recognise(fn, generator):
        together = answer(fn, arguments)
        alone = [
            answer(fn, tuple(a[i : i + 1] if isinstance(a, Tensor) else a for a in arguments))
            for i in range(len(together))
        ]
        return not same(torch.cat(alone), together)

    return recognise


def draws_the_decision(arguments: tuple) -> Recognise:
    """Whether it answers yes or no where some probabilities lie strictly between."""

    def recognise(fn, generator):
        out = fn(*copies(arguments))
        return out.dtype == torch.bool or bool(((out == 0) | (out == 1)).all())

    return recognise


def leaves_the_unit_interval(arguments: tuple) -> Recognise:
    """Whether a result is no probability."""

    def recognise(fn, generator):
        out = of_each_chain(fn, arguments)
        return bool(((out < 0) | (out > 1)).any())

    return recognise


def right_only_for(
    truth: Callable, small: tuple, large: tuple, answer: Callable = of_each_chain
) -> Recognise:
    """Whether it is near the truth for small arguments, and wrong for large ones."""

    def recognise(fn, generator):
        near = same(answer(fn, small), truth(*small), atol=1e-4)
        return near and not same(answer(fn, large), truth(*large))

    return recognise


def raises(kind: type[Exception], words: str, arguments: tuple) -> Recognise:
    """Whether it ends in an error that says these words."""

    def recognise(fn, generator):
        try:
            fn(*copies(arguments))
        except kind as error:
            return words in str(error)
        return False

    return recognise
