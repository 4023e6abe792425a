"""Wrong bounds of two latent layers."""

import math

import torch

from dgm_lib.exercises import Mistake


def _signs(*signs):
    """Other signs, or none, of log p(x|z1), log p(z1|z2), log p(z2), log q(z1|x), log q(z2|z1)."""
    return lambda *terms: sum(s * t for s, t in zip(signs, terms)).mean(0)


def _log_w(px, p1, p2, q1, q2):
    return px + p1 + p2 - q1 - q2


def _of_weights(combine):
    """Something else made of the log weights (k, *batch)."""
    return lambda *terms: combine(_log_w(*terms))


def _right(*terms):
    return _log_w(*terms).mean(0)


def _keeps_the_draws(fn, generator):
    return fn(*torch.randn(5, 4, 3, generator=generator)).shape == (4, 3)


MISTAKES = (
    Mistake(
        "no log p(z1|z2)",
        _signs(1, 0, 1, -1, -1),
        "log p(z1|z2) is missing: the lower layer has a prior too, the one that z2 gives it",
    ),
    Mistake(
        "no log p(z2)",
        _signs(1, 1, 0, -1, -1),
        "log p(z2) is missing: the top layer has the prior that the model starts from",
    ),
    Mistake(
        "no log p(x|z1)",
        _signs(0, 1, 1, -1, -1),
        "log p(x|z1) is missing: this is what both layers cost, and nothing of what they explain",
    ),
    Mistake(
        "no log q(z1|x)",
        _signs(1, 1, 1, 0, -1),
        "log q(z1|x) is missing: without it q(z1|x) pays nothing for being narrow",
    ),
    Mistake(
        "no log q(z2|z1)",
        _signs(1, 1, 1, -1, 0),
        "log q(z2|z1) is missing: without it q(z2|z1) pays nothing for being narrow",
    ),
    Mistake(
        "no q",
        _signs(1, 1, 1, 0, 0),
        "this is the mean of log p(x, z1, z2): both log q are to be subtracted",
    ),
    Mistake(
        "only the decoder",
        _signs(1, 0, 0, 0, 0),
        "this is log p(x|z1) alone: what the latent layers cost is missing",
    ),
    Mistake(
        "only the top layer",
        _signs(1, 0, 1, 0, -1),
        "only the top layer's KL is subtracted: log p(z1|z2) and log q(z1|x) are missing",
    ),
    Mistake(
        "only the lower layer",
        _signs(1, 1, 0, -1, 0),
        "only the lower layer's KL is subtracted: log p(z2) and log q(z2|z1) are missing",
    ),
    Mistake(
        "the layer between left out",
        _signs(1, 0, 1, -1, 0),
        "log q(z1|x) is compared with log p(z2): these are laws of different layers",
    ),
    Mistake(
        "only q and the data",
        _signs(1, 0, 0, -1, -1),
        "both priors are missing: log p(z1|z2) and log p(z2)",
    ),
    Mistake(
        "log q(z1|x) added",
        _signs(1, 1, 1, 1, -1),
        "log q(z1|x) is added: the bound has the entropy of q, −log q(z1|x)",
    ),
    Mistake(
        "log q(z2|z1) added",
        _signs(1, 1, 1, -1, 1),
        "log q(z2|z1) is added: the bound has the entropy of q, −log q(z2|z1)",
    ),
    Mistake(
        "both q added",
        _signs(1, 1, 1, 1, 1),
        "both log q are added: the bound has their entropies, so subtract them",
    ),
    Mistake(
        "log p(z1|z2) subtracted",
        _signs(1, -1, 1, -1, -1),
        "log p(z1|z2) is subtracted: it belongs to the model, with log p(x|z1) and log p(z2)",
    ),
    Mistake(
        "log p(z2) subtracted",
        _signs(1, 1, -1, -1, -1),
        "log p(z2) is subtracted: it belongs to the model, with log p(x|z1) and log p(z1|z2)",
    ),
    Mistake(
        "log p(x|z1) subtracted",
        _signs(-1, 1, 1, -1, -1),
        "log p(x|z1) is subtracted: what z explains of x raises the bound",
    ),
    Mistake(
        "KLs added",
        _signs(1, -1, -1, 1, 1),
        "the KLs are added: they are the price of z1 and z2, subtract them",
    ),
    Mistake(
        "sign of the top KL",
        _signs(1, 1, -1, -1, 1),
        "the top layer's KL is added: log p(z2) is added and log q(z2|z1) subtracted",
    ),
    Mistake(
        "sign of the lower KL",
        _signs(1, -1, 1, 1, -1),
        "the lower layer's KL is added: log p(z1|z2) is added and log q(z1|x) subtracted",
    ),
    Mistake(
        "sign",
        _signs(-1, -1, -1, 1, 1),
        "this is −ELBO, the loss: the bound is asked for",
    ),
    Mistake(
        "KLs alone",
        _signs(0, -1, -1, 1, 1),
        "this is the sum of the KLs: subtract it from log p(x|z1)",
    ),
    Mistake(
        "top layer twice",
        _signs(1, 1, 2, -1, -1),
        "log p(z2) counts twice: once is enough",
    ),
    Mistake(
        "lower layer twice",
        _signs(1, 2, 1, -1, -1),
        "log p(z1|z2) counts twice: once is enough",
    ),
    Mistake(
        "half",
        _signs(1, 0.5, 0.5, -0.5, -0.5),
        "the two layers' KLs are averaged: they add up",
    ),
    Mistake(
        "mean of the terms",
        lambda *terms: torch.stack([*terms[:3], -terms[3], -terms[4]]).mean((0, 1)),
        "the five terms are averaged: logs of the factors add up",
    ),
    Mistake(
        "IWAE",
        _of_weights(lambda w: w.logsumexp(0) - math.log(len(w))),
        "this is the log of the mean weight, the importance-weighted bound: the ELBO is the mean "
        "of the logs",
    ),
    Mistake(
        "logsumexp",
        _of_weights(lambda w: w.logsumexp(0)),
        "this is the log of the sum of the weights: the ELBO is the mean of their logs",
    ),
    Mistake(
        "mean weight",
        _of_weights(lambda w: w.exp().mean(0)),
        "this is the mean weight: the ELBO is the mean of the logs, no exp",
    ),
    Mistake(
        "naive IWAE",
        _of_weights(lambda w: w.exp().mean(0).log()),
        "this is the log of the mean weight, and it overflows: the ELBO is the mean of the logs",
    ),
    Mistake(
        "weighted",
        _of_weights(lambda w: (w.softmax(0) * w).sum(0)),
        "the logs are averaged with normalised weights: all draws of q count alike",
    ),
    Mistake(
        "sum over k",
        _of_weights(lambda w: w.sum(0)),
        "the draws are summed: average over k",
    ),
    Mistake(
        "first draw",
        _of_weights(lambda w: w[0].clone()),
        "only the first draw is used: average over all k",
    ),
    Mistake(
        "best draw",
        _of_weights(lambda w: w.max(0).values),
        "this is the best of the draws: average over k",
    ),
    Mistake(
        "median",
        _of_weights(lambda w: w.median(0).values),
        "this is the median of the draws: average over k",
    ),
    Mistake(
        "not averaged",
        _of_weights(lambda w: w),
        "these are the log weights of the draws: average over k, dim=0",
    ),
    Mistake(
        "half averaged",
        lambda px, p1, p2, q1, q2: px.mean(0) + p1 + p2 - q1 - q2,
        "only a part is averaged over k: all five terms belong to the same draws",
        _keeps_the_draws,
    ),
    Mistake(
        "over the data",
        _of_weights(lambda w: w.mean(-1)),
        "the mean runs over the last dimension, the data: the k draws are the first, dim=0",
    ),
    Mistake(
        "over everything",
        _of_weights(lambda w: w.mean()),
        "the mean runs over draws and data: each x has its own bound",
    ),
    Mistake(
        "sum over the data",
        _of_weights(lambda w: w.mean(0).sum()),
        "the bounds are summed over the data: return one for each x",
    ),
    Mistake(
        "loss",
        _of_weights(lambda w: -w.mean()),
        "this is a loss, averaged over the data and with the other sign: return one bound for "
        "each x",
    ),
    Mistake(
        "divided by the batch",
        _of_weights(lambda w: w.sum(0) / w.shape[-1]),
        "the sum over the draws is divided by the size of the batch: divide by k",
    ),
    Mistake(
        "divided twice",
        _of_weights(lambda w: w.mean(0) / len(w)),
        "the mean is divided by k once more",
    ),
    Mistake(
        "KLs not negative",
        lambda px, p1, p2, q1, q2: (px - (q1 - p1).relu() - (q2 - p2).relu()).mean(0),
        "negative values are cut off: a KL is positive, what one draw says of it need not be",
    ),
    Mistake(
        "bits",
        _of_weights(lambda w: w.mean(0) / math.log(2)),
        "this is in bits: no division by log 2",
    ),
    Mistake(
        "detached",
        lambda *terms: _right(*terms).detach(),
        "the bound is detached: it has the right value and trains nothing",
    ),
    Mistake(
        "q detached",
        lambda px, p1, p2, q1, q2: _right(px, p1, p2, q1.detach(), q2.detach()),
        "both log q are detached: nothing keeps q wide",
    ),
    Mistake(
        "priors detached",
        lambda px, p1, p2, q1, q2: _right(px, p1.detach(), p2.detach(), q1, q2),
        "log p(z1|z2) and log p(z2) are detached: the priors do not learn, and do not pull",
    ),
)
