"""What goes wrong in the interval of a few seeds, as learners write it."""

from collections.abc import Callable

import torch
from scipy import stats
from torch import Tensor

from dgm_lib.exercises import Mistake


def _interval(
    quantile: Callable[[float, int], float] = lambda level, n: stats.t.ppf((1 + level) / 2, n - 1),
    spread: Callable[[Tensor], Tensor] = lambda values: values.std(0),
    divisor: Callable[[int], float] = lambda n: n**0.5,
) -> Callable:
    """The right interval, with another quantile, spread of the seeds or divisor in it."""

    def interval(values, level):
        n = len(values)
        return values.mean(0), quantile(level, n) * spread(values) / divisor(n)

    return interval


def _changed(change: Callable) -> Callable:
    """The right pair, changed."""
    return lambda values, level: change(*_interval()(values, level))


def _along(axis: Callable[[Tensor], Tensor]) -> Callable:
    """The interval of numbers that are not the rows."""
    return lambda values, level: _interval()(axis(values), level)


def _over_all(values, level):
    parts = _interval()(values.reshape(-1), level)
    return tuple(part.expand(values.shape[1:]).clone() for part in parts)


def _counted(count: Callable[[Tensor], int]) -> Callable:
    """The right interval with another number of seeds n."""

    def interval(values, level):
        n = count(values)
        t = stats.t.ppf((1 + level) / 2, max(n - 1, 1))
        return values.mean(0), t * values.std(0) / n**0.5

    return interval


def _quantiles(values, level):
    ends = [values.quantile(share, dim=0) for share in ((1 - level) / 2, (1 + level) / 2)]
    return values.mean(0), (ends[1] - ends[0]) / 2


def _deviations(values: Tensor) -> Tensor:
    return values - values.mean(0)


_STUDENT = "with n seeds it is that of Student's law with n − 1 degrees of freedom"
_INSIDE = "`level` lies inside of the interval, and (1 − level) / 2 above it: ppf((1 + level) / 2)"
_COUNT = "n is the number of seeds, and they are the rows: len(values)"

MISTAKES = (
    Mistake(
        "1.96",
        _interval(quantile=lambda level, n: 1.96),
        "1.96 is the normal law's number for 95 %: use `level`, and Student's law",
    ),
    Mistake(
        "normal",
        _interval(quantile=lambda level, n: stats.norm.ppf((1 + level) / 2)),
        f"the quantile is the normal law's, as if s were known: {_STUDENT}",
    ),
    Mistake(
        "normal, one-sided",
        _interval(quantile=lambda level, n: stats.norm.ppf(level)),
        f"the quantile is the normal law's and leaves 1 − level on each side: {_STUDENT}, and half "
        "of 1 − level belongs to each side",
    ),
    Mistake(
        "normal, biased",
        _interval(
            quantile=lambda level, n: stats.norm.ppf((1 + level) / 2),
            spread=lambda values: values.std(0, correction=0),
        ),
        f"s² is divided by n, not n − 1, and the quantile is the normal law's: {_STUDENT}",
    ),
    Mistake(
        "95 % always",
        _interval(quantile=lambda level, n: stats.t.ppf(0.975, n - 1)),
        "the quantile is that of 95 % whatever `level` says: ppf((1 + level) / 2)",
    ),
    Mistake(
        "n degrees",
        _interval(quantile=lambda level, n: stats.t.ppf((1 + level) / 2, n)),
        "one degree of freedom went into the mean: n − 1 are left, not n",
    ),
    Mistake(
        "n minus 2 degrees",
        _interval(quantile=lambda level, n: stats.t.ppf((1 + level) / 2, max(n - 2, 1e-3))),
        "n − 2 degrees of freedom belong to a line through the points: for a mean there are n − 1",
    ),
    Mistake(
        "one-sided",
        _interval(quantile=lambda level, n: stats.t.ppf(level, n - 1)),
        "this leaves 1 − level above the interval and as much below: half of it belongs to each "
        "side, ppf((1 + level) / 2)",
    ),
    Mistake(
        "wrong tail",
        _interval(quantile=lambda level, n: stats.t.ppf((1 - level) / 2, n - 1)),
        "half a width is positive: this quantile is the lower one",
    ),
    *(
        Mistake(name, _interval(quantile=quantile), f"this quantile is another one: {_INSIDE}")
        for name, quantile in (
            ("level as tails", lambda level, n: stats.t.ppf(1 - level / 2, n - 1)),
            ("level as tails, lower", lambda level, n: stats.t.ppf(level / 2, n - 1)),
            ("one tail, lower", lambda level, n: stats.t.ppf(1 - level, n - 1)),
        )
    ),
    *(
        Mistake(
            name,
            _interval(quantile=lambda level, n, law=law: law((1 + level) / 2, n - 1)),
            f"stats.t.{name} takes a point on the line: for a share, ppf gives the point",
        )
        for name, law in (("cdf", stats.t.cdf), ("pdf", stats.t.pdf), ("sf", stats.t.sf))
    ),
    Mistake(
        "level for a quantile",
        _interval(quantile=lambda level, n: level),
        "the standard error is multiplied by `level` itself: by the quantile, ppf((1 + level) / 2)",
    ),
    Mistake(
        "no quantile",
        _interval(quantile=lambda level, n: 1.0),
        "this is one standard error: multiply it by the quantile",
    ),
    Mistake(
        "two of them",
        _interval(quantile=lambda level, n: 2.0),
        "two standard errors are right for many seeds and for 95 %: use the quantile for n and "
        "`level`",
    ),
    Mistake(
        "one standard deviation",
        _interval(quantile=lambda level, n: 1.0, divisor=lambda n: 1.0),
        "this is s, how far one seed is from the mean: the mean of n seeds is √n times nearer, and "
        "the quantile is missing",
    ),
    Mistake(
        "biased",
        _interval(spread=lambda values: values.std(0, correction=0)),
        "s² is divided by n: by n − 1, for the mean is fitted too",
    ),
    Mistake(
        "biased, n degrees",
        _interval(
            quantile=lambda level, n: stats.t.ppf((1 + level) / 2, n),
            spread=lambda values: values.std(0, correction=0),
        ),
        "s² is divided by n, and n degrees of freedom are taken: both are n − 1",
    ),
    Mistake(
        "variance",
        _interval(spread=lambda values: values.var(0)),
        "this is the variance s²: its root is asked for",
    ),
    Mistake(
        "variance of the mean",
        _interval(spread=lambda values: values.var(0), divisor=lambda n: n),
        "s² / n is the variance of the mean: t times its root is asked for",
    ),
    Mistake(
        "not divided",
        _interval(spread=lambda values: _deviations(values).norm(dim=0)),
        "s² is a sum of squares that is not divided: divide it by n − 1",
    ),
    Mistake(
        "not centred",
        _interval(spread=lambda values: values.square().mean(0).sqrt()),
        "this is the spread around 0: s is that around the mean, values.std(dim=0)",
    ),
    Mistake(
        "absolute deviation",
        _interval(spread=lambda values: _deviations(values).abs().mean(0)),
        "this is the mean absolute deviation: s is the root of a mean of squares",
    ),
    Mistake(
        "spread of the seeds",
        _interval(divisor=lambda n: 1.0),
        "this is how far one seed is from the mean: the mean of n seeds is √n times nearer",
    ),
    Mistake(
        "one more seed",
        _interval(divisor=lambda n: (1 + 1 / n) ** -0.5),
        "√(1 + 1/n) foretells one seed more: the mean of n seeds has the spread s / √n",
    ),
    Mistake(
        "divided by n",
        _interval(divisor=lambda n: n),
        "s is divided by n: by √n, for variances add up",
    ),
    Mistake(
        "√(n − 1)",
        _interval(divisor=lambda n: (n - 1) ** 0.5),
        "s is divided by √(n − 1): the n − 1 is in s already, here it is √n",
    ),
    Mistake(
        "times √n",
        _interval(divisor=lambda n: n**-0.5),
        "s is multiplied by √n: the more seeds, the narrower the interval",
    ),
    Mistake(
        "range",
        lambda values, level: (values.mean(0), (values.amax(0) - values.amin(0)) / 2),
        "this is half of the range of the seeds: it does not know `level`",
    ),
    Mistake(
        "quantiles",
        _quantiles,
        "these are quantiles of the seeds themselves: the interval is that of their mean",
    ),
    Mistake(
        "median",
        lambda values, level: (values.median(0).values, _interval()(values, level)[1]),
        "the interval is that of the mean: this is the median",
    ),
    Mistake(
        "the whole width",
        _changed(lambda mean, half: (mean, 2 * half)),
        "this is the whole width: half of it is asked for",
    ),
    Mistake(
        "a quarter",
        _changed(lambda mean, half: (mean, half / 2)),
        "this is half of half the width: t s / √n is half the width already",
    ),
    Mistake(
        "ends",
        _changed(lambda mean, half: (mean - half, mean + half)),
        "these are the two ends: the mean and half the width are asked for",
    ),
    Mistake(
        "upper end",
        _changed(lambda mean, half: (mean, mean + half)),
        "the second is the upper end of the interval: half its width is asked for",
    ),
    Mistake(
        "swapped",
        _changed(lambda mean, half: (half, mean)),
        "the two are swapped: first the mean, then half the width",
    ),
    Mistake("all axes", _over_all, "the mean runs over all numbers: seeds are the rows, `dim=0`"),
    Mistake(
        "last axis",
        _along(lambda values: values.movedim(-1, 0)),
        "the mean runs along the last axis: seeds are the rows, `dim=0`",
    ),
    Mistake("counts columns", _counted(lambda values: values.shape[-1]), _COUNT),
    Mistake("counts all", _counted(torch.numel), _COUNT),
)
