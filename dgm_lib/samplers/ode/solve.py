"""Whole paths, as generators of states: with the steps given, or found by their error."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from dgm_lib.core import whole
from dgm_lib.samplers.fields import Field, Function, Times, column, free, monotone, points
from dgm_lib.samplers.ode.steps import Pair, Step, dormand_prince, heun

_SAFETY, _LEAST, _MOST = 0.9, 0.2, 5.0  # how far the next step may differ from the last
_FIRST = 1e-2  # of the way: what it tries first, which the error then corrects


class State(NamedTuple):
    """Points on their way: x `(*batch, d)` at the time t `(*batch, 1)`.

    `nfe` is the number of evaluations of the velocity so far; `rejected` counts the steps that
    an adaptive method has thrown away and taken anew.
    """

    x: Tensor
    t: Tensor
    nfe: int = 0
    rejected: int = 0


def solve(velocity: Function, x: Tensor, times: Times, step: Step = heun) -> Iterator[State]:
    """The states at each of the times, the first of them being the start itself.

    `velocity(x, t)` takes x `(*batch, d)`, t `(*batch, 1)`; x is where it starts at times[0];
    `times` only rise or only fall; `step` is one of `euler`, `midpoint`, `heun`, `rk4`, a `Pair`,
    or your own. No graph is kept: to learn through a path, apply the steps themselves.

    >>> import torch
    >>> [state.x.item() for state in solve(lambda x, t: t, torch.zeros(1), [0, 1, 2])]
    [0.0, 0.5, 2.0]
    """
    velocity, x = Field("velocity", velocity), points("x", x)
    times, step = monotone(times, x), free(_callable("step", step))

    def states(x: Tensor) -> Iterator[State]:
        yield State(x, column(times[0], x))
        for t, s in pairwise(times):
            new = step(velocity, x, column(t, x), s - t)
            if not isinstance(new, Tensor) or new.shape != x.shape:
                got = tuple(new.shape) if isinstance(new, Tensor) else repr(new)
                raise ValueError(f"step must return shape {tuple(x.shape)}, as x, got {got}")
            x = new
            yield State(x, column(s, x), velocity.calls)

    return states(x)


def adaptive(
    velocity: Function,
    x: Tensor,
    times: Times,
    rtol: float = 1e-5,
    atol: float = 1e-6,
    pair: Pair = dormand_prince,
    max_steps: int = 10_000,
) -> Iterator[State]:
    """The states after each step of a method that chooses its steps; each of `times` is met.

    A step is kept if its estimated error e, for every point of the batch,

        sqrt(mean_i (e_i / (atol + rtol |x_i|))²) <= 1,

    and the next one is made longer or shorter by 0.9 times that to the power -1/order. All points
    take the same steps: the hardest of them decides. Hairer, Nørsett and Wanner (1993), section
    II.4.

    >>> import torch
    >>> path = list(adaptive(lambda x, t: x, torch.ones(1).double(), [0, 1], rtol=1e-9, atol=1e-9))
    >>> abs(path[-1].x.item() - 2.718281828) < 1e-8
    True
    """
    velocity, x = Field("velocity", velocity), points("x", x)
    times, max_steps = monotone(times, x), whole("max_steps", max_steps)
    rtol, atol = _tolerance("rtol", rtol), _tolerance("atol", atol)
    if not isinstance(pair, Pair):
        raise ValueError(f"pair must be an ode.Pair, as ode.dormand_prince, got {pair!r}")
    evaluate, attempt = free(velocity), free(pair.attempt)

    def states(x: Tensor) -> Iterator[State]:
        t, taken, rejected = times[0], 0, 0
        yield State(x, column(t, x))
        v = evaluate(x, column(t, x))
        size, sign = _FIRST * abs(times[-1] - t), 1 if times[-1] > t else -1
        for goal in times[1:]:
            while t != goal:
                if taken + rejected == max_steps:
                    raise RuntimeError(f"velocity needs more than max_steps = {max_steps} steps")
                s = _next(t, size * sign, goal, x)
                new, error, v_new = attempt(velocity, x, column(t, x), s - t, v)
                excess = _excess(error, x, new, rtol, atol)
                growth = _SAFETY * max(excess, 1e-10) ** (-1 / pair.order)
                proposed = abs(s - t) * min(max(growth, _LEAST), _MOST)
                if excess <= 1:
                    # A step cut short by a goal says nothing against longer ones.
                    size = max(size, proposed) if s == goal else proposed
                    x, t, v, taken = new, s, v_new, taken + 1
                    yield State(x, column(t, x), velocity.calls, rejected)
                else:
                    size, rejected = proposed, rejected + 1

    return states(x)


def _next(t: float, dt: float, goal: float, x: Tensor) -> float:
    """The time dt after t, as x's type can hold it, or the goal if that comes first."""
    if abs(goal - t) <= abs(dt) * (1 + 1e-6):
        return goal
    if abs(dt) < 8 * torch.finfo(x.dtype).eps * max(abs(t), abs(goal)):
        raise RuntimeError(
            f"velocity changes too fast at t = {t:g}: no step is short enough for rtol and atol"
        )
    return x.new_tensor(t + dt).item()


def _excess(error: Tensor, x: Tensor, new: Tensor, rtol: float, atol: float) -> float:
    """By how much the worst point's error exceeds what is allowed."""
    if not error.numel():
        return 0.0
    allowed = atol + rtol * x.abs().maximum(new.abs())
    worst = (error / allowed).square().mean(dim=-1).sqrt().max()
    return worst.nan_to_num(nan=1e10, posinf=1e10).item()


def _tolerance(name: str, value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1:
        raise ValueError(f"{name} must be between 0 and 1, got {value!r}")
    return float(value)


def _callable(name: str, value: object) -> Step:
    if not callable(value):
        raise ValueError(f"{name} must be a function, got {value!r}")
    return value
