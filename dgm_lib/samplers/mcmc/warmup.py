"""Finding a step size: raise it while enough is accepted, lower it otherwise."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real

from torch import Generator, Tensor

from dgm_lib.core import whole
from dgm_lib.samplers.mcmc.kernel import Kernel, positive
from dgm_lib.samplers.mcmc.law import function
from dgm_lib.samplers.mcmc.state import State

_GAMMA, _T0, _KAPPA = 0.05, 10.0, 0.75  # Hoffman and Gelman's: shrinkage, delay, forgetting


@dataclass(frozen=True)
class Adaptation:
    """Dual averaging of log step: where it stands after t steps."""

    start: float
    log_step: float
    averaged: float
    shortfall: float = 0.0  # the average of (accept asked for - accept seen)
    t: int = 0

    @property
    def step(self) -> float:
        """The step size to use next."""
        return math.exp(self.log_step)

    @property
    def averaged_step(self) -> float:
        """The step size that the recent ones average to."""
        return math.exp(self.averaged)

    def after(self, shortfall: float) -> Adaptation:
        """One step on, in which `shortfall` less was accepted than asked for."""
        t = self.t + 1
        mean = self.shortfall + (shortfall - self.shortfall) / (t + _T0)
        log_step = math.log(10 * self.start) - math.sqrt(t) / _GAMMA * mean
        log_step = min(max(log_step, -80.0), 80.0)  # within single precision
        averaged = self.averaged + t**-_KAPPA * (log_step - self.averaged)
        return Adaptation(self.start, log_step, averaged, mean, t)


@dataclass(frozen=True, eq=False)
class Adapting:
    """The kernel of `adapting`."""

    make: Callable[[float], Kernel]
    step: float
    accept: float

    def init(self, x: Tensor) -> State:
        """Chains that start at x, with the adaptation at its beginning."""
        log_step = math.log(self.step)
        start = Adaptation(self.step, log_step, log_step)
        return self.make(self.step).init(x).replace(adaptation=start)

    def __call__(self, state: State, generator: Generator | None = None) -> State:
        """One step of the kernel with the present step size, which then changes."""
        if state.adaptation is None:
            raise ValueError("state must come from this kernel's own init or steps")
        adaptation = state.adaptation
        state = self.make(adaptation.step)(state, generator)
        if state.accept_prob.numel():  # without chains there is nothing to learn
            adaptation = adaptation.after(self.accept - state.accept_prob.mean().item())
        return state.replace(adaptation=adaptation)


def adapting(make: Callable[[float], Kernel], step: float, accept: float = 0.8) -> Adapting:
    """The kernel `make(step)` with a step size that seeks the acceptance `accept`.

    One step size serves all chains and learns from all: dual averaging of log step, kept in the
    state. While it changes the draws are not exact; go on with `make(state.averaged_step)`.
    Hoffman and Gelman, "The No-U-Turn sampler" (2014), section 3.2.
    """
    step = positive("step", step)
    if not isinstance(step, float):
        raise ValueError("step must be one number, which all chains share, got a tensor")
    if not (isinstance(accept, Real) and 0 < accept < 1):
        raise ValueError(f"accept must be between 0 and 1, got {accept!r}")
    return Adapting(function("make", make), step, accept)


def warmed_up(
    make: Callable[[float], Kernel],
    x: Tensor,
    step: float,
    accept: float = 0.8,
    n: int = 200,
    generator: Generator | None = None,
) -> tuple[Kernel, State]:
    """The kernel with a step size found in n steps from x, and the state that these led to."""
    kernel = adapting(make, step, accept)
    state = kernel.init(x)
    for _ in range(whole("n", n)):
        state = kernel(state, generator)
    return make(state.averaged_step), state.replace(adaptation=None)
