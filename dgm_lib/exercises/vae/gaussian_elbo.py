"""The bound of a VAE whose encoder and decoder are Gaussian."""

import math

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise
from dgm_lib.exercises.vae.gaussian_elbo_mistakes import MISTAKES


def gaussian_elbo(x: Tensor, x_mean: Tensor, sigma: Tensor, mu: Tensor, log_var: Tensor) -> Tensor:
    """log p(x|z) − KL(q(z|x) ‖ p(z)), the ELBO from one draw z of q(z|x) -> (*batch,).

    p(x|z) = N(x_mean, sigma² I), x and x_mean (*batch, d), sigma (); the prior is N(0, I), and
    q(z|x) = N(mu, diag exp(log_var)), (*batch, d_z). z is in x_mean; the KL in closed form.
    """
    log_px = -0.5 * ((x - x_mean) / sigma) ** 2 - sigma.log() - 0.5 * math.log(2 * math.pi)
    kl = 0.5 * (mu**2 + log_var.exp() - 1 - log_var)
    return log_px.sum(dim=-1) - kl.sum(dim=-1)


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    def case(*batch: int, d: int, d_z: int, sigma: float, near: float = 1.0) -> tuple[Tensor, ...]:
        x = draw(*batch, d) + 0.4
        x_mean = x + near * draw(*batch, d) - 0.4 * near
        scale = torch.tensor(sigma, dtype=torch.float64)
        arguments = x, x_mean, scale, draw(*batch, d_z) + 0.7, draw(*batch, d_z) - 0.4
        return tuple(a.to(dtype) for a in arguments)

    return [
        case(2, d=2, d_z=1, sigma=0.6),
        case(d=3, d_z=2, sigma=1.7),
        case(3, d=2, d_z=4, sigma=0.6),
        case(4, d=1, d_z=2, sigma=1.4),
        case(2, 3, d=5, d_z=3, sigma=0.8),
        case(5, d=3, d_z=3, sigma=1.2),
        case(3, d=6, d_z=2, sigma=0.05, near=0.06),
    ]


# ------------------------------------------------------------------------ right answers


def _with_laws(x, x_mean, sigma, mu, log_var):
    normal = torch.distributions.Normal
    q, p = normal(mu, (log_var / 2).exp()), normal(torch.zeros_like(mu), torch.ones_like(mu))
    kl = torch.distributions.kl_divergence(q, p).sum(-1)
    return normal(x_mean, sigma).log_prob(x).sum(-1) - kl


def _scaled_error(x, x_mean, sigma, mu, log_var):
    d = x.shape[-1]
    error = (x - x_mean).square().sum(-1) / (2 * sigma**2)
    kl = -0.5 * torch.sum(1 + log_var - mu.pow(2) - log_var.exp(), dim=-1)
    return -error - 0.5 * d * torch.log(2 * math.pi * sigma**2) - kl


def _negative_loss(x, x_mean, sigma, mu, log_var):
    var = (sigma**2).expand_as(x)
    nll = torch.nn.functional.gaussian_nll_loss(x_mean, x, var, full=True, reduction="none")
    kl = (mu.square() + log_var.expm1() - log_var).sum(-1) / 2
    return -(nll.sum(-1) + kl)


def _own_helpers(x, x_mean, sigma, mu, log_var):
    def log_normal(x, mu, sigma):
        return (-(((x - mu) / sigma) ** 2) / 2 - torch.log(sigma * (2 * math.pi) ** 0.5)).sum(-1)

    entropy = 0.5 * (1 + math.log(2 * math.pi) + log_var).sum(-1)
    prior = -0.5 * (mu**2 + torch.exp(log_var) + math.log(2 * math.pi)).sum(-1)
    return log_normal(x, x_mean, sigma) + prior + entropy


Exercise(
    gaussian_elbo,
    title="The ELBO of a Gaussian VAE",
    minutes=8,
    difficulty=2,
    returns="(*batch,), one bound for each x",
    cases=_cases,
    grad_wrt=("x_mean", "sigma", "mu", "log_var"),
    mistakes=MISTAKES,
    accepts=[_with_laws, _scaled_error, _negative_loss, _own_helpers],
    hints=(
        "Two parts: how well z explains x, log p(x|z), and what z costs, KL(q(z|x) ‖ p(z)).",
        "Per coordinate log N(x; x_mean, sigma²) = −½ ((x − x_mean) / sigma)² − log sigma − ½ log "
        "2π. The last two count once per coordinate of x, and sigma learns from them.",
        "The KL is that of the exercise before: ½ Σ (mu² + exp(log_var) − 1 − log_var). Subtract "
        "it, and sum each part over its own last dimension.",
    ),
)
