"""What a few seeds say about a recipe: their mean, and how far it may be from the truth."""

import torch
from scipy import stats
from torch import Tensor

from dgm_lib.exercises import Exercise, Tolerance
from dgm_lib.exercises.arena.seed_mistakes import MISTAKES


def seed_interval(values: Tensor, level: float) -> tuple[Tensor, Tensor]:
    """The mean of n seeds and half the width of its confidence interval, by Student's t.

    values (n, *batch), one row a seed; level is 0.95, say. Both results are (*batch,):
    mean ± t s / √n, with s² = Σ (value − mean)² / (n − 1) and t the quantile of Student's law
    with n − 1 degrees of freedom that leaves (1 − level) / 2 above it. Student (1908).
    """
    n = len(values)
    t = stats.t.ppf((1 + level) / 2, n - 1)
    return values.mean(dim=0), t * values.std(dim=0) / n**0.5


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(*shape: int, level: float) -> tuple:
        values = torch.randn(*shape, generator=generator, dtype=torch.float64)
        return (0.7 * values.exp() - 0.2).to(dtype), level

    return [
        case(3, level=0.95),
        case(5, level=0.9),
        case(2, 2, level=0.99),
        case(4, 3, level=0.5),
        case(3, 2, 4, level=0.95),
        case(12, 2, level=0.8),
    ]


# ------------------------------------------------------------------------ right answers


def _by_hand(values, level):
    n = len(values)
    mean = values.sum(0) / n
    variance = (values - mean).square().sum(0) / (n - 1)
    return mean, stats.t(n - 1).ppf(1 - (1 - level) / 2) * (variance / n).sqrt()


def _isf(values, level):
    variance, mean = torch.var_mean(values, dim=0)
    n = values.shape[0]
    return mean, stats.t.isf(0.5 - level / 2, df=n - 1) * (variance / n).sqrt()


def _interval(values, level):
    n = values.shape[0]
    low, high = stats.t.interval(level, n - 1)
    return values.mean(0), (high - low) / 2 * values.std(0, unbiased=True) * n**-0.5


def _negative_quantile(values, level):
    n, mean = len(values), torch.mean(values, 0)
    spread = torch.sqrt(((values - mean) ** 2).sum(0) / (n * (n - 1)))
    return mean, -stats.t.ppf((1 - level) / 2, n - 1) * spread


def _in_single_precision(values, level):
    n = torch.tensor(float(len(values)))
    t = torch.tensor(float(stats.t.ppf(0.5 + level / 2, len(values) - 1)))
    return torch.mean(values, dim=0), t * torch.std(values, dim=0) / n.sqrt()


Exercise(
    seed_interval,
    title="The interval of a few seeds",
    minutes=6,
    difficulty=1,
    returns="the mean and half the width, (*batch,) each",
    cases=_cases,
    tolerances={torch.float64: Tolerance(1e-6, 1e-6)},  # torch.tensor(t) is float32
    mistakes=MISTAKES,
    accepts=[_by_hand, _isf, _interval, _negative_quantile, _in_single_precision],
    hints=(
        "values.std(dim=0) divides by n − 1 already. The mean of n of them has the spread s / √n.",
        "The seeds must tell both the mean and the spread, and with three of them s is hardly "
        "known: that is what Student's law is for.",
        "stats.t.ppf(share, n − 1) is the point below which this share lies. A middle of 95 % has "
        "97.5 % below its upper end.",
    ),
)
