"""The marginal likelihood by importance sampling."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Tolerance
from dgm_lib.exercises.variational_inference.importance_mistakes import MISTAKES
from dgm_lib.exercises.variational_inference.stand_ins import laws_and_draws


def importance_estimate(log_joint: Callable, log_q: Callable, z: Tensor) -> Tensor:
    """log (1/k) Σ_k p(x, z_k) / q(z_k), the estimate of log p(x) -> (*batch,).

    z: (k, *batch, d_z), draws of q. log_joint(z) and log_q(z): (k, *batch).
    """
    log_w = log_joint(z) - log_q(z)
    return log_w.logsumexp(dim=0) - math.log(len(log_w))


# ------------------------------------------------------------------------ right answers


def _one_line(log_joint, log_q, z):
    return torch.logsumexp(log_joint(z) - log_q(z) - math.log(z.shape[0]), 0)


def _by_hand(log_joint, log_q, z):
    log_w = log_joint(z) - log_q(z)
    largest = log_w.max(dim=0).values
    return largest + torch.log(torch.exp(log_w - largest).mean(dim=0))


def _sample_by_sample(log_joint, log_q, z):
    log_w = [log_joint(one) - log_q(one) for one in z]
    return torch.stack(log_w, dim=-1).logsumexp(-1) - torch.log(torch.tensor(len(z)))


def _two_at_a_time(log_joint, log_q, z):
    with torch.no_grad():
        log_w = log_joint(z) - log_q(z)
        total = log_w[0]
        for one in log_w[1:]:
            total = torch.logaddexp(total, one)
        return total - math.log(len(z))


Exercise(
    importance_estimate,
    title="log p(x) by importance sampling",
    minutes=8,
    difficulty=1,
    returns="(*batch,), one estimate for each x",
    cases=laws_and_draws,
    tolerances={torch.float64: Tolerance(1e-6, 1e-6)},  # torch.log(torch.tensor(k)) is float32
    mistakes=MISTAKES,
    accepts=[_one_line, _by_hand, _sample_by_sample, _two_at_a_time],
    hints=(
        "p(x) = ∫ p(x, z) dz = E_q[p(x, z) / q(z)]: the weight of a draw is p(x, z) / q(z).",
        "In logs the weight is log_joint(z) − log_q(z), (k, *batch). Its mean over k is taken of "
        "the weights, not of their logs.",
        "log Σ exp without over- or underflow is log_w.logsumexp(dim=0); a mean is a sum over k, "
        "so subtract log k.",
    ),
)
