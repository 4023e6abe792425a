"""Wrong lower bounds."""

import math

import torch

from dgm_lib.exercises import Mistake
from dgm_lib.exercises.variational_inference.stand_ins import (
    keeps_nothing,
    keeps_one_dimension_less,
    keeps_the_draws,
    of_logs,
    of_weights,
)


def _right(log_joint, log_q, z):
    return (log_joint(z) - log_q(z)).mean(0)


def _no_grad(*args):
    with torch.no_grad():
        return _right(*args)


def _own_draws(log_joint, log_q, z):
    return _right(log_joint, log_q, torch.randn_like(z))


def _over_coordinates(log_joint, log_q, z):
    return _right(log_joint, log_q, z) / z.shape[-1]


MISTAKES = (
    Mistake(
        "log of the mean",
        of_weights(lambda log_w: log_w.logsumexp(0) - math.log(len(log_w))),
        "this is the log of the mean weight, which estimates log p(x): the ELBO is the mean of "
        "the logs",
    ),
    Mistake(
        "log of the mean by exp",
        of_weights(lambda log_w: log_w.exp().mean(0).log()),
        "this is the log of the mean weight, by an exp that over- and underflows: the ELBO is the "
        "mean of the logs",
    ),
    Mistake(
        "log of the sum",
        of_weights(lambda log_w: log_w.logsumexp(0)),
        "logsumexp adds up the weights: the ELBO is the mean of their logs",
    ),
    Mistake(
        "mean weight",
        of_weights(lambda log_w: log_w.exp().mean(0)),
        "this is the mean weight, an estimate of p(x): the ELBO averages the logs",
    ),
    Mistake(
        "sum",
        of_weights(lambda log_w: log_w.sum(0)),
        "you sum over the draws: the expectation is their mean",
    ),
    Mistake(
        "sign",
        of_weights(lambda log_w: -log_w.mean(0)),
        "this is the negative ELBO, a loss: the bound itself is asked for",
    ),
    Mistake(
        "no log q",
        of_logs(lambda log_p, log_q: log_p.mean(0)),
        "− log q(z) is missing: without the entropy of q, q collapses onto the mode",
    ),
    Mistake(
        "entropy only",
        of_logs(lambda log_p, log_q: -log_q.mean(0)),
        "this is the entropy of q alone: log p(x, z) is missing",
    ),
    Mistake(
        "log q added",
        of_logs(lambda log_p, log_q: (log_p + log_q).mean(0)),
        "log q(z) is added: it is subtracted, −E log q is the entropy",
    ),
    Mistake(
        "absolute value",
        of_weights(lambda log_w: log_w.abs().mean(0)),
        "single terms may be negative: no absolute value",
    ),
    Mistake(
        "never negative",
        of_weights(lambda log_w: log_w.mean(0).clamp(min=0)),
        "you cut off negative values: a log-likelihood may be negative",
    ),
    Mistake(
        "not averaged",
        of_weights(lambda log_w: log_w),
        "these are the terms, one per draw: return their mean over k",
        keeps_the_draws,
    ),
    Mistake(
        "over everything",
        of_weights(lambda log_w: log_w.mean()),
        "you average over the batch too: each x has its own bound",
        keeps_nothing,
    ),
    Mistake(
        "sum over the batch",
        of_weights(lambda log_w: log_w.mean(0).sum()),
        "you sum over the batch: each x has its own bound",
    ),
    Mistake(
        "sum of everything",
        of_weights(lambda log_w: log_w.sum()),
        "you sum over draws and batch: average over the draws, dim=0, and leave the batch",
    ),
    Mistake(
        "over the last dimension",
        of_weights(lambda log_w: log_w.mean(-1)),
        "you average over the last dimension: the k draws are the first, dim=0",
        keeps_one_dimension_less,
    ),
    Mistake(
        "first draw",
        of_weights(lambda log_w: log_w[0]),
        "only the first draw is used (a `return` inside the loop?): average over all k",
    ),
    Mistake(
        "last draw",
        of_weights(lambda log_w: log_w[-1]),
        "only the last draw is used: average over all k",
    ),
    Mistake(
        "maximum",
        of_weights(lambda log_w: log_w.max(0).values),
        "this is the largest term: the expectation is the mean",
    ),
    Mistake(
        "median",
        of_weights(lambda log_w: log_w.median(0).values),
        "this is the median: the expectation is the mean",
    ),
    Mistake(
        "minus log k",
        of_weights(lambda log_w: log_w.mean(0) - math.log(len(log_w))),
        "log k is subtracted: the mean of the logs has been divided by k already",
    ),
    Mistake(
        "sum minus log k",
        of_weights(lambda log_w: log_w.sum(0) - math.log(len(log_w))),
        "you sum the logs and subtract log k: that is how one averages weights; divide by k",
    ),
    Mistake(
        "one draw too few",
        of_weights(lambda log_w: log_w.sum(0) / max(len(log_w) - 1, 1)),
        "you divide by k − 1: a mean divides by k",
    ),
    Mistake(
        "ratio of logs",
        of_logs(lambda log_p, log_q: (log_p / log_q).mean(0)),
        "you divide the logs: the log of a ratio is their difference",
    ),
    Mistake(
        "log q only once",
        of_logs(lambda log_p, log_q: log_p.mean(0) - log_q.sum(0)),
        "log p is averaged over the draws, but log q summed",
    ),
    Mistake(
        "log p summed",
        of_logs(lambda log_p, log_q: log_p.sum(0) - log_q.mean(0)),
        "log q is averaged over the draws, but log p summed",
    ),
    Mistake(
        "q as a density",
        of_logs(lambda log_p, log_q: (log_p - log_q.exp()).mean(0)),
        "log_q is a logarithm already: no exp",
    ),
    Mistake(
        "weighted by q",
        of_logs(lambda log_p, log_q: (log_q.exp() * (log_p - log_q)).sum(0)),
        "you weight by q(z): draws of q come with that frequency already",
    ),
    Mistake(
        "mean weighted by q",
        of_logs(lambda log_p, log_q: (log_q.exp() * (log_p - log_q)).mean(0)),
        "you weight by q(z) and average: draws of q come with that frequency already",
    ),
    Mistake(
        "weighted by w",
        of_weights(lambda log_w: (log_w.softmax(0) * log_w).sum(0)),
        "the draws are reweighted: the ELBO is the plain mean under q",
    ),
    Mistake("per coordinate", _over_coordinates, "you divide by d_z: the bound is in nats per x"),
    Mistake(
        "bits",
        of_weights(lambda log_w: log_w.mean(0) / math.log(2)),
        "this is in bits: no division by log 2",
    ),
    Mistake("own draws", _own_draws, "you draw new z: use those of q that you are given"),
    Mistake(
        "no_grad",
        _no_grad,
        "the bound has the right value but no gradient: q is trained through z, so no no_grad, "
        "detach or .item()",
    ),
    Mistake(
        "log q detached",
        of_logs(lambda log_p, log_q: (log_p - log_q.detach()).mean(0)),
        "log q is detached: the gradient in z needs it too, or q collapses",
    ),
    Mistake(
        "log p detached",
        of_logs(lambda log_p, log_q: (log_p.detach() - log_q).mean(0)),
        "log p is detached: the gradient in z needs it, or q only spreads",
    ),
    Mistake(
        "mean of z",
        lambda log_joint, log_q, z: log_joint(z.mean(0)) - log_q(z.mean(0)),
        "the draws are averaged before the logs are taken: average the terms",
    ),
    Mistake(
        "densities",
        of_logs(lambda log_p, log_q: (log_p.exp() - log_q.exp()).mean(0)),
        "exp is taken of both logs: the bound averages the logs themselves",
    ),
    Mistake(
        "product",
        of_logs(lambda log_p, log_q: (log_p * log_q).mean(0)),
        "the logs are multiplied: subtract log q(z)",
    ),
    Mistake(
        "entropy over the batch",
        of_logs(lambda log_p, log_q: log_p.mean(0) - log_q.mean()),
        "log q is averaged over the batch too: each x has its own q",
    ),
    Mistake(
        "joint over the batch",
        of_logs(lambda log_p, log_q: log_p.mean() - log_q.mean(0)),
        "log p(x, z) is averaged over the batch too: each x has its own bound",
    ),
)
