"""Wrong KLs to the standard normal."""

import math

import torch

from dgm_lib.exercises import Mistake


def _from(term):
    """A wrong term per coordinate."""
    return lambda mu, log_var: term(mu, log_var).sum(-1)


def _right(mu, log_var):
    return 0.5 * (mu**2 + log_var.exp() - 1 - log_var).sum(-1)


def _sampled(mu, log_var):
    sigma = (log_var / 2).exp()
    z = mu + sigma * torch.randn_like(mu)
    return (-0.5 * ((z - mu) / sigma) ** 2 - log_var / 2 + 0.5 * z**2).sum(-1)


def _is_random(fn, generator):
    mu, log_var = torch.rand(2, 5, 3, generator=generator)
    return not torch.equal(fn(mu, log_var), fn(mu, log_var))


MISTAKES = (
    Mistake("sign", _from(lambda m, v: -0.5 * (m**2 + v.exp() - 1 - v)), "this is −KL"),
    Mistake("no half", _from(lambda m, v: m**2 + v.exp() - 1 - v), "the factor 1/2 is missing"),
    Mistake(
        "minus, no half",
        _from(lambda m, v: 1 + v - m**2 - v.exp()),
        "this is −2·KL: the factor is −1/2",
    ),
    Mistake(
        "reverse",
        _from(lambda m, v: 0.5 * ((1 + m**2) / v.exp() - 1 + v)),
        "this is KL(N(0, I) ‖ q): the encoder's law stands first",
    ),
    Mistake(
        "sigma for its square",
        _from(lambda m, v: 0.5 * (m**2 + (v / 2).exp() - 1 - v)),
        "exp(log_var / 2) is sigma: the formula has sigma² = exp(log_var)",
    ),
    Mistake(
        "squared again",
        _from(lambda m, v: 0.5 * (m**2 + v.exp() ** 2 - 1 - v)),
        "exp(log_var) is squared, but it is sigma² already",
    ),
    Mistake(
        "log sigma taken for log_var",
        _from(lambda m, v: 0.5 * (m**2 + (2 * v).exp() - 1 - 2 * v)),
        "you take log_var for log sigma: it is log sigma², the variance is exp(log_var)",
    ),
    Mistake(
        "the same twice",
        _from(lambda m, v: 0.5 * (m**2 + v - 1 - v)),
        "sigma² and its log cancel: the first is exp(log_var), the second log_var itself",
    ),
    Mistake(
        "log_var taken for the variance",
        _from(lambda m, v: 0.5 * (m**2 + v - 1 - v.log())),
        "log_var is taken for the variance: it is its log, and may be negative",
    ),
    Mistake(
        "log_var taken for sigma",
        _from(lambda m, v: 0.5 * (m**2 + v**2 - 1 - (v**2).log())),
        "log_var is taken for sigma: it is log sigma²",
    ),
    Mistake(
        "squared log",
        _from(lambda m, v: 0.5 * (m**2 + v**2 - 1 - v)),
        "log_var is squared: sigma² is exp(log_var)",
    ),
    Mistake(
        "half the log",
        _from(lambda m, v: 0.5 * (m**2 + v.exp() - 1 - 0.5 * v)),
        "the log is halved twice: inside the bracket stands log sigma² = log_var",
    ),
    Mistake(
        "twice the log",
        _from(lambda m, v: 0.5 * (m**2 + v.exp() - 1 - 2 * v)),
        "the log is doubled: inside the bracket stands log sigma² = log_var, once",
    ),
    Mistake(
        "sign of the log",
        _from(lambda m, v: 0.5 * (m**2 + v.exp() - 1 + v)),
        "log_var has the wrong sign: a narrow q costs, so it is subtracted",
    ),
    Mistake(
        "sign of the one",
        _from(lambda m, v: 0.5 * (m**2 + v.exp() + 1 - v)),
        "the 1 has the wrong sign: for q = p the bracket is zero",
    ),
    Mistake(
        "no one",
        _from(lambda m, v: 0.5 * (m**2 + v.exp() - v)),
        "the −1 is missing: for q = p the bracket is zero",
    ),
    Mistake(
        "one for all",
        lambda m, v: 0.5 * ((m**2 + v.exp() - v).sum(-1) - 1),
        "1 is subtracted once: each coordinate has its own −1",
    ),
    Mistake(
        "no log",
        _from(lambda m, v: 0.5 * (m**2 + v.exp() - 1)),
        "log_var is missing: without it sigma shrinks to 0",
    ),
    Mistake(
        "no variance",
        _from(lambda m, v: 0.5 * (m**2 - 1 - v)),
        "sigma² = exp(log_var) is missing",
    ),
    Mistake(
        "no mean",
        _from(lambda m, v: 0.5 * (v.exp() - 1 - v)),
        "mu² is missing: this is the KL of a law centred at 0",
    ),
    Mistake(
        "only the mean", _from(lambda m, v: 0.5 * m**2), "only mu² is left: the sigma-terms too"
    ),
    Mistake(
        "mean not squared",
        _from(lambda m, v: 0.5 * (m + v.exp() - 1 - v)),
        "mu is not squared",
    ),
    Mistake(
        "sign of the mean",
        _from(lambda m, v: 0.5 * (v.exp() - 1 - v - m**2)),
        "mu² is subtracted: a mean away from 0 costs, so it is added",
    ),
    Mistake(
        "square of the sum",
        lambda m, v: 0.5 * (m.sum(-1) ** 2 + (v.exp() - 1 - v).sum(-1)),
        "mu is summed before it is squared: square first",
    ),
    Mistake(
        "mean over the variance",
        _from(lambda m, v: 0.5 * (m**2 / v.exp() + v.exp() - 1 - v)),
        "mu² is divided by sigma²: it is divided by the prior's variance, 1",
    ),
    Mistake(
        "half on the first",
        _from(lambda m, v: 0.5 * m**2 + v.exp() - 1 - v),
        "the factor 1/2 belongs to all terms",
    ),
    Mistake(
        "half on the others",
        _from(lambda m, v: m**2 + 0.5 * (v.exp() - 1 - v)),
        "the factor 1/2 belongs to mu² too",
    ),
    Mistake(
        "mean over coordinates",
        lambda m, v: 0.5 * (m**2 + v.exp() - 1 - v).mean(-1),
        "you average over the coordinates: KLs of independent coordinates add up",
    ),
    Mistake(
        "over the batch",
        lambda m, v: _right(m.movedim(0, -1), v.movedim(0, -1)),
        "you sum over the first dimension: the coordinates are the last",
    ),
    Mistake(
        "terms",
        lambda m, v: 0.5 * (m**2 + v.exp() - 1 - v),
        "these are the KLs of the coordinates: sum them over the last dimension",
    ),
    Mistake(
        "sum of all",
        lambda m, v: _right(m, v).sum(),
        "you sum over the batch: return one number for each law",
    ),
    Mistake(
        "mean of all",
        lambda m, v: _right(m, v).mean(),
        "you average over the batch: return one number for each law",
    ),
    Mistake(
        "mean of all terms",
        lambda m, v: 0.5 * (m**2 + v.exp() - 1 - v).mean(),
        "you average over everything: sum over the coordinates, and leave the batch",
    ),
    Mistake(
        "entropy",
        _from(lambda m, v: 0.5 * (1 + math.log(2 * math.pi) + v)),
        "this is the entropy of q: the KL is its negative, and the cross entropy to the prior",
    ),
    Mistake(
        "cross entropy",
        _from(lambda m, v: 0.5 * (m**2 + v.exp() + math.log(2 * math.pi))),
        "this is −E_q log p(z): the negative entropy of q is missing",
    ),
    Mistake(
        "with 2π",
        _from(lambda m, v: 0.5 * (m**2 + v.exp() - 1 - v + math.log(2 * math.pi))),
        "log 2π cancels between the two laws",
    ),
    Mistake(
        "bits",
        lambda m, v: _right(m, v) / math.log(2),
        "this is in bits: no division by log 2",
    ),
    Mistake(
        "swapped",
        lambda m, v: _right(v, m),
        "mu and log_var are swapped",
    ),
    Mistake(
        "absolute value",
        _from(lambda m, v: 0.5 * (m**2 + (v.exp() - 1 - v.abs()))),
        "log_var may be negative: no absolute value",
    ),
    Mistake(
        "sampled",
        _sampled,
        "you estimate the KL from draws: it is known in closed form",
        _is_random,
    ),
    Mistake(
        "detached",
        lambda m, v: _right(m, v).detach(),
        "the KL is detached: no gradient reaches the encoder",
    ),
    Mistake(
        "mu detached",
        lambda m, v: _right(m.detach(), v),
        "mu is detached: nothing draws the means to the prior",
    ),
    Mistake(
        "log_var detached",
        lambda m, v: _right(m, v.detach()),
        "log_var is detached: nothing keeps sigma from 0",
    ),
    Mistake(
        "bracket of signs",
        _from(lambda m, v: -0.5 * (1 + v - m**2 + v.exp())),
        "sigma² has the wrong sign: −½ (1 + log_var − mu² − exp(log_var))",
    ),
    Mistake(
        "mean times the variance",
        _from(lambda m, v: 0.5 * (m**2 * v.exp() - 1 - v)),
        "mu² and sigma² are multiplied: they are added",
    ),
    Mistake(
        "norm of the mean",
        lambda m, v: 0.5 * (m.norm(dim=-1) + (v.exp() - 1 - v).sum(-1)),
        "the length of mu is not squared",
    ),
    Mistake(
        "floor",
        lambda m, v: _right(m, v).clamp(min=1.0),
        "small KLs are cut off: return them as they are",
        lambda fn, generator: bool((fn(*torch.full((2, 3, 2), 0.01)) > 0.01).all()),
    ),
)
