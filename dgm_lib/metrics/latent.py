"""What latent-variable models are judged by: their likelihood, and what their latents do."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from dgm_lib.core import Estimate, whole
from dgm_lib.metrics.inputs import as_wanted_by, samples
from dgm_lib.nets.inputs import between

ROWS = 2**17  # draws looked at together


@torch.no_grad()
def log_likelihood(model, x: Tensor, k: int = 1000, generator: Generator | None = None) -> Estimate:
    """The mean of log p(x) over data `(n, d)`, in nats, each estimated by k importance weights.

    log p̂(x) = log (1/k Σ_i w_i) with w = p(x, z) / q(z | x), z ~ q(z | x), from the model's
    `log_weights`; the standard error is over the data. Each is too small on average (Jensen), by
    half the relative variance of its mean weight: more draws bring it up, and it never promises
    more than there is. Burda, Grosse & Salakhutdinov (2016).
    """
    if not callable(getattr(model, "log_weights", None)):
        raise ValueError(f"model must have log_weights, as a VAE, got {model!r}")
    x, k = as_wanted_by(model, samples("x", x, least=1)), whole("k", k)
    rows = max(1, ROWS // k)
    blocks = (_log_means(model, block, k, generator) for block in x.split(rows))
    return Estimate.of(torch.cat(list(blocks)))


def _log_means(model, x: Tensor, k: int, generator: Generator | None) -> Tensor:
    """log (1/k Σ_i w_i) for each point, `(n, d) -> (n,)`, in float64, from blocks of draws."""
    sums = []
    for start in range(0, k, ROWS):
        draws = min(ROWS, k - start)
        log_w = model.log_weights(x, draws, generator)
        if log_w.shape != (draws, len(x)):
            raise ValueError(
                f"model.log_weights must return shape {(draws, len(x))}, got {tuple(log_w.shape)}"
            )
        if log_w.isnan().any() or log_w.isposinf().any():
            raise ValueError("model.log_weights must be a number or -inf, got NaN or +inf")
        sums.append(log_w.cpu().double().logsumexp(dim=0))
    return torch.stack(sums).logsumexp(dim=0) - math.log(k)


class ActiveUnits(NamedTuple):
    """How many latent dimensions are active, and the variance of each, `(d_z,)`."""

    count: int
    variances: Tensor


@torch.no_grad()
def active_units(mu: Tensor, threshold: float = 0.01) -> ActiveUnits:
    """The latent dimensions whose posterior mean moves with the data: Var_x(E_q[z_j]) > threshold.

    `mu` (n, d_z) are the means of q(z | x) over data x. A collapsed dimension has the variance 0,
    one that tells all has about 1 under a standard Gaussian prior. Burda, Grosse & Salakhutdinov
    (2016).

    >>> active_units(torch.tensor([[-1.0, 0.0], [1.0, 0.01]])).count
    1
    """
    threshold = between("threshold", threshold, 0, math.inf)
    variances = samples("mu", mu).var(dim=0)
    return ActiveUnits(int((variances > threshold).sum()), variances)


@torch.no_grad()
def gradient_snr(gradients: Tensor) -> Tensor:
    """|mean| / standard deviation of each component of a gradient estimate, `(r, p) -> (p,)`.

    The rows are r independent estimates. From few of them the ratio is too large where there is no
    signal, about 0.8 / √r. inf where they all agree; NaN where they all are 0. Rainforth et al.,
    "Tighter Variational Bounds are Not Necessarily Better" (2018).

    >>> gradient_snr(torch.tensor([[1.0], [3.0]]))
    tensor([1.4142], dtype=torch.float64)
    """
    gradients = samples("gradients", gradients)
    return gradients.mean(dim=0).abs() / gradients.std(dim=0)
