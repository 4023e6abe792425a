"""Wrong importance-sampling estimates of log p(x)."""

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


def _log_mean(log_w):
    return log_w.logsumexp(0) - math.log(len(log_w))


def _from_terms(log_joint, log_q, z):
    return log_joint(z).logsumexp(0) - log_q(z).logsumexp(0)


def _minus_log_d(log_joint, log_q, z):
    return (log_joint(z) - log_q(z)).logsumexp(0) - math.log(z.shape[-1])


def _minus_log_all(log_joint, log_q, z):
    return (log_joint(z) - log_q(z)).logsumexp(0) - math.log(z.numel())


def _own_draws(log_joint, log_q, z):
    z = torch.randn_like(z)
    return _log_mean(log_joint(z) - log_q(z))


UNDERFLOW = "exp over- or underflows: stay in logs, log_w.logsumexp(dim=0) − log k"

MISTAKES = (
    Mistake(
        "mean of logs",
        of_weights(lambda log_w: log_w.mean(0)),
        "this is the mean of the log weights, which is the ELBO: log p(x) asks for the log of "
        "their mean",
    ),
    Mistake(
        "no log k",
        of_weights(lambda log_w: log_w.logsumexp(0)),
        "this is the log of the sum of the weights: − log k makes it that of their mean",
    ),
    Mistake(
        "log k added",
        of_weights(lambda log_w: log_w.logsumexp(0) + math.log(len(log_w))),
        "log k is added: dividing by k subtracts it",
    ),
    Mistake(
        "k not in logs",
        of_weights(lambda log_w: log_w.logsumexp(0) - len(log_w)),
        "you subtract k: in logs, dividing by k subtracts log k",
    ),
    Mistake(
        "divided by k",
        of_weights(lambda log_w: log_w.logsumexp(0) / len(log_w)),
        "you divide the log by k: the sum itself is divided, so subtract log k from its log",
    ),
    Mistake("log d", _minus_log_d, "you subtract log d_z: the mean runs over the k draws, dim 0"),
    Mistake(
        "log of all",
        _minus_log_all,
        "you subtract the log of how many numbers z holds: the mean runs over k draws only",
    ),
    Mistake(
        "log of the batch",
        of_weights(lambda log_w: log_w.logsumexp(0) - math.log(log_w.numel())),
        "you subtract log(k · batch): each x has its own mean, over k draws",
    ),
    Mistake(
        "log of the batch alone",
        of_weights(lambda log_w: log_w.logsumexp(0) - math.log(log_w.shape[-1])),
        "you subtract the log of the last dimension's size: k is the size of the first",
    ),
    Mistake(
        "underflow",
        of_weights(lambda log_w: log_w.exp().mean(0).log()),
        UNDERFLOW,
    ),
    Mistake(
        "underflow of ratios",
        of_logs(lambda log_p, log_q: (log_p.exp() / log_q.exp()).mean(0).log()),
        UNDERFLOW,
    ),
    Mistake(
        "small number in each",
        of_weights(lambda log_w: (log_w.exp() + 1e-10).mean(0).log()),
        "a small number under the log hides that exp underflows: use logsumexp",
    ),
    Mistake(
        "small number",
        of_weights(lambda log_w: (log_w.exp().mean(0) + 1e-10).log()),
        "a small number under the log hides that exp underflows: use logsumexp",
    ),
    Mistake(
        "one maximum for all",
        of_weights(lambda log_w: log_w.max() + (log_w - log_w.max()).exp().mean(0).log()),
        "the maximum of everything is subtracted, and exp underflows for the other x: each x has "
        "its own maximum, or use logsumexp",
    ),
    Mistake(
        "maximum not added",
        of_weights(lambda log_w: (log_w - log_w.max(0).values).exp().mean(0).log()),
        "the maximum is subtracted before exp and not added again after the log",
    ),
    Mistake(
        "maximum",
        of_weights(lambda log_w: log_w.max(0).values),
        "this is the largest log weight: the estimate averages them all",
    ),
    Mistake(
        "weights",
        of_weights(lambda log_w: log_w.exp().mean(0)),
        "this is the mean weight itself: return its log",
    ),
    Mistake(
        "not averaged",
        of_weights(lambda log_w: log_w),
        "these are the log weights (k, *batch): average the weights over k",
        keeps_the_draws,
    ),
    Mistake(
        "over everything",
        of_weights(lambda log_w: log_w.flatten().logsumexp(0) - math.log(log_w.numel())),
        "you average over the batch too: each x has its own estimate",
        keeps_nothing,
    ),
    Mistake(
        "mean over the batch",
        of_weights(lambda log_w: _log_mean(log_w).mean()),
        "the estimates are averaged over the batch: return one for each x",
    ),
    Mistake(
        "sum over the batch",
        of_weights(lambda log_w: _log_mean(log_w).sum()),
        "the estimates are summed over the batch: return one for each x",
    ),
    Mistake(
        "over the last dimension",
        of_weights(lambda log_w: log_w.logsumexp(-1) - math.log(log_w.shape[-1])),
        "you average over the last dimension: the k draws are the first, dim=0",
        keeps_one_dimension_less,
    ),
    Mistake(
        "log q added",
        of_logs(lambda log_p, log_q: _log_mean(log_p + log_q)),
        "log q is added: the weight divides by q(z)",
    ),
    Mistake(
        "no log q",
        of_logs(lambda log_p, log_q: _log_mean(log_p)),
        "q(z) is missing: the draws come from q, so the weight is p(x, z) / q(z)",
    ),
    Mistake(
        "no joint",
        of_logs(lambda log_p, log_q: _log_mean(-log_q)),
        "p(x, z) is missing: the weight is p(x, z) / q(z)",
    ),
    Mistake(
        "upside down",
        of_logs(lambda log_p, log_q: _log_mean(log_q - log_p)),
        "the weight is upside down: it is p(x, z) / q(z)",
    ),
    Mistake(
        "harmonic",
        of_logs(lambda log_p, log_q: -_log_mean(log_q - log_p)),
        "this is the harmonic mean of the weights: for draws of q take the arithmetic one",
    ),
    Mistake(
        "sign",
        of_weights(lambda log_w: -_log_mean(log_w)),
        "this is −log p(x): the estimate of log p(x) itself is asked for",
    ),
    Mistake(
        "ratio of logs",
        of_logs(lambda log_p, log_q: _log_mean(log_p / log_q)),
        "you divide the logs: the log of a ratio is their difference",
    ),
    Mistake(
        "ratio of sums",
        _from_terms,
        "this is the ratio of two sums: the weight divides draw by draw, before the mean",
    ),
    Mistake(
        "weighted logs",
        of_weights(lambda log_w: (log_w.softmax(0) * log_w).sum(0)),
        "the log weights are averaged with normalised weights: take the log of the plain mean",
    ),
    Mistake(
        "weighted by q",
        of_logs(lambda log_p, log_q: _log_mean(log_p - log_q + log_q.log_softmax(0))),
        "you weight the draws by q: they come with that frequency already",
    ),
    Mistake(
        "normalised",
        of_weights(lambda log_w: log_w.log_softmax(0)),
        "the weights are made to sum to one: their mean is the estimate of p(x)",
    ),
    Mistake(
        "bits",
        of_weights(lambda log_w: _log_mean(log_w) / math.log(2)),
        "this is in bits: no division by log 2",
    ),
    Mistake("own draws", _own_draws, "you draw new z: use those of q that you are given"),
    Mistake(
        "log2",
        of_weights(lambda log_w: log_w.logsumexp(0) - math.log2(len(log_w))),
        "log k is taken to base 2: logs are natural",
    ),
    Mistake(
        "mean of the joint",
        of_logs(lambda log_p, log_q: log_p.mean(0)),
        "this is the mean of log p(x, z): the estimate is the log of the mean of p(x, z) / q(z)",
    ),
    Mistake(
        "ratio of logs, then log",
        of_logs(lambda log_p, log_q: (log_p / log_q).mean(0).log()),
        "you divide the logs: log w is their difference",
    ),
    Mistake(
        "one maximum not added",
        of_weights(lambda log_w: (log_w - log_w.max()).exp().mean(0).log()),
        "the maximum of everything is subtracted before exp and not added again after the log",
    ),
    Mistake(
        "normalised weights averaged",
        of_weights(lambda log_w: log_w.softmax(0).mean(0).log()),
        "the weights are made to sum to one before their mean is taken: that is always 1/k",
    ),
    Mistake(
        "normalised weights",
        of_weights(lambda log_w: log_w.softmax(0)),
        "these are the normalised weights: the log of the mean weight is asked for",
    ),
    Mistake(
        "joint averaged with the weights",
        of_logs(lambda log_p, log_q: ((log_p - log_q).softmax(0) * log_p).sum(0)),
        "this averages log p(x, z) over the posterior: take the log of the mean weight",
    ),
)
