"""Wrong counts of active units."""

import torch

from dgm_lib.exercises import Mistake


def _of(statistic):
    """Another statistic of mu, compared with the threshold."""
    return lambda mu, threshold=0.01: statistic(mu) > threshold


def _is_per_datum(fn, generator):
    return fn(torch.randn(5, 3, generator=generator)).shape == (5, 3)


MISTAKES = (
    Mistake(
        "standard deviation",
        _of(lambda mu: mu.std(0)),
        "you compare the standard deviation (or square the threshold): compare the variance",
    ),
    Mistake(
        "over the dimensions",
        _of(lambda mu: mu.var(1)),
        "the variance runs over the latent dimensions: the data are dim=0",
    ),
    Mistake(
        "over everything",
        _of(lambda mu: mu.var()),
        "one variance of everything: each dimension has its own, dim=0",
    ),
    Mistake(
        "everything, repeated",
        _of(lambda mu: mu.var().expand(mu.shape[1])),
        "all dimensions get the same variance: each has its own, dim=0",
    ),
    Mistake(
        "inactive",
        lambda mu, threshold=0.01: mu.var(0) < threshold,
        "these are the inactive units: active is above the threshold",
    ),
    Mistake(
        "count",
        lambda mu, threshold=0.01: (mu.var(0) > threshold).sum(),
        "this is the number of active units: return one True or False for each dimension",
    ),
    Mistake(
        "count as a number",
        lambda mu, threshold=0.01: int((mu.var(0) > threshold).sum()),
        "this is the number of active units, as an int: return a bool for each dimension",
        lambda fn, generator: type(fn(torch.randn(9, 3, generator=generator))) is int,
    ),
    Mistake(
        "share",
        lambda mu, threshold=0.01: (mu.var(0) > threshold).to(mu).mean(),
        "this is the share of active units: return one True or False for each dimension",
    ),
    Mistake(
        "numbers",
        lambda mu, threshold=0.01: (mu.var(0) > threshold).to(mu),
        "these are zeros and ones: return the comparison itself, of dtype bool",
    ),
    Mistake(
        "integers",
        lambda mu, threshold=0.01: (mu.var(0) > threshold).long(),
        "these are the integers 0 and 1: return the comparison itself, of dtype bool",
    ),
    Mistake(
        "variances",
        lambda mu, threshold=0.01: mu.var(0),
        "these are the variances: compare them with the threshold",
    ),
    Mistake(
        "indices",
        lambda mu, threshold=0.01: (mu.var(0) > threshold).nonzero().flatten(),
        "these are the places of the active units: return one True or False for each dimension",
    ),
    Mistake(
        "any",
        lambda mu, threshold=0.01: (mu.var(0) > threshold).any(),
        "this says whether any unit is active: return one True or False for each dimension",
    ),
    Mistake(
        "per datum",
        lambda mu, threshold=0.01: (mu - mu.mean(0)) ** 2 > threshold,
        "each squared deviation is compared: average over the data first",
    ),
    Mistake(
        "mean",
        _of(lambda mu: mu.mean(0)),
        "you compare the mean: a unit is active where the mean of q varies with x",
    ),
    Mistake(
        "size of the mean",
        _of(lambda mu: mu.mean(0).abs()),
        "you compare the size of the mean: a unit that is the same for all x is not active",
    ),
    Mistake(
        "not centred",
        _of(lambda mu: (mu**2).mean(0)),
        "the mean is not subtracted: this is the mean square, not the variance",
    ),
    Mistake(
        "square of the mean",
        _of(lambda mu: mu.mean(0) ** 2),
        "this is the mean squared: the variance is about the mean",
    ),
    Mistake(
        "mean size",
        _of(lambda mu: mu.abs().mean(0)),
        "you compare the mean of |mu|: the variance is asked for",
    ),
    Mistake(
        "mean deviation",
        _of(lambda mu: (mu - mu.mean(0)).abs().mean(0)),
        "you compare the mean absolute deviation: the variance is its squares' mean",
    ),
    Mistake(
        "largest",
        _of(lambda mu: mu.abs().max(0).values),
        "you compare the largest |mu|: the variance is asked for",
    ),
    Mistake(
        "range",
        _of(lambda mu: mu.max(0).values - mu.min(0).values),
        "you compare the range: the variance is asked for",
    ),
    Mistake(
        "sum of squares",
        _of(lambda mu: ((mu - mu.mean(0)) ** 2).sum(0)),
        "the squared deviations are summed: the variance is their mean",
    ),
    Mistake(
        "centred over the wrong axis",
        _of(lambda mu: ((mu - mu.mean(1, keepdim=True)) ** 2).mean(0)),
        "the mean over the latent dimensions is subtracted: each dimension has its own, over data",
    ),
    Mistake(
        "variance squared",
        _of(lambda mu: mu.var(0) ** 2),
        "the variance is squared: compare it as it is",
    ),
    Mistake(
        "error of the mean",
        lambda mu, threshold=0.01: mu.var(0) / len(mu) > threshold,
        "the variance is divided by n once more, as for the error of a mean: compare it as it is",
    ),
    Mistake(
        "own threshold",
        lambda mu, threshold=0.01: mu.var(0) > 0.01,
        "the threshold is fixed at 0.01: use the argument",
    ),
    Mistake(
        "log variance",
        _of(lambda mu: mu.var(0).log()),
        "you compare the log of the variance: compare the variance",
    ),
    Mistake(
        "exp",
        _of(lambda mu: mu.exp().var(0)),
        "exp is taken of mu, as of a log variance: these are the posterior means",
    ),
    Mistake(
        "relative",
        _of(lambda mu: mu.var(0) / mu.var(0).sum()),
        "the variances are divided by their sum: the threshold is for each as it is",
    ),
    Mistake(
        "relative to the largest",
        _of(lambda mu: mu.var(0) / mu.var(0).max()),
        "the variances are divided by the largest: the threshold is for each as it is",
    ),
    Mistake(
        "all active",
        lambda mu, threshold=0.01: torch.ones_like(mu[0], dtype=torch.bool),
        "all units are active for you: compare their variances with the threshold",
    ),
    Mistake(
        "at the threshold",
        lambda mu, threshold=0.01: mu.var(0) >= threshold,
        "at the threshold itself a unit is not active: strictly above",
    ),
    Mistake(
        "bare means",
        lambda mu, threshold=0.01: mu > threshold,
        "each posterior mean is compared: take the variance over the data, .var(dim=0)",
        _is_per_datum,
    ),
    Mistake(
        "covariance",
        lambda mu, threshold=0.01: torch.cov(mu.T) > threshold,
        "this is a whole covariance matrix: its diagonal has the variances, .var(dim=0)",
        lambda fn, generator: fn(torch.randn(5, 3, generator=generator)).shape in ((3, 3), (5, 5)),
    ),
)
