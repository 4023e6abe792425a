"""Objectives of models that have a density: the two Kullback-Leibler divergences."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from dgm_lib.core import whole
from dgm_lib.objectives.inputs import able, data, function, per_point


def nll(model, x: Tensor) -> Tensor:
    """The negative log-likelihood, -mean log q(x), of data `(*batch, d)` in nats per point.

    Its mean over the data's law p is KL(p ‖ q) + H(p), so to minimise it is to minimise the
    forward KL divergence. The model needs `log_prob`.
    """
    able("model", model, "log_prob")
    return -per_point(model.log_prob(data("x", x)), x, "model.log_prob").mean()


def reverse_kl(
    model,
    target_log_prob: Callable[[Tensor], Tensor],
    n: int = 512,
    generator: torch.Generator | None = None,
) -> Tensor:
    """KL(q ‖ p) = E_q[log q(x) - log p(x)] from n reparameterised samples of the model q.

    `target_log_prob` may leave out its normaliser: that only adds a constant. The model needs
    `rsample` and `log_prob`, the gradient flows through both; or `rsample_with_log_prob`, which
    finds the two in one pass.
    """
    n, target_log_prob = whole("n", n), function("target_log_prob", target_log_prob)
    # torch.distributions have no argument for a generator.
    draw = ((n,),) if generator is None else ((n,), generator)
    if hasattr(model, "rsample_with_log_prob"):
        x, log_q = model.rsample_with_log_prob(*draw)
    else:
        able("model", model, "rsample", "log_prob")
        x = model.rsample(*draw)
        log_q = model.log_prob(x)
    log_q = per_point(log_q, x, "model.log_prob")
    log_p = per_point(target_log_prob(x), x, "target_log_prob")
    return (log_q - log_p).mean()
