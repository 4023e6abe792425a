"""What importance weights say: the mean of w = p̃/q over draws of q is the constant Z of p̃."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from dgm_lib.core import Estimate
from dgm_lib.metrics.inputs import real


@torch.no_grad()
def log_mean_exp(log_w: Tensor) -> Estimate:
    """log (1/n Σ_i w_i) of the n log-weights `(*batch,)`: for annealed weights, log Z - log Z₀.

    The mean of w is unbiased for Z/Z₀, so its log is too small on average (Jensen), by half the
    square of the standard error. That error is the delta method's, std(w) / (√n mean(w)), and
    trustworthy only where `weights_ess` is not small. A weight may be zero, log w = -inf.

    >>> print(log_mean_exp(torch.tensor([0.0, 0.0, 0.0])))
    0 ± 0
    """
    log_w = _log_weights(log_w)
    n, largest = len(log_w), log_w.max()
    if largest.isneginf():
        return Estimate(-math.inf, math.nan)
    w = (log_w - largest).exp()
    mean = w.mean()
    stderr = (w.std() / (math.sqrt(n) * mean)).item() if n > 1 else math.nan
    return Estimate((largest + mean.log()).item(), stderr)


@torch.no_grad()
def weights_ess(log_w: Tensor) -> float:
    """The effective sample size of weights, (Σ w)² / Σ w² from 1 to n, by log w `(*batch,)`.

    NaN where all weights are zero. (Kong, Liu & Wong, 1994.)

    >>> weights_ess(torch.tensor([0.0, 0.0, -torch.inf]))
    2.0
    """
    log_w = _log_weights(log_w)
    w = (log_w - log_w.max()).exp()
    return (w.sum().square() / w.square().sum()).item()


def _log_weights(log_w: Tensor) -> Tensor:
    log_w = real("log_w", log_w).flatten().cpu().double()
    if not len(log_w):
        raise ValueError("log_w must hold at least one number, got none")
    if log_w.isnan().any() or log_w.isposinf().any():
        raise ValueError("log_w must be a number or -inf everywhere, got NaN or +inf")
    return log_w
