"""The closed-form KL from an encoder's Gaussian to the standard normal."""

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise
from dgm_lib.exercises.vae.gaussian_kl_mistakes import MISTAKES


def gaussian_kl(mu: Tensor, log_var: Tensor) -> Tensor:
    """KL(N(mu, diag sigma²) ‖ N(0, I)), mu and log_var = log sigma² (*batch, d_z) -> (*batch,)."""
    return 0.5 * (mu**2 + log_var.exp() - 1 - log_var).sum(dim=-1)


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(*shape: int) -> tuple[Tensor, ...]:
        mu, log_var = torch.randn(2, *shape, generator=generator, dtype=torch.float64)
        return (mu + 0.7).to(dtype), (log_var - 0.4).to(dtype)

    extremes = torch.tensor([[0.3, -0.7], [1.2, 0.4]]), torch.tensor([[-9.0, 6.5], [0.5, -15.0]])
    far = tuple(a.to(dtype) for a in extremes)
    return [case(2, 2), case(4), case(6, 1), case(5, 3), case(2, 3, 4), far]


# ------------------------------------------------------------------------ right answers


def _torch_kl(mu, log_var):
    q = torch.distributions.Normal(mu, torch.exp(0.5 * log_var))
    p = torch.distributions.Normal(torch.zeros_like(mu), torch.ones_like(mu))
    return torch.distributions.kl_divergence(q, p).sum(-1)


def _minus_half(mu, log_var):
    return -0.5 * torch.sum(1 + log_var - mu.pow(2) - log_var.exp(), dim=-1)


def _three_sums(mu, log_var):
    d = mu.shape[-1]
    return ((mu * mu).sum(-1) + torch.exp(log_var).sum(-1) - log_var.sum(-1) - d) / 2


def _from_sigma(mu, log_var):
    sigma = (log_var / 2).exp()
    return ((mu**2 + sigma**2) / 2 - 0.5 - sigma.log()).sum(-1)


def _expm1(mu, log_var):
    return torch.einsum("...d->...", torch.expm1(log_var) - log_var + mu.square()) * 0.5


Exercise(
    gaussian_kl,
    title="KL of the encoder to the prior",
    minutes=6,
    difficulty=1,
    returns="(*batch,), one number for each law",
    cases=_cases,
    grad_wrt=("mu", "log_var"),
    mistakes=MISTAKES,
    accepts=[_torch_kl, _minus_half, _three_sums, _from_sigma, _expm1],
    hints=(
        "For one coordinate KL(N(mu, sigma²) ‖ N(0, 1)) = ½ (mu² + sigma² − 1 − log sigma²).",
        "You have log sigma² itself, log_var; sigma² is log_var.exp().",
        "The coordinates are independent: sum over the last dimension, and leave the batch.",
    ),
)
