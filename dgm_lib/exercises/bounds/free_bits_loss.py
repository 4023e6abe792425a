"""The loss of a VAE with a weight on the KL and free bits."""

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise
from dgm_lib.exercises.bounds.free_bits_mistakes import MISTAKES


def free_bits_loss(log_px: Tensor, kl: Tensor, beta: float, free_bits: float) -> Tensor:
    """−mean log p(x|z) + beta Σ_j max(free_bits, mean_n KL_nj), over a batch of n data -> ().

    log_px (n,), kl (n, d_z): the KL of each latent dimension for each datum, in nats.
    Each dimension may use free_bits nats, on average over the batch, at no cost.
    """
    return -log_px.mean() + beta * kl.mean(dim=0).clamp(min=free_bits).sum()


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(n: int, d_z: int, beta: float, free_bits: float) -> tuple:
        log_px, kl = torch.randn(n, generator=generator), torch.rand(n, d_z, generator=generator)
        sizes = torch.linspace(0.06, 2.3, d_z)  # some dimensions below the free bits, some above
        kl = sizes * (0.3 + 1.4 * kl.double())
        return (2 * log_px.double() - 3).to(dtype), kl.to(dtype), beta, free_bits

    return [
        case(2, 3, 0.7, 0.25),
        case(5, 4, 1.0, 0.5),
        case(3, 6, 1.6, 0.75),
        case(8, 2, 0.3, 0.125),
        case(4, 3, 0.8, 0.0),
        case(3, 5, 2.5, 8.0),
        case(6, 3, 1.2, 3.5),
        case(6, 3, 0.0, 0.25),
        case(4, 1, 1.4, 0.03125),
    ]


# ------------------------------------------------------------------------ right answers


def _maximum(log_px, kl, beta, free_bits):
    per_dimension = kl.mean(0)
    floor = torch.full_like(per_dimension, free_bits)
    return beta * torch.maximum(per_dimension, floor).sum() - log_px.mean()


def _relu(log_px, kl, beta, free_bits):
    above = torch.relu(kl.mean(dim=0) - free_bits)
    return -torch.mean(log_px) + beta * (above + free_bits).sum()


def _where(log_px, kl, beta, free_bits):
    mean_kl = kl.sum(0) / len(kl)
    kept = torch.where(mean_kl > free_bits, mean_kl, free_bits)
    return -(log_px.sum() / log_px.shape[0] - beta * kept.sum())


def _loop(log_px, kl, beta, free_bits):
    loss = -log_px.mean()
    for column in kl.unbind(dim=1):
        loss = loss + beta * torch.clamp(column.mean(), min=free_bits)
    return loss


Exercise(
    free_bits_loss,
    title="A weight on the KL, and free bits",
    minutes=8,
    difficulty=2,
    returns="(), one number",
    cases=_cases,
    grad_wrt=("log_px", "kl"),
    mistakes=MISTAKES,
    accepts=[_maximum, _relu, _where, _loop],
    hints=(
        "Without both it is the negative ELBO of the batch: −mean log_px + the mean KL, which is "
        "Σ_j of kl.mean(dim=0).",
        "Free bits hold for each latent dimension, on average over the batch: first the mean over "
        "the data, then .clamp(min=free_bits), then the sum over the dimensions.",
        "beta weights the whole KL term, free bits included; log_px has weight 1.",
    ),
)
