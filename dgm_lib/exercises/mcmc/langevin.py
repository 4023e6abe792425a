"""The density of a Langevin proposal, the half of MALA's acceptance that is easily got wrong."""

import math

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise
from dgm_lib.exercises.mcmc.langevin_mistakes import MISTAKES


def langevin_log_q(x_new: Tensor, x: Tensor, score: Tensor, h: float) -> Tensor:
    """log N(x_new; x + h·score, 2h I), the law of x' = x + h·score + √(2h) ε with ε ~ N(0, I).

    x_new, x and score = ∇ log p(x), a tensor, are (*chains, d); the result is (*chains,).
    """
    mu, var, d = x + h * score, 2 * h, x.shape[-1]
    return -((x_new - mu) ** 2).sum(dim=-1) / (2 * var) - d / 2 * math.log(2 * math.pi * var)


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def draw(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    def case(*shape, h, far=0.0):
        x, score = draw(*shape), 0.4 + 1.5 * draw(*shape)
        x_new = x + h * score + math.sqrt(2 * h) * draw(*shape) + far
        return x_new.to(dtype), x.to(dtype), score.to(dtype), h

    return [
        case(2, h=0.3),
        case(3, 1, h=0.7),
        case(4, 3, h=0.05),
        case(2, 2, h=2.5),
        case(2, 3, 2, h=0.2),
        case(5, 2, h=0.1, far=40.0),
        case(3, 20, h=0.01),
    ]


# ------------------------------------------------------------------------ right answers


def _torch_normal(x_new, x, score, h):
    return torch.distributions.Normal(x + h * score, math.sqrt(2 * h)).log_prob(x_new).sum(-1)


def _independent(x_new, x, score, h):
    scale = torch.full_like(x, (2 * h) ** 0.5)
    law = torch.distributions.Normal(x + h * score, scale)
    return torch.distributions.Independent(law, 1).log_prob(x_new)


def _multivariate(x_new, x, score, h):
    covariance = 2 * h * torch.eye(x.shape[-1], dtype=x.dtype, device=x.device)
    law = torch.distributions.MultivariateNormal(x + h * score, covariance)
    return law.log_prob(x_new)


def _noise_and_its_scale(x_new, x, score, h):
    sigma = math.sqrt(2 * h)
    noise = (x_new - x - h * score) / sigma
    standard = -0.5 * noise.square() - 0.5 * math.log(2 * math.pi)
    return (standard - math.log(sigma)).sum(dim=-1)


def _norm(x_new, x, score, h):
    distance = torch.linalg.vector_norm(x_new - (x + h * score), dim=-1)
    return -(distance**2) / (4 * h) - x.shape[-1] * math.log((4 * math.pi * h) ** 0.5)


def _expanded(x_new, x, score, h):
    step = x_new - x
    quadratic = (step * step).sum(-1) / (4 * h) + h * (score * score).sum(-1) / 4
    normaliser = 0.5 * x_new.size(-1) * (math.log(4 * math.pi) + math.log(h))
    return (step * score).sum(-1) / 2 - quadratic - normaliser


def _coordinate_by_coordinate(x_new, x, score, h):
    total = torch.zeros_like(x[..., 0])
    for i in range(x.shape[-1]):
        gap = x_new[..., i] - x[..., i] - h * score[..., i]
        total = total - gap**2 / (4 * h) - 0.5 * math.log(4 * math.pi * h)
    return total


def _mean_squared(x_new, x, score, h):
    gap = torch.nn.functional.mse_loss(x_new, x + h * score, reduction="none").sum(-1)
    return -(gap / (2 * h) + x.shape[-1] * math.log(4 * math.pi * h)) / 2


Exercise(
    langevin_log_q,
    title="The density of a Langevin proposal",
    minutes=8,
    difficulty=2,
    returns="(*chains,), one log density per chain",
    cases=_cases,
    mistakes=MISTAKES,
    accepts=[
        _torch_normal,
        _independent,
        _multivariate,
        _noise_and_its_scale,
        _norm,
        _expanded,
        _coordinate_by_coordinate,
        _mean_squared,
    ],
    hints=(
        "x' = x + h·score + √(2h) ε is a Gaussian around x + h·score. What is its variance?",
        "Var[√(2h) ε] = 2h in each coordinate, so σ = √(2h).",
        "log N(x'; μ, σ² I) = −‖x' − μ‖²/(2σ²) − (d/2) log(2πσ²), with the sum over the last "
        "dimension only.",
    ),
)
