"""The two means put together in a wrong way."""

import torch

from dgm_lib.exercises import Mistake
from dgm_lib.exercises.energy_models.moment_gap_mistakes.pieces import (
    gap_from,
    log_likelihood,
    weights,
)


def _covariance(theta, features, x, points):
    f = features(points)
    p = weights(theta, f)
    return (p[:, None] * f).T @ f - torch.outer(p @ f, p @ f)


def _newton(theta, *args):
    gap, covariance = gap_from(torch.sub)(theta, *args), _covariance(theta, *args)
    return torch.linalg.lstsq(covariance, gap[:, None]).solution[:, 0]


def _as_a_number(theta, features, x, points):
    return log_likelihood(theta, features, x, points)


MISTAKES = (
    Mistake(
        "sign",
        gap_from(lambda data, model: model - data),
        "this is model minus data, the gradient of the loss: the likelihood grows along data minus "
        "model",
    ),
    Mistake(
        "sum of both",
        gap_from(lambda data, model: data + model),
        "the two means are added: the model's comes from −log Z, with a minus",
    ),
    Mistake(
        "data only",
        gap_from(lambda data, model: data),
        "this is mean f(x) alone: log Z depends on theta too, and its gradient is E_p f",
    ),
    Mistake(
        "model only",
        gap_from(lambda data, model: model),
        "this is E_p f alone, the gradient of log Z: the data's mean f(x) is missing",
    ),
    Mistake(
        "minus the model only",
        gap_from(lambda data, model: -model),
        "this is −E_p f alone: the data's mean f(x) is missing",
    ),
    Mistake(
        "absolute value",
        gap_from(lambda data, model: (data - model).abs()),
        "the gap's sign says where theta must go: no absolute value",
    ),
    Mistake(
        "squared",
        gap_from(lambda data, model: (data - model) ** 2),
        "the gap is squared: the gradient of the log-likelihood is the gap itself",
    ),
    Mistake(
        "distance",
        gap_from(lambda data, model: (data - model).norm()),
        "this is the length of the gap: return one number per feature",
    ),
    Mistake(
        "summed over the features",
        gap_from(lambda data, model: (data - model).sum()),
        "you sum over the features: each has its own gap",
    ),
    Mistake(
        "averaged over the features",
        gap_from(lambda data, model: (data - model).mean()),
        "you average over the features: each has its own gap",
    ),
    Mistake(
        "half",
        gap_from(lambda data, model: 0.5 * (data - model)),
        "there is no factor 1/2: the derivative of theta·f in theta is f",
    ),
    Mistake(
        "cut at zero",
        gap_from(lambda data, model: (data - model).clamp(min=0)),
        "you cut off negative values: the gap's sign says where theta must go",
    ),
    Mistake(
        "sum of the log-likelihoods",
        lambda theta, features, x, points: len(x) * gap_from(torch.sub)(theta, features, x, points),
        "the gap is multiplied by the number of data: this is the gradient of the summed "
        "log-likelihood, the mean is asked for",
    ),
    Mistake(
        "ratio",
        gap_from(lambda data, model: data / model),
        "you divide the two means: the gradient is their difference",
    ),
    Mistake(
        "times theta",
        lambda theta, *args: theta * gap_from(torch.sub)(theta, *args),
        "the gap is multiplied by theta: the derivative of theta·f in theta is f alone",
    ),
    Mistake(
        "added to theta",
        lambda theta, *args: theta + gap_from(torch.sub)(theta, *args),
        "the gap is added to theta: this is theta after a step, return the gradient itself",
    ),
    Mistake(
        "along theta",
        lambda theta, *args: theta @ gap_from(torch.sub)(theta, *args),
        "this is theta · gap, the slope along theta: return all k components",
    ),
    Mistake(
        "log-likelihood",
        _as_a_number,
        "this is the mean log-likelihood itself: its gradient in theta is asked for",
    ),
    Mistake(
        "log Z",
        lambda theta, features, x, points: (features(points) @ theta).logsumexp(0),
        "this is log Z: the gradient in theta of mean theta·f(x) − log Z is asked for",
    ),
    Mistake(
        "covariance",
        _covariance,
        "this is the covariance of f under the model, the second derivative of log Z: the first is "
        "asked for",
    ),
    Mistake(
        "Newton",
        _newton,
        "the gap is divided by the covariance of f, which is a Newton step: the gradient is the "
        "gap itself",
    ),
)
