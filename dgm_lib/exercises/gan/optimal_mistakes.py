"""Wrong optimal discriminators."""

import math

import torch

from dgm_lib.exercises import Mistake


def _of_ratio(function):
    """A wrong function of the log ratio."""
    return lambda log_pi, log_p: function(log_pi - log_p)


def _densities(log_pi, log_p):
    pi, p = log_pi.exp(), log_p.exp()
    return pi / (pi + p)


def _shielded(log_pi, log_p):
    pi, p = log_pi.exp(), log_p.exp()
    return pi / (pi + p + 1e-12)


MISTAKES = (
    Mistake(
        "swapped",
        _of_ratio(lambda r: torch.sigmoid(-r)),
        "this is p/(π + p), the chance of a fake: D is near 1 where data are",
    ),
    Mistake(
        "logit",
        _of_ratio(lambda r: r),
        "this is the logit log π − log p: D is its sigmoid",
    ),
    Mistake(
        "odds",
        _of_ratio(torch.exp),
        "this is the ratio π/p, the odds: D = π/(π + p) lies between 0 and 1",
    ),
    Mistake(
        "log D",
        _of_ratio(torch.nn.functional.logsigmoid),
        "this is log D: D itself is asked for",
    ),
    Mistake(
        "densities",
        _densities,
        "the densities under- or overflow, and 0/0 is NaN: use log π − log p alone",
    ),
    Mistake(
        "a small number below",
        _shielded,
        "a small number below the bar hides 0/0, and D becomes 0 far out, where data may win: "
        "use log π − log p alone",
    ),
    Mistake(
        "ratio of the logs",
        lambda log_pi, log_p: log_pi / (log_pi + log_p),
        "you divide logarithms: π/(π + p) has the densities",
    ),
    Mistake(
        "sum of the logs",
        lambda log_pi, log_p: torch.sigmoid(log_pi + log_p),
        "the logs are added, which multiplies the densities: their ratio counts",
    ),
    Mistake(
        "no log p",
        lambda log_pi, log_p: torch.sigmoid(log_pi),
        "log_p is not used: D weighs the data's density against the generator's",
    ),
    Mistake(
        "no log pi",
        lambda log_pi, log_p: torch.sigmoid(-log_p),
        "log_pi is not used: D weighs the data's density against the generator's",
    ),
    Mistake(
        "twice",
        _of_ratio(lambda r: torch.sigmoid(2 * r)),
        "the log ratio is doubled: tanh(r/2), not tanh(r), belongs to the sigmoid",
    ),
    Mistake(
        "half",
        _of_ratio(lambda r: torch.sigmoid(r / 2)),
        "the log ratio is halved: this is √π/(√π + √p)",
    ),
    Mistake(
        "tanh",
        _of_ratio(torch.tanh),
        "tanh lies between −1 and 1: a probability is asked for, the sigmoid",
    ),
    Mistake(
        "clamped",
        _of_ratio(lambda r: r.clamp(0, 1)),
        "the log ratio is cut to [0, 1]: the sigmoid takes it there",
    ),
    Mistake(
        "decision",
        _of_ratio(lambda r: (r > 0).to(r)),
        "this is a decision, 0 or 1: D is the probability",
    ),
    Mistake(
        "without the half",
        lambda log_pi, log_p: (log_pi - torch.logaddexp(log_pi, log_p)).exp() / 2,
        "half of D: data and fakes come equally often, and that has cancelled already",
    ),
    Mistake(
        "mixture",
        lambda log_pi, log_p: (log_pi - torch.logaddexp(log_pi, log_p) + math.log(2)).exp(),
        "this is π over the mixture (π + p)/2, up to 2: the half cancels in D",
    ),
    Mistake(
        "difference of the densities",
        lambda log_pi, log_p: torch.sigmoid(log_pi.exp() - log_p.exp()),
        "the sigmoid is taken of π − p: it takes log π − log p",
    ),
    Mistake(
        "base two",
        _of_ratio(lambda r: torch.sigmoid(math.log(2) * r)),
        "2 to the power is taken for exp: logs are natural",
    ),
    Mistake(
        "over the batch",
        lambda log_pi, log_p: (log_pi - log_p).flatten().softmax(0).reshape(log_pi.shape),
        "the softmax runs over the points: at each x, π is weighed against p",
    ),
    Mistake(
        "mean",
        _of_ratio(lambda r: torch.sigmoid(r).mean()),
        "this is the mean of D: one value for each point is asked for",
    ),
    Mistake(
        "sigmoid twice",
        _of_ratio(lambda r: torch.sigmoid(torch.sigmoid(r))),
        "the sigmoid is applied twice",
    ),
)
