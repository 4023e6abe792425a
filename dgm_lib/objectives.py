"""Objectives: plain functions `loss(model, x) -> scalar`, to be minimised.

A setting is fixed by `functools.partial`. An objective that needs no data leaves out x, and
trains on batches that are empty: `train(model, partial(reverse_kl, ...), itertools.repeat(()))`.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def nll(model, x: Tensor) -> Tensor:
    """The negative log-likelihood, -mean log q(x), of data `(*batch, d)` in nats per point.

    Its mean over the data's law p is KL(p ‖ q) + H(p), so to minimise it is to minimise the
    forward KL divergence. The model needs `log_prob`.
    """
    return -_per_point(model.log_prob(x), x, "model.log_prob").mean()


def reverse_kl(
    model,
    target_log_prob: Callable[[Tensor], Tensor],
    n: int = 512,
    generator: torch.Generator | None = None,
) -> Tensor:
    """KL(q ‖ p) = E_q[log q(x) - log p(x)] from n reparameterised samples of the model q.

    `target_log_prob` may leave out its normaliser: that only adds a constant. The model needs
    `rsample` and `log_prob`, the gradient flows through both.
    """
    if n < 1:
        raise ValueError(f"n must be positive, got {n}")
    # torch.distributions have no argument for a generator.
    x = model.rsample((n,)) if generator is None else model.rsample((n,), generator)
    log_q = _per_point(model.log_prob(x), x, "model.log_prob")
    log_p = _per_point(target_log_prob(x), x, "target_log_prob")
    return (log_q - log_p).mean()


def _per_point(log_prob: Tensor, x: Tensor, name: str) -> Tensor:
    """`log_prob`, once it is known to hold one number per point: a mean would hide a mistake."""
    if log_prob.shape != x.shape[:-1]:
        raise ValueError(
            f"{name} must return one number per point, shape {tuple(x.shape[:-1])} "
            f"for x of shape {tuple(x.shape)}, got {tuple(log_prob.shape)}"
        )
    return log_prob
