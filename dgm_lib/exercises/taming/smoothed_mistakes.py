"""Wrong optima of a smoothed discriminator."""

import torch

from dgm_lib.exercises import Mistake


def _of(function):
    """A wrong function of the unsmoothed D and of the smoothing."""
    return lambda log_pi, log_p, smooth: function(torch.sigmoid(log_pi - log_p), smooth)


def _densities(log_pi, log_p, smooth):
    pi, p = log_pi.exp(), log_p.exp()
    return smooth * pi / (pi + p)


def _shielded(log_pi, log_p, smooth):
    pi, p = log_pi.exp(), log_p.exp()
    return smooth * pi / (pi + p + 1e-12)


def _reweighted(log_pi, log_p, smooth):
    odds = smooth * (log_pi - log_p).exp()
    return torch.where(odds.isinf(), 1.0, odds / (1 + odds))


MISTAKES = (
    Mistake(
        "not smoothed",
        _of(lambda d, smooth: d),
        "smooth has no influence: this is D* for labels 1 and 0",
    ),
    Mistake(
        "both sides",
        _of(lambda d, smooth: smooth * d + (1 - smooth) * (1 - d)),
        "both labels are smoothed: the fakes' label stays 0, or D would hold G where it fails",
    ),
    Mistake(
        "fakes' side",
        _of(lambda d, smooth: d + (1 - smooth) * (1 - d)),
        "the fakes' label is smoothed, to 1 − smooth: it stays 0, and the data's becomes smooth",
    ),
    Mistake(
        "swapped",
        _of(lambda d, smooth: smooth * (1 - d)),
        "π and p are swapped: D is near smooth where data are, and 0 where fakes are",
    ),
    Mistake(
        "smoothed fakes for data",
        _of(lambda d, smooth: 1 - smooth * d),
        "this is 1 − D: near data D is smooth, not 1 − smooth",
    ),
    Mistake(
        "complement",
        _of(lambda d, smooth: (1 - smooth) * d),
        "data are labelled smooth, not 1 − smooth",
    ),
    Mistake(
        "weight of the data",
        _reweighted,
        "smooth weights π, as if there were fewer data: the label is smoothed, and the data are as "
        "many as before; smooth · π over π + p",
    ),
    Mistake(
        "smooth in the sum alone",
        lambda log_pi, log_p, smooth: 1 / (smooth + (log_p - log_pi).exp()),
        "smooth belongs above the bar alone: smooth · π over π + p",
    ),
    Mistake(
        "divided",
        _of(lambda d, smooth: d / smooth),
        "you divide by smooth: the label smooth < 1 makes D smaller",
    ),
    Mistake(
        "power",
        _of(lambda d, smooth: d**smooth),
        "smooth is an exponent for you: it multiplies D",
    ),
    Mistake(
        "log ratio scaled",
        lambda log_pi, log_p, smooth: torch.sigmoid(smooth * (log_pi - log_p)),
        "smooth multiplies the logit: it multiplies D = sigmoid(logit)",
    ),
    Mistake(
        "clamped",
        _of(lambda d, smooth: d.clamp(max=smooth)),
        "D is cut off at smooth: it is smooth · π/(π + p) everywhere",
    ),
    Mistake(
        "shifted",
        _of(lambda d, smooth: d - (1 - smooth)),
        "1 − smooth is subtracted: D would be negative, it is multiplied by smooth",
    ),
    Mistake(
        "logit",
        lambda log_pi, log_p, smooth: smooth * (log_pi - log_p),
        "the sigmoid is missing: this is smooth times the logit",
    ),
    Mistake(
        "ratio",
        lambda log_pi, log_p, smooth: smooth * (log_pi - log_p).exp(),
        "this is smooth · π/p, the odds: π + p stands below the bar",
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
        "difference of the densities",
        lambda log_pi, log_p, smooth: smooth * torch.sigmoid(log_pi.exp() - log_p.exp()),
        "the sigmoid is taken of π − p: it takes log π − log p",
    ),
    Mistake(
        "no log p",
        lambda log_pi, log_p, smooth: smooth * torch.sigmoid(log_pi),
        "log_p is not used: D weighs the data's density against the generator's",
    ),
    Mistake(
        "ratio of the logs",
        lambda log_pi, log_p, smooth: smooth * log_pi / (log_pi + log_p),
        "you divide logarithms: π/(π + p) has the densities",
    ),
    Mistake(
        "own smoothing",
        _of(lambda d, smooth: 0.9 * d),
        "the smoothing is fixed at 0.9: use the argument",
    ),
    Mistake(
        "label of a half",
        _of(lambda d, smooth: smooth * d + 0.5 * (1 - smooth)),
        "the missing 1 − smooth is shared between the labels: the fakes' stays 0",
    ),
    Mistake(
        "mean",
        _of(lambda d, smooth: (smooth * d).mean()),
        "this is the mean of D: one value for each point is asked for",
    ),
)
