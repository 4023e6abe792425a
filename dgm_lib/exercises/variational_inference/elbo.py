"""The evidence lower bound from draws of q."""

from collections.abc import Callable

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise
from dgm_lib.exercises.variational_inference.elbo_mistakes import MISTAKES
from dgm_lib.exercises.variational_inference.stand_ins import laws_and_draws


def elbo(log_joint: Callable, log_q: Callable, z: Tensor) -> Tensor:
    """E_q[log p(x, z) − log q(z)] ≤ log p(x), from draws of q -> (*batch,).

    z: (k, *batch, d_z), draws of q. log_joint(z) and log_q(z): (k, *batch).
    """
    return (log_joint(z) - log_q(z)).mean(dim=0)


# ------------------------------------------------------------------------ right answers


def _two_means(log_joint, log_q, z):
    return torch.mean(log_joint(z), 0) - log_q(z).mean(axis=0)


def _sum_over_k(log_joint, log_q, z):
    return (log_joint(z) - log_q(z)).sum(0) / len(z)


def _sample_by_sample(log_joint, log_q, z):
    total = 0.0
    for one in z:
        total = total + log_joint(one) - log_q(one)
    return total / z.shape[0]


def _energy_and_entropy(log_joint, log_q, z):
    energy, entropy = -log_joint(z).mean(dim=0), torch.stack([-log_q(one) for one in z]).mean(0)
    return entropy - energy


Exercise(
    elbo,
    title="The evidence lower bound",
    minutes=5,
    difficulty=1,
    returns="(*batch,), one bound for each x",
    cases=laws_and_draws,
    grad_wrt=("z",),
    mistakes=MISTAKES,
    accepts=[_two_means, _sum_over_k, _sample_by_sample, _energy_and_entropy],
    hints=(
        "By Jensen, log p(x) = log E_q[p(x, z) / q(z)] ≥ E_q[log p(x, z) − log q(z)].",
        "Each draw gives log_joint(z) − log_q(z); the expectation is their mean over the k draws.",
        "The draws are the first dimension: .mean(dim=0) leaves one bound for each x.",
    ),
)
