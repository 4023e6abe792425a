"""The likelihood gap: how many nats a model loses on the truth."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from dgm_lib.core import Density, Estimate
from dgm_lib.metrics.inputs import log_density, real


@torch.no_grad()
def nll_gap(model: Density, target: Density, x: Tensor) -> Estimate:
    """KL(p ‖ q) in nats by Monte Carlo, the mean of log p(x) - log q(x) over samples of p.

    p is the target, q the model, x `(*batch, d)` exact samples of p that the model was not
    trained on. It equals the model's negative log-likelihood minus the entropy of p, but the
    pairing removes the noise that both share. It is inf when q(x) = 0 for a sample.
    """
    x = real("x", x)
    if x.ndim < 2 or x.shape[-1] == 0 or x.shape[:-1].numel() < 2:
        raise ValueError(f"x must hold at least two points (n, d), got shape {tuple(x.shape)}")
    if not x.isfinite().all():
        raise ValueError("x must be finite, got NaN or inf")
    log_p = log_density("target", target, x)
    if log_p.isneginf().any():
        raise ValueError("x must be samples of the target, got one where its log_prob is -inf")
    log_q = log_density("model", model, x)
    if log_q.isneginf().any():
        return Estimate(math.inf, 0.0)
    return Estimate.of(log_p - log_q)
