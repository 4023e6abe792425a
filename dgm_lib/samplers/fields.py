"""What the samplers that run in time share: functions of (x, t), where to start, which times."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import TypeVar

import torch
from torch import Tensor

from dgm_lib.core import array, tensor

Function = Callable[[Tensor, Tensor], Tensor]
"""A velocity, a score or a noise: (x `(*batch, d)`, t `(*batch, 1)`) -> `(*batch, d)`."""

Times = Sequence[float] | Tensor
AnyState = TypeVar("AnyState")


class Field:
    """A function of (x, t) whose answers are checked, and whose calls are counted in `calls`."""

    def __init__(self, name: str, function: Function) -> None:
        if not callable(function):
            raise ValueError(f"{name} must be a function of (x, t), got {function!r}")
        self.name, self.function, self.calls = name, function, 0

    def __call__(self, x: Tensor, t: Tensor) -> Tensor:
        """function(x, t), which must have the shape of x and be finite wherever x is."""
        self.calls += 1
        value = self.function(x, t)
        if not isinstance(value, Tensor) or value.shape != x.shape:
            got = tuple(value.shape) if isinstance(value, Tensor) else repr(value)
            raise ValueError(f"{self.name} must return shape {tuple(x.shape)}, as x, got {got}")
        if not value.isfinite().all():
            self._judge(x, t, value)
        return value

    def _judge(self, x: Tensor, t: Tensor, value: Tensor) -> None:
        wrong = ~value.isfinite().all(dim=-1) & x.square().sum(dim=-1).isfinite()
        if wrong.any():  # where x itself has run off to infinity there is nothing to blame
            when = t.expand(*x.shape[:-1], 1)[wrong][0].item()
            raise ValueError(
                f"{self.name} must be finite, got {value[wrong][0].tolist()} "
                f"at t = {when:g}, x = {x[wrong][0].tolist()}"
            )


def points(name: str, x: object) -> Tensor:
    """Points `(*batch, d)` to start from, finite floating-point numbers, as a private copy."""
    x = tensor(name, x)
    if not x.is_floating_point():
        raise ValueError(f"{name} must hold floating-point numbers, got {x.dtype}")
    if x.ndim == 0 or x.shape[-1] == 0:
        raise ValueError(f"{name} must have shape (*batch, d), got {tuple(x.shape)}")
    if not x.isfinite().all():
        raise ValueError(f"{name} must be finite everywhere, got NaN or infinite values")
    return x.detach().clone()


def monotone(times: Times, x: Tensor) -> list[float]:
    """At least two times that only rise or only fall, each rounded to what x's type can hold."""
    # Rounded at once: so that t + (s - t) is s, and no time falls outside of [0, 1] on the way.
    found = array("times", times).to(x.dtype).tolist()
    if not isinstance(found, list) or len(found) < 2 or isinstance(found[0], list):
        raise ValueError(f"times must be at least two numbers, got {times!r}")
    steps = [s - t for t, s in pairwise(found)]
    if not (min(steps) > 0 or max(steps) < 0):
        raise ValueError(f"times must only rise or only fall, got {found}")
    return found


def falling(times: Times, x: Tensor) -> list[float]:
    """At least two times from noise down to data."""
    found = monotone(times, x)
    if found[0] < found[1]:
        raise ValueError(f"times must fall, from noise (1) to data (0), got {found}")
    return found


def column(t: float, x: Tensor) -> Tensor:
    """The time t as `(*batch, 1)`, the rank of x."""
    return x.new_tensor(t).expand(*x.shape[:-1], 1)


def last(states: Iterator[AnyState]) -> AnyState:
    """The last of the states, without keeping the others.

    >>> last(iter([1, 2, 3]))
    3
    """
    state = None
    for state in states:
        pass
    if state is None:
        raise ValueError("states must yield at least one state, got none")
    return state


def free(call: Callable[..., AnyState]) -> Callable[..., AnyState]:
    """`call` without a graph: for one step, not for a generator, which would leak the setting."""
    return torch.inference_mode(False)(torch.no_grad()(call))
