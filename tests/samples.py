"""The laws and samples that the metrics are tried on, all in float64."""

import math

import torch
from torch.distributions import Independent, Normal, Uniform

F64 = torch.float64


def normal(mu, sigma):
    """N(mu, sigma² I)."""
    mu = torch.as_tensor(mu, dtype=F64)
    return Independent(Normal(mu, torch.full_like(mu, sigma)), 1)


def uniform(low, high):
    """The uniform law on an interval."""
    bounds = torch.tensor([[low], [high]], dtype=F64)
    return Independent(Uniform(*bounds, validate_args=False), 1)


def draw(rng, n, d=2, sigma=1.0, shift=0.0):
    """A sample of N(shift, sigma² I), (n, d)."""
    return torch.randn(n, d, generator=rng, dtype=F64) * sigma + shift


def ring(k=8, radius=2.0):
    """Modes on a circle, (k, 2)."""
    angle = torch.arange(k, dtype=F64) * 2 * math.pi / k
    return radius * torch.stack([angle.cos(), angle.sin()], 1)


P = normal([0.0, 0.0], 1.0)
