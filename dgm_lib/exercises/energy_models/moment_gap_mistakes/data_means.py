"""Means of the wrong things, and wrong ways to a gradient."""

import torch
from torch import nn

from dgm_lib.exercises import Mistake
from dgm_lib.exercises.energy_models.moment_gap_mistakes.pieces import (
    log_likelihood,
    weights,
)
from dgm_lib.exercises.energy_models.stand_ins import BENT

WRITES_GRADIENTS = (
    "backward() writes into theta.grad, and adds to what is there: the next call, or the "
    "optimiser, finds both; torch.autograd.grad returns the gradient and touches nothing"
)


def _with_data(mean):
    """The data's mean taken in a wrong way, of f(x)."""

    def wrong(theta, features, x, points):
        f = features(points)
        return mean(features(x)) - weights(theta, f) @ f

    return wrong


def _on_the_data(theta, features, x, points):
    f = features(x)
    return f.mean(0) - weights(theta, f) @ f


def _everything_on_the_grid(theta, features, x, points):
    f = features(points)
    return f.mean(0) - weights(theta, f) @ f


def _weighted_data(theta, features, x, points):
    f = features(points)
    return weights(theta, features(x)) @ features(x) - weights(theta, f) @ f


def _swapped(theta, features, x, points):
    return features(points).mean(0) - weights(theta, features(x)) @ features(x)


def _features_of_the_mean(theta, features, x, points):
    f = features(points)
    return features(x.mean(0, keepdim=True))[0] - weights(theta, f) @ f


def _features_of_both_means(theta, features, x, points):
    p = weights(theta, features(points))
    return features(x.mean(0, keepdim=True))[0] - features((p @ points)[None])[0]


def _features_of_the_models_mean(theta, features, x, points):
    p = weights(theta, features(points))
    return features(x).mean(0) - features((p @ points)[None])[0]


def _sampled(theta, features, x, points):
    chosen = torch.multinomial(weights(theta, features(points)), 100, replacement=True)
    return features(x).mean(0) - features(points)[chosen].mean(0)


def _by_backward(theta, features, x, points):
    theta = theta.requires_grad_()
    log_likelihood(theta, features, x, points).backward()
    return theta.grad


def _without_requires_grad(theta, features, x, points):
    return torch.autograd.grad(log_likelihood(theta, features, x, points), theta)[0]


def _points_for_features(theta, features, x, points):
    f = features(points)
    return x.mean(0) - weights(theta, f) @ points


def _is_random(fn, generator):
    theta = torch.tensor([0.6, -0.3, -0.8, 0.5, 0.4], dtype=torch.float64)
    x = torch.linspace(-1, 2, 12, dtype=torch.float64).reshape(6, 2)
    return not torch.equal(fn(theta, BENT, x, x.flip(1)), fn(theta, BENT, x, x.flip(1)))


def _fails_for_want_of_gradients(fn, generator):
    """Whether it works only where theta asks for gradients."""
    theta = torch.tensor([0.6, -0.3, -0.8, 0.5, 0.4], dtype=torch.float64)
    x = torch.linspace(-1, 2, 12, dtype=torch.float64).reshape(6, 2)
    fn(nn.Parameter(theta), BENT, x, x.flip(1))
    try:
        fn(theta, BENT, x, x.flip(1))
    except RuntimeError as error:
        return "require grad" in str(error)
    return False


MISTAKES = (
    Mistake(
        "sum over the data",
        _with_data(lambda f: f.sum(0)),
        "f is summed over the data: the mean is asked for, as of the model",
    ),
    Mistake(
        "n − 1",
        _with_data(lambda f: f.sum(0) / (len(f) - 1)),
        "the data's sum is divided by n − 1, as in a variance: a mean is divided by n",
    ),
    Mistake(
        "one mean of the data",
        _with_data(lambda f: f.mean()),
        "the data's features are averaged into one number: mean over dim 0, one per feature",
    ),
    Mistake(
        "not averaged",
        _with_data(lambda f: f),
        "the data are not averaged: the mean over them comes first",
    ),
    Mistake(
        "median",
        _with_data(lambda f: f.median(0).values),
        "this is the data's median: the likelihood sees their mean",
    ),
    Mistake(
        "first point",
        _with_data(lambda f: f[0]),
        "only the first data point is used: average over all of them",
    ),
    Mistake(
        "on the data",
        _on_the_data,
        "E_p f is summed over the data: the model's mean runs over the grid's points",
    ),
    Mistake(
        "on the grid",
        _everything_on_the_grid,
        "x is not used: the first mean is that of the data, the second runs over the grid",
    ),
    Mistake(
        "data weighted",
        _weighted_data,
        "the data are weighted by the model: they come with the right frequency already",
    ),
    Mistake(
        "swapped",
        _swapped,
        "x and points are swapped: the plain mean is of the data, the weighted one of the grid",
    ),
    Mistake(
        "features of the mean",
        _features_of_the_mean,
        "this is f(mean x): the mean of f(x) is another number, take f first",
    ),
    Mistake(
        "features of the model's mean",
        _features_of_the_models_mean,
        "this is f at the model's mean: the mean of f is another number, take f first",
    ),
    Mistake(
        "features of both means",
        _features_of_both_means,
        "f is taken of the means: take the means of f, over data and model",
    ),
    Mistake(
        "points for features",
        _points_for_features,
        "these are means of x: the family's moments are those of its features, f(x)",
    ),
    Mistake(
        "sampled",
        _sampled,
        "you draw points from the model: the sum over all of them is exact, and not random",
        _is_random,
    ),
    Mistake(
        "no requires_grad",
        _without_requires_grad,
        "theta does not ask for gradients: theta.detach().requires_grad_() does, before f·theta",
        _fails_for_want_of_gradients,
    ),
    Mistake("backward", _by_backward, WRITES_GRADIENTS),
)
