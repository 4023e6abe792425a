"""The bound on log p(x_0) that a diffusion model in n steps has, term by term."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from dgm_lib.core import tensor
from dgm_lib.nets.inputs import between, drawing_device
from dgm_lib.objectives.inputs import able, points


class DiffusionTerms(NamedTuple):
    """The parts of -ELBO for data x_0 `(*batch, d)`, in nats per datum.

    `prior` `(*batch,)` is KL(q(x_n | x_0) ‖ N(0, sigma_n² I)); `steps` `(n - 1, *batch)` are draws
    of KL(q(x_{i-1} | x_i, x_0) ‖ p(x_{i-1} | x_i)) for i = n, ..., 2; `reconstruction` `(*batch,)`
    one of -log p(x_0 | x_1).
    """

    prior: Tensor
    steps: Tensor
    reconstruction: Tensor

    @property
    def elbo(self) -> Tensor:
        """The bound itself, `(*batch,)`: at most log p(x_0) on average."""
        return -(self.prior + self.steps.sum(dim=0) + self.reconstruction)


def diffusion_terms(
    model,
    x0: Tensor,
    times: Tensor,
    width: float = 1.0,
    generator: torch.Generator | None = None,
) -> DiffusionTerms:
    """The terms of the bound for the steps between `times` `(n + 1,)`, from data to noise.

    p(x_{i-1} | x_i) has the mean of q(x_{i-1} | x_i, x_0 = model.x0(x_i, t_i)), and a sigma from
    that law's own, for `width` 0, to that of q(x_i | x_{i-1}), for 1: the best one for data that
    are a single point, and for data that are smooth at the scale of the step. p(x_0 | x_1) is the
    Gaussian around model.x0 of standard deviation sigma_1 / alpha_1. One x_i is drawn for each
    step; at the first time stand the data. Sohl-Dickstein et al. (2015); Ho, Jain & Abbeel (2020).
    """
    model, x0 = able("model", model, "path", "x0"), points("x0", x0)
    width = between("width", width, 0, 1)
    at = [t.reshape((1,) * x0.ndim) for t in _growing(times, x0)]
    path, last = model.path, at[-1]
    steps = [
        _step(model, x0, s, t, width, generator) for s, t in reversed(list(pairwise(at[1:])))
    ]
    return DiffusionTerms(
        prior=_halved(path.alpha(last) * x0 / path.sigma(last)),
        steps=torch.stack(steps) if steps else x0.new_zeros(0, *x0.shape[:-1]),
        reconstruction=_reconstruction(model, x0, at[1], generator),
    )


def diffusion_elbo(
    model,
    x0: Tensor,
    times: Tensor,
    width: float = 1.0,
    generator: torch.Generator | None = None,
) -> Tensor:
    """The bound on log p(x_0) that `diffusion_terms` add up to, per datum, `(*batch,)`."""
    return diffusion_terms(model, x0, times, width, generator).elbo


def _step(
    model, x0: Tensor, s: Tensor, t: Tensor, width: float, generator: torch.Generator | None
) -> Tensor:
    """One draw of KL(q(x_s | x_t, x_0) ‖ p(x_s | x_t)), `(*batch,)`."""
    path, x_t = model.path, _noised(model.path, x0, t, generator)
    mean, sigma = path.posterior(x_t, t, x0, s)
    believed, _ = path.posterior(x_t, t, model.x0(x_t, t), s)
    log_ratio = width * (sigma / path.transition(s, t)[1]).log()  # of q's sigma and p's
    spread = (torch.expm1(2 * log_ratio) / 2 - log_ratio).squeeze(-1)
    return _halved((mean - believed) / sigma * log_ratio.exp()) + x0.shape[-1] * spread


def _reconstruction(model, x0: Tensor, t: Tensor, generator: torch.Generator | None) -> Tensor:
    """One draw of -log p(x_0 | x_1), `(*batch,)`."""
    x_t = _noised(model.path, x0, t, generator)
    width = model.path.sigma(t) / model.path.alpha(t)
    error = (x0 - model.x0(x_t, t)) / width
    return (0.5 * error.square() + width.log() + 0.5 * math.log(2 * math.pi)).sum(dim=-1)


def _halved(apart: Tensor) -> Tensor:
    """‖apart‖²/2: KL of two Gaussians whose means are so many of their common sigmas apart."""
    return apart.square().sum(dim=-1) / 2


def _noised(path, x0: Tensor, t: Tensor, generator: torch.Generator | None) -> Tensor:
    device = drawing_device(generator, x0.device)
    eps = torch.randn(x0.shape, generator=generator, dtype=x0.dtype, device=device)
    return path.noised(x0, t, eps.to(x0.device))


def _growing(times: Tensor, x0: Tensor) -> Tensor:
    times = tensor("times", times)
    if times.is_complex() or times.ndim != 1 or len(times) < 2 or not (times.diff() > 0).all():
        raise ValueError(f"times must grow, and have shape (n + 1,), got {times.tolist()}")
    return times.to(x0)
