"""Which latent dimensions a VAE uses."""

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Fail
from dgm_lib.exercises.bounds.active_units_mistakes import MISTAKES


def active_units(mu: Tensor, threshold: float = 0.01) -> Tensor:
    """Whether the variance over the data of each posterior mean is above the threshold.

    mu: mu(x) for n data, (n, d_z) -> bool (d_z,). Burda et al. (2016).
    """
    return mu.var(dim=0) > threshold


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(n: int, d_z: int, *threshold: float) -> tuple:
        """Units whose standard deviations lie on both sides of the threshold, none close to it."""
        columns = torch.randn(n, d_z, generator=generator, dtype=torch.float64)
        columns = (columns - columns.mean(0)) / columns.std(0)
        ratios = torch.logspace(-0.9, 0.8, d_z, dtype=torch.float64)
        ratios = torch.where((ratios.log10()).abs() < 0.04, 1.2, ratios)
        order = torch.randperm(d_z, generator=generator)
        spread = (threshold[0] if threshold else 0.01) ** 0.5 * ratios[order]
        centre = 0.9 * torch.randn(d_z, generator=generator, dtype=torch.float64)
        return ((centre + spread * columns).to(dtype), *threshold)

    quiet = 0.02 * torch.randn(16, 9, generator=generator) + torch.linspace(-1.3, 1.9, 9)
    return [
        (quiet.to(dtype),),
        case(9, 14),
        case(12, 16, 0.3),
        case(11, 24, 0.002),
        case(20, 15, 2.5),
        case(30, 12),
        case(140, 2),
        case(290, 1, 0.02),
        case(25, 40),
    ]


def _a_silent_unit(fn, generator):
    """a unit that never moves is not active, whatever the threshold"""
    mu = torch.tensor([[0.5, 1.0], [0.5, -1.0], [0.5, 0.25], [0.5, 2.0]])
    if fn(mu, 0.0).tolist() != [False, True]:
        raise Fail("a variance of 0 is not above a threshold of 0: active means strictly above")


# ------------------------------------------------------------------------ right answers


def _biased(mu, threshold=0.01):
    return ((mu - mu.mean(dim=0)) ** 2).mean(0) > threshold


def _numpy_names(mu, threshold=0.01):
    return torch.var(mu, axis=0, unbiased=False).gt(threshold)


def _covariance(mu, threshold=0.01):
    columns = [torch.cov(column).item() > threshold for column in mu.unbind(1)]
    return torch.tensor(columns)


def _root(mu, threshold=0.01):
    return threshold**0.5 < torch.std(mu, dim=0)


def _two_moments(mu, threshold=0.01):
    mu = mu.double()
    return ~(mu.square().mean(0) - mu.mean(0).square() <= threshold)


Exercise(
    active_units,
    title="Active units",
    minutes=4,
    difficulty=1,
    returns="(d_z,), one True or False for each latent dimension",
    cases=_cases,
    properties=[_a_silent_unit],
    mistakes=MISTAKES,
    accepts=[_biased, _numpy_names, _covariance, _root, _two_moments],
    hints=(
        "A latent dimension that the encoder does not use has the same posterior mean for all x.",
        "So take the variance of mu over the data, the first dimension: mu.var(dim=0).",
        "Compare with the threshold: one bool for each dimension, no sum.",
    ),
)
