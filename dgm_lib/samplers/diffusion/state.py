"""What samplers along a path yield, and the loop that they share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from dgm_lib.samplers.fields import Field, column, free
from dgm_lib.samplers.mcmc.kernel import normal


class State(NamedTuple):
    """Points on their way: x `(*batch, d)` at the time t `(*batch, 1)`.

    `x0` `(*batch, d)` is the guess E[x_0 | x_t] that the step there was based on, made where the
    step began; the start has none. `nfe` counts the evaluations of the score or the noise so far.
    """

    x: Tensor
    t: Tensor
    x0: Tensor | None = None
    nfe: int = 0


Move = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor | None]]
"""(x, t, s) -> x at s, and the guess of x_0 made at t."""


def walk(x: Tensor, times: list[float], move: Move, field: Field | None = None) -> Iterator[State]:
    """The start, and the state after each move from one time to the next."""
    move = free(move)
    yield State(x, column(times[0], x))
    for t, s in pairwise(times):
        moved, x0 = move(x, column(t, x), column(s, x))
        if not isinstance(moved, Tensor) or moved.shape != x.shape:
            got = tuple(moved.shape) if isinstance(moved, Tensor) else repr(moved)
            raise ValueError(f"step must return shape {tuple(x.shape)}, as x, got {got}")
        x = moved
        yield State(x, column(s, x), x0, field.calls if field else 0)


def draw(x: Tensor, generator: Generator | None, scale: float = 1.0) -> Tensor:
    """Standard normal numbers like x; zeros, and no draw, where they would count for nothing."""
    return normal(x, generator) if scale else torch.zeros_like(x)


def checked(generator: object) -> Generator | None:
    """The argument `generator`."""
    if not (generator is None or isinstance(generator, Generator)):
        raise ValueError(f"generator must be a torch.Generator or None, got {generator!r}")
    return generator


def nonnegative(name: str, value: object) -> float:
    """The argument `name`, a finite number of at least 0."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e6:
        raise ValueError(f"{name} must be a number of at least 0, got {value!r}")
    return float(value)
