"""One step of each method: pure functions of tensors, which autograd can follow.

All take x `(*batch, d)`, t `(*batch, 1)` and dt, a number of either sign or `(*batch, 1)`.
Hairer, Nørsett and Wanner, "Solving Ordinary Differential Equations I" (1993), chapter II.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from dgm_lib.samplers.fields import Function

Time = float | Tensor
Step = Callable[[Function, Tensor, Tensor, Time], Tensor]
"""One step: (velocity, x, t, dt) -> x at t + dt."""


def euler(velocity: Function, x: Tensor, t: Tensor, dt: Time) -> Tensor:
    """x + dt v(x, t): of order 1, one evaluation.

    >>> import torch
    >>> euler(lambda x, t: -x, torch.ones(1, 1), torch.zeros(1, 1), 0.1)
    tensor([[0.9000]])
    """
    return x + dt * velocity(x, t)


def midpoint(velocity: Function, x: Tensor, t: Tensor, dt: Time) -> Tensor:
    """An Euler step half-way, and a whole one with the velocity found there: order 2."""
    half = x + dt / 2 * velocity(x, t)
    return x + dt * velocity(half, t + dt / 2)


def heun(velocity: Function, x: Tensor, t: Tensor, dt: Time) -> Tensor:
    """An Euler step, then one with the mean of the velocities at both its ends: order 2."""
    k1 = velocity(x, t)
    k2 = velocity(x + dt * k1, t + dt)
    return x + dt / 2 * (k1 + k2)


def rk4(velocity: Function, x: Tensor, t: Tensor, dt: Time) -> Tensor:
    """The classical method of Runge and Kutta: order 4, four evaluations."""
    k1 = velocity(x, t)
    k2 = velocity(x + dt / 2 * k1, t + dt / 2)
    k3 = velocity(x + dt / 2 * k2, t + dt / 2)
    k4 = velocity(x + dt * k3, t + dt)
    return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


@dataclass(frozen=True)
class Pair:
    """Two Runge-Kutta methods that share their evaluations: their difference tells the error.

    Stage i is v(x + dt sum_j a[i][j] k_j, t + c[i] dt), after k_0 = v(x, t). The last stage is
    taken at the new x itself, so that it is the first one of the next step; `e` holds the
    differences of the two methods' weights. Called like `heun` or `rk4` it makes the step of
    the better of the two, which is of the given `order`.
    """

    order: int
    c: tuple[float, ...]
    a: tuple[tuple[float, ...], ...]
    e: tuple[float, ...]

    def __call__(self, velocity: Function, x: Tensor, t: Tensor, dt: Time) -> Tensor:
        """x at t + dt."""
        return self.attempt(velocity, x, t, dt, velocity(x, t))[0]

    def attempt(
        self, velocity: Function, x: Tensor, t: Tensor, dt: Time, k: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """x at t + dt, the estimate of its error, and v there; `k` is v(x, t)."""
        ks, new = [k], x
        for c, row in zip(self.c, self.a, strict=True):
            new = x + dt * _combined(row, ks)
            ks.append(velocity(new, t + c * dt))
        return new, dt * _combined(self.e, ks), ks[-1]


def _combined(weights: tuple[float, ...], ks: list[Tensor]) -> Tensor:
    return sum(weight * k for weight, k in zip(weights, ks, strict=True) if weight)


bogacki_shampine = Pair(
    order=3,
    c=(1 / 2, 3 / 4, 1),
    a=((1 / 2,), (0, 3 / 4), (2 / 9, 1 / 3, 4 / 9)),
    e=(-5 / 72, 1 / 12, 1 / 9, -1 / 8),
)
"""Orders 3 and 2, three evaluations a step. Bogacki and Shampine (1989)."""

dormand_prince = Pair(
    order=5,
    c=(1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1),
    a=(
        (1 / 5,),
        (3 / 40, 9 / 40),
        (44 / 45, -56 / 15, 32 / 9),
        (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
        (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
        (35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
    ),
    e=(71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40),
)
"""Orders 5 and 4, six evaluations a step. Dormand and Prince (1980)."""
