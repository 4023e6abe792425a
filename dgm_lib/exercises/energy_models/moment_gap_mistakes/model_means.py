"""Wrong means of the features under the model."""

import torch

from dgm_lib.exercises import Mistake
from dgm_lib.exercises.energy_models.moment_gap_mistakes.pieces import gap_from, weights
from dgm_lib.exercises.energy_models.stand_ins import BENT


def with_model(mean):
    """The model's mean taken in a wrong way, from theta and f at the grid's points."""
    return lambda theta, features, x, points: features(x).mean(0) - mean(theta, features(points))


def _stable(theta, f):
    """exp(theta·f) up to a factor."""
    return (f @ theta - (f @ theta).max()).exp()


def _where_large(fn):
    """What an answer, right where theta·f is small, and the reference give where it is large."""
    theta = torch.tensor([0.6, -0.3, -0.8, 0.5, 0.4], dtype=torch.float64)
    x = torch.linspace(-1, 2, 12, dtype=torch.float64).reshape(6, 2)
    mine, right = (
        torch.stack([gap(factor * theta, BENT, x, x.flip(1)) for factor in (1, 900, -900)])
        for gap in (fn, gap_from(torch.sub))
    )
    assert mine.shape == right.shape and torch.allclose(mine[0], right[0])
    return mine, right


def _overflows(fn, generator):
    return not _where_large(fn)[0].isfinite().all()


def _is_clamped(fn, generator):
    mine, right = _where_large(fn)
    return bool(mine.isfinite().all()) and not torch.allclose(mine, right)


def _overflows(fn, generator):
    return not torch.stack(_where_large(fn)[0]).isfinite().all()


def _is_clamped(fn, generator):
    mine, right = map(torch.stack, _where_large(fn))
    return bool(mine.isfinite().all()) and not torch.allclose(mine, right)


MISTAKES = (
    Mistake(
        "unweighted",
        with_model(lambda theta, f: f.mean(0)),
        "E_p f is the plain mean over the grid: weight each point by its p ∝ exp(theta·f)",
    ),
    Mistake(
        "sum over the grid",
        with_model(lambda theta, f: f.sum(0)),
        "f is summed over the grid without weights: each point counts by its p ∝ exp(theta·f)",
    ),
    Mistake(
        "not normalised",
        with_model(lambda theta, f: (f @ theta).exp() @ f),
        "the weights exp(theta·f) do not sum to one: divide by their sum, which is Z",
    ),
    Mistake(
        "mean for Z",
        with_model(lambda theta, f: ((f @ theta).exp()[:, None] * f).mean(0)),
        "you average exp(theta·f)·f over the grid: it must be divided by the sum of the weights, Z",
    ),
    Mistake(
        "divided by the number of points",
        with_model(lambda theta, f: weights(theta, f) @ f / len(f)),
        "the model's mean is divided by the number of points too: the weights sum to one already",
    ),
    Mistake(
        "divided by the mean weight",
        with_model(lambda theta, f: _stable(theta, f) @ f / _stable(theta, f).mean()),
        "you divide by the mean of the weights: divide by their sum",
    ),
    Mistake(
        "divided by the largest weight",
        with_model(lambda theta, f: _stable(theta, f) @ f),
        "the weights are divided by the largest one: divide them by their sum too",
    ),
    Mistake(
        "energy",
        with_model(lambda theta, f: weights(-theta, f) @ f),
        "the weights are exp(−theta·f): theta·f is log p up to a constant, not an energy",
    ),
    Mistake(
        "no exp",
        with_model(lambda theta, f: (f @ theta) @ f / (f @ theta).sum()),
        "theta·f itself is the weight: p ∝ exp(theta·f)",
    ),
    Mistake(
        "log weights",
        with_model(lambda theta, f: (f @ theta).log_softmax(0) @ f),
        "f is weighted by log p: take exp first (softmax, not log_softmax)",
    ),
    Mistake(
        "sigmoid",
        with_model(lambda theta, f: (f @ theta).sigmoid() @ f),
        "the weights are sigmoids, each for itself: a softmax makes them sum to one over the grid",
    ),
    Mistake(
        "softmax over the features",
        with_model(lambda theta, f: ((f * theta).softmax(1) * f).sum(0)),
        "the softmax runs over the features: p is a law on the points, over dim=0",
    ),
    Mistake(
        "a law per feature",
        with_model(lambda theta, f: ((f * theta).softmax(0) * f).sum(0)),
        "each feature has a law of its own: sum theta·f over the features, then one softmax",
    ),
    Mistake(
        "no theta",
        with_model(lambda theta, f: f.sum(1).softmax(0) @ f),
        "theta is not used in the weights: p ∝ exp(theta·f)",
    ),
    Mistake(
        "softmax twice",
        with_model(lambda theta, f: weights(theta, f).softmax(0) @ f),
        "the softmax is taken twice: after the first, the weights are p already",
    ),
    Mistake(
        "squared weights",
        with_model(lambda theta, f: weights(2 * theta, f) @ f),
        "each point counts by p²: weight f by p once",
    ),
    Mistake(
        "weights twice",
        with_model(lambda theta, f: weights(theta, f) ** 2 @ f),
        "the weights come in twice: E_p f is Σ p·f",
    ),
    Mistake(
        "most likely point",
        with_model(lambda theta, f: f[(f @ theta).argmax()]),
        "you take f at the most likely point: E_p f averages over all points",
    ),
    Mistake(
        "overflow",
        with_model(lambda theta, f: (f @ theta).exp() @ f / (f @ theta).exp().sum()),
        "exp over- or underflows where theta·f is large: torch.softmax, or subtracting the maximum "
        "first, gives the same weights and stays finite",
        _overflows,
    ),
    Mistake(
        "small number",
        with_model(lambda theta, f: (f @ theta).exp() @ f / ((f @ theta).exp().sum() + 1e-8)),
        "exp over- or underflows where theta·f is large, and a small number below the line makes "
        "zero of all weights: torch.softmax stays right",
    ),
    Mistake(
        "clamped",
        with_model(lambda theta, f: (f @ theta).clamp(-50, 50).softmax(0) @ f),
        "theta·f is clamped before exp, so that points far apart count alike: torch.softmax needs "
        "no clamp",
        _is_clamped,
    ),
)
