"""Wrong responsibilities."""

import torch

from dgm_lib.exercises import Mistake
from dgm_lib.exercises.variational_inference.em_step_mistakes.pieces import (
    distances,
    log_joint,
    maximise,
)


def _joint_from(combine):
    """A wrong log joint, of x, weights, the squared distances, sigma and d."""

    def wrong(x, weights, means, sigma):
        log_joint = combine(weights, distances(x, means), sigma, x.shape[-1])
        return maximise(x, log_joint.softmax(-1))

    return wrong


def _assigned_by(assign):
    """Wrong responsibilities, made of the log joint."""
    return lambda *arguments: maximise(arguments[0], assign(log_joint(*arguments)))


def _densities(x, weights, means, sigma):
    joint = log_joint(x, weights, means, sigma).exp()
    return maximise(x, joint / joint.sum(-1, keepdim=True))


def _densities_kept_from_zero(x, weights, means, sigma):
    joint = log_joint(x, weights, means, sigma).exp()
    return maximise(x, joint / (joint.sum(-1, keepdim=True) + 1e-10))


def _one_hot(log_joint):
    return torch.nn.functional.one_hot(log_joint.argmax(-1), log_joint.shape[-1]).to(log_joint)


MISTAKES = (
    Mistake(
        "hard assignment",
        _assigned_by(_one_hot),
        "each point goes to its most likely component alone: that is k-means; EM shares it out",
    ),
    Mistake(
        "softmax over the points",
        _assigned_by(lambda log_joint: log_joint.softmax(0)),
        "the responsibilities sum to one over the points: for each point they sum to one over the "
        "components",
    ),
    Mistake(
        "not normalised",
        _assigned_by(lambda log_joint: log_joint.exp()),
        "the joint density is not normalised: divide by its sum over the components",
    ),
    Mistake(
        "normalised over everything",
        _assigned_by(lambda log_joint: log_joint.flatten().softmax(0).reshape(log_joint.shape)),
        "the responsibilities sum to one over everything: for each point they do over components",
    ),
    Mistake(
        "log responsibilities",
        _assigned_by(lambda log_joint: log_joint.log_softmax(-1)),
        "these are the logs of the responsibilities: use softmax, not log_softmax",
    ),
    Mistake(
        "shared equally",
        _assigned_by(lambda log_joint: torch.ones_like(log_joint) / log_joint.shape[-1]),
        "all responsibilities are the same: they are p(k | x_n)",
    ),
    Mistake(
        "no weights",
        _joint_from(lambda w, squared, s, d: -d * s.log() - squared / (2 * s**2)),
        "the weights are missing in the responsibilities: Bayes needs the prior p(k)",
    ),
    Mistake(
        "weights not in logs",
        _joint_from(lambda w, squared, s, d: w - d * s.log() - squared / (2 * s**2)),
        "the weights are added to log densities: take their log",
    ),
    Mistake(
        "sigma as variance",
        _joint_from(lambda w, squared, s, d: w.log() - d / 2 * s.log() - squared / (2 * s)),
        "you use sigma as if it were the variance: in the density it is squared",
    ),
    Mistake(
        "sigma not squared",
        _joint_from(lambda w, squared, s, d: w.log() - d * s.log() - squared / (2 * s)),
        "the distance is divided by 2·sigma: the density has 2·sigma²",
    ),
    Mistake(
        "no two",
        _joint_from(lambda w, squared, s, d: w.log() - d * s.log() - squared / s**2),
        "the factor 1/2 in the exponent of the Gaussian is missing",
    ),
    Mistake(
        "no normaliser",
        _joint_from(lambda w, squared, s, d: w.log() - squared / (2 * s**2)),
        "the normaliser −d·log sigma is missing in the density: components differ in sigma",
    ),
    Mistake(
        "normaliser without d",
        _joint_from(lambda w, squared, s, d: w.log() - s.log() - squared / (2 * s**2)),
        "the density's normaliser is sigma^d, one factor for each coordinate: d is missing",
    ),
    Mistake(
        "normaliser twice",
        _joint_from(lambda w, squared, s, d: w.log() - 2 * d * s.log() - squared / (2 * s**2)),
        "the density's normaliser is (sigma²)^(d/2): you divide by sigma^(2d)",
    ),
    Mistake(
        "half the normaliser",
        _joint_from(lambda w, squared, s, d: w.log() - d / 2 * s.log() - squared / (2 * s**2)),
        "the density's normaliser is (sigma²)^(d/2) = sigma^d: you divide by sigma^(d/2)",
    ),
    Mistake(
        "sign of the normaliser",
        _joint_from(lambda w, squared, s, d: w.log() + d * s.log() - squared / (2 * s**2)),
        "the density's normaliser has the wrong sign: −d·log sigma",
    ),
    Mistake(
        "distance not squared",
        _joint_from(lambda w, squared, s, d: w.log() - d * s.log() - squared.sqrt() / (2 * s**2)),
        "the distance in the Gaussian's exponent is not squared",
    ),
    Mistake(
        "mean distance",
        _joint_from(lambda w, squared, s, d: w.log() - d * s.log() - squared / d / (2 * s**2)),
        "the squared distance in the exponent is averaged over coordinates: sum them",
    ),
    Mistake(
        "underflow",
        _densities,
        "far from all means the densities underflow: take a softmax of the logs",
    ),
    Mistake(
        "kept from zero",
        _densities_kept_from_zero,
        "a small number in the denominator hides that the densities underflow: take a softmax of "
        "the logs",
    ),
    Mistake(
        "distances alone",
        _joint_from(lambda w, squared, s, d: -squared),
        "the responsibilities come from the distances alone: p(k | x_n) needs weights and sigma",
    ),
    Mistake(
        "half distances alone",
        _joint_from(lambda w, squared, s, d: -0.5 * squared),
        "the responsibilities take sigma for 1 and the weights for equal: use both",
    ),
)
