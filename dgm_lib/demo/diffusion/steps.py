"""The samplers to choose from: each is one step from a time t to a lower one, s."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from dgm_lib.samplers import diffusion, ode
from dgm_lib.samplers.fields import column

Step = Callable[[Any, Tensor, Tensor, Tensor, Tensor], Tensor]
"""(model or guide, x, t, s, noise) -> x at s; x and noise (n, 2), t and s (n, 1)."""

CORRECTIONS, PACE = 10, 0.1  # of annealed Langevin dynamics: steps at a time, and their size


def ancestral(model: Any, x: Tensor, t: Tensor, s: Tensor, noise: Tensor) -> Tensor:
    """DDPM."""
    return diffusion.ancestral_step(model.path, x, t, s, model.eps(x, t), noise)


def ddim(model: Any, x: Tensor, t: Tensor, s: Tensor, noise: Tensor) -> Tensor:
    """DDIM with eta = 0."""
    return diffusion.ddim_step(model.path, x, t, s, model.eps(x, t), noise)


def euler_maruyama(model: Any, x: Tensor, t: Tensor, s: Tensor, noise: Tensor) -> Tensor:
    """The reverse SDE."""
    return diffusion.reverse_step(model.path, x, t, s, model.score(x, t), noise)


def flow(step: ode.steps.Step) -> Step:
    """The probability-flow ODE by a step of this method."""
    return lambda model, x, t, s, noise: step(model.velocity, x, t, s - t)


def annealed_langevin(model: Any, x: Tensor, t: Tensor, s: Tensor, noise: Tensor) -> Tensor:
    """Langevin's dynamics on the law at s, from where the law at t has left the points."""
    h = PACE * model.path.sigma(s) ** 2
    for _ in range(CORRECTIONS):
        x = diffusion.langevin_step(x, model.score(x, s), h, torch.randn_like(x))
    return x


SAMPLERS: dict[str, Step] = {
    "ancestral": ancestral,
    "DDIM": ddim,
    "Euler–Maruyama": euler_maruyama,
    "Euler": flow(ode.euler),
    "Heun": flow(ode.heun),
    "RK4": flow(ode.rk4),
    "annealed Langevin": annealed_langevin,
}


def menu(argument: str, given: Mapping[str, Step] | None, usual: Mapping[str, Step]) -> dict:
    """The learner's steps, and behind them the usual ones that they do not replace."""
    given = {} if given is None else given
    if not isinstance(given, Mapping) or not all(map(callable, given.values())):
        raise ValueError(f"{argument} must map names to steps (_, x, t, s, noise), got {given!r}")
    return {**given, **{name: step for name, step in usual.items() if name not in given}}


@torch.no_grad()
def taken(name: str, step: Step, model: Any, x: Tensor, t: float, s: float) -> Tensor:
    """The points (n, 2) after the step that is called `name`, from the time t to s."""
    moved = step(model, x.clone(), column(t, x), column(s, x), torch.randn_like(x))
    if not isinstance(moved, Tensor) or moved.shape != x.shape:
        got = tuple(moved.shape) if isinstance(moved, Tensor) else repr(moved)
        raise ValueError(f"{name} must return points {tuple(x.shape)}, as x, got {got}")
    if not moved.isfinite().all():
        raise ValueError(f"{name} must keep points finite, got NaN or inf from t = {t:.3g}")
    return moved.to(x)
