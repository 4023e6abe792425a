"""What a few seeds say about a recipe: their mean, and how far it may be from the truth."""

import torch
from scipy import stats
from torch import Tensor

from dgm_lib.exercises import Exercise, Mistake


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


# ------------------------------------------------------------------------ wrong answers


def _half(quantile=None, spread=None, n=None):
    """The right interval with a wrong quantile(level, n), spread(values) or divisor √n(n)."""
    quantile = quantile or (lambda level, n: stats.t.ppf((1 + level) / 2, n - 1))
    spread = spread or (lambda values: values.std(0))
    divisor = n or (lambda n: n**0.5)

    def wrong(values, level):
        n = len(values)
        return values.mean(0), quantile(level, n) * spread(values) / divisor(n)

    return wrong


def _right(change):
    """The right pair, changed."""
    return lambda values, level: change(*seed_interval(values, level))


MISTAKES = (
    Mistake(
        "1.96",
        _half(quantile=lambda level, n: 1.96),
        "1.96 is the normal law's number for 95 %: use `level`, and Student's law",
    ),
    Mistake(
        "normal",
        _half(quantile=lambda level, n: stats.norm.ppf((1 + level) / 2)),
        "the quantile is the normal law's, as if s were known: with n seeds it is that of "
        "Student's law with n − 1 degrees of freedom",
    ),
    Mistake(
        "n degrees",
        _half(quantile=lambda level, n: stats.t.ppf((1 + level) / 2, n)),
        "one degree of freedom went into the mean: n − 1 are left, not n",
    ),
    Mistake(
        "n minus 2 degrees",
        _half(quantile=lambda level, n: stats.t.ppf((1 + level) / 2, max(n - 2, 1e-3))),
        "n − 2 degrees of freedom belong to a line through the points: for a mean there are n − 1",
    ),
    Mistake(
        "one-sided",
        _half(quantile=lambda level, n: stats.t.ppf(level, n - 1)),
        "this leaves 1 − level above the interval and as much below: half of it belongs to each "
        "side, ppf((1 + level) / 2)",
    ),
    Mistake(
        "wrong tail",
        _half(quantile=lambda level, n: stats.t.ppf((1 - level) / 2, n - 1)),
        "half a width is positive: this quantile is the lower one",
    ),
    Mistake(
        "no quantile",
        _half(quantile=lambda level, n: 1.0),
        "this is one standard error: multiply it by the quantile",
    ),
    Mistake(
        "two of them",
        _half(quantile=lambda level, n: 2.0),
        "two standard errors are right for many seeds and for 95 %: use the quantile for n and "
        "`level`",
    ),
    Mistake(
        "biased",
        _half(spread=lambda values: values.std(0, correction=0)),
        "s² is divided by n: by n − 1, for the mean is fitted too",
    ),
    Mistake(
        "variance",
        _half(spread=lambda values: values.var(0)),
        "this is the variance s²: its root is asked for",
    ),
    Mistake(
        "spread of the seeds",
        _half(n=lambda n: 1.0),
        "this is how far one seed is from the mean: the mean of n seeds is √n times nearer",
    ),
    Mistake(
        "divided by n",
        _half(n=lambda n: n),
        "s is divided by n: by √n, for variances add up",
    ),
    Mistake(
        "√(n − 1)",
        _half(n=lambda n: (n - 1) ** 0.5),
        "s is divided by √(n − 1): the n − 1 is in s already, here it is √n",
    ),
    Mistake(
        "range",
        lambda values, level: (values.mean(0), (values.amax(0) - values.amin(0)) / 2),
        "this is half of the range of the seeds: it does not know `level`",
    ),
    Mistake(
        "median",
        lambda values, level: (values.median(0).values, seed_interval(values, level)[1]),
        "the interval is that of the mean: this is the median",
    ),
    Mistake(
        "the whole width",
        _right(lambda mean, half: (mean, 2 * half)),
        "this is the whole width: half of it is asked for",
    ),
    Mistake(
        "ends",
        _right(lambda mean, half: (mean - half, mean + half)),
        "these are the two ends: the mean and half the width are asked for",
    ),
    Mistake(
        "swapped",
        _right(lambda mean, half: (half, mean)),
        "the two are swapped: first the mean, then half the width",
    ),
    Mistake(
        "all axes",
        lambda values, level: tuple(
            part.expand(values.shape[1:]).clone()
            for part in seed_interval(values.reshape(-1), level)
        ),
        "the mean runs over all numbers: seeds are the rows, `dim=0`",
    ),
)

Exercise(
    seed_interval,
    title="The interval of a few seeds",
    minutes=6,
    difficulty=1,
    returns="the mean and half the width, (*batch,) each",
    cases=_cases,
    mistakes=MISTAKES,
    accepts=[_by_hand, _isf, _interval, _negative_quantile],
    hints=(
        "values.std(dim=0) divides by n − 1 already. The mean of n of them has the spread s / √n.",
        "The seeds must tell both the mean and the spread, and with three of them s is hardly "
        "known: that is what Student's law is for.",
        "stats.t.ppf(share, n − 1) is the point below which this share lies. A middle of 95 % has "
        "97.5 % below its upper end.",
    ),
)
