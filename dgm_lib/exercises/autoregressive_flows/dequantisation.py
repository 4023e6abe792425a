"""A bound on the log-likelihood of discrete data, by noise that fills the bins."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Mistake


def dequantisation_bound(y: Tensor, log_p: Callable, u: Tensor, log_q: Tensor) -> Tensor:
    """An estimate of E_q[log p(y + u) − log q(u|y)] ≤ log P(y), P(y) = ∫ p(y + u) du.

    Integers y (*batch, d), noise u (k, *batch, d) from q(u|y) in (0, 1)^d, its log_q (k, *batch)
    and log_p, (*, d) -> (*), give (*batch,).
    """
    return (log_p(y + u) - log_q).mean(dim=0)


def _log_p(x: Tensor) -> Tensor:
    """A normalised density in which each coordinate depends on those before it."""
    mean = 1.8 + 0.7 * torch.sin(x.cumsum(-1) - x)
    log_density = -0.5 * ((x - mean) / 1.3) ** 2 - math.log(1.3 * math.sqrt(2 * math.pi))
    return log_density.sum(-1)


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(k, *shape):
        y = torch.randint(0, 5, shape, generator=generator)
        u = torch.rand(k, *shape, generator=generator, dtype=torch.float64)
        log_q = torch.randn(k, *shape[:-1], generator=generator, dtype=torch.float64)
        return y.to(dtype), _log_p, u.to(dtype), log_q.to(dtype)

    return [case(2, 2), case(4, 3, 2), case(5, 2, 3), case(3, 4, 1), case(4, 2, 3, 2)]


def _terms(y, log_p, u, log_q):
    return log_p(y + u) - log_q


def _of_terms(change):
    """What becomes of the right terms, one per noise and datum."""
    return lambda y, log_p, u, log_q: change(_terms(y, log_p, u, log_q))


def _mean(terms):
    """The mean over the noises of other terms."""
    return lambda y, log_p, u, log_q: terms(y, log_p, u, log_q).mean(0)


def _mean_noise(y, log_p, u, log_q):
    return log_p(y + u.mean(0)) - log_q.mean(0)


def _self_normalised(terms):
    return (terms.softmax(0) * terms).sum(0)


def _weighted_by_q(y, log_p, u, log_q):
    return (log_q.exp() * (log_p(y + u) - log_q)).sum(0)


def _no_gradient(y, log_p, u, log_q):
    return _terms(y, log_p, u.detach(), log_q.detach()).mean(0)


def _q_cut(y, log_p, u, log_q):
    return _terms(y, log_p, u, log_q.detach()).mean(0)


def _u_cut(y, log_p, u, log_q):
    return _terms(y, log_p, u.detach(), log_q).mean(0)


def _one_by_one(y, log_p, u, log_q):
    bound = 0
    for noise, log_density in zip(u, log_q):
        bound = bound + (log_p(y + noise) - log_density) / len(u)
    return bound


def _two_means(y, log_p, u, log_q):
    return log_p(y.unsqueeze(0) + u).mean(0) - log_q.mean(0)


def _flattened(y, log_p, u, log_q):
    x = (y.expand_as(u) + u).reshape(-1, y.shape[-1])
    return (
        torch.sub(log_p(x).reshape(len(u), -1), log_q.reshape(len(u), -1))
        .sum(0)
        .div(len(u))
        .reshape(y.shape[:-1])
    )


def _einsum(y, log_p, u, log_q):
    k = u.shape[0]
    return torch.einsum("k...,k->...", log_p(u + y) - log_q, u.new_full((k,), 1 / k))


Exercise(
    dequantisation_bound,
    title="The bound of dequantisation",
    minutes=6,
    difficulty=1,
    returns="(*batch,), one bound per datum",
    cases=_cases,
    grad_wrt=("u", "log_q"),
    mistakes=[
        Mistake(
            "log of the mean",
            _of_terms(lambda t: t.logsumexp(0) - math.log(len(t))),
            "this is the log of the mean of p/q, the importance-weighted bound: tighter, but asked "
            "for is the mean of the log",
        ),
        Mistake(
            "log of the sum",
            _of_terms(lambda t: t.logsumexp(0)),
            "this is the log of a sum of p/q: asked for is the mean of the log",
        ),
        Mistake(
            "sign of log q",
            _mean(lambda y, log_p, u, log_q: log_p(y + u) + log_q),
            "the sign of log q: it is subtracted, as the density in the denominator",
        ),
        Mistake(
            "no log q",
            _mean(lambda y, log_p, u, log_q: log_p(y + u)),
            "log q is missing: without it the bound holds for uniform noise only, where it is 0",
        ),
        Mistake(
            "only log q",
            _mean(lambda y, log_p, u, log_q: -log_q),
            "log p is missing: this is the entropy of the noise alone",
        ),
        Mistake(
            "y - u",
            _mean(lambda y, log_p, u, log_q: log_p(y - u) - log_q),
            "the noise is added: the bin of y is [y, y + 1)",
        ),
        Mistake(
            "centred noise",
            _mean(lambda y, log_p, u, log_q: log_p(y + u - 0.5) - log_q),
            "you centre the noise: the bin of y is [y, y + 1) here, not [y − ½, y + ½)",
        ),
        Mistake(
            "noise alone",
            _mean(lambda y, log_p, u, log_q: log_p(u) - log_q),
            "log p is taken at the noise alone: take it at y + u",
        ),
        Mistake(
            "no noise",
            _mean(lambda y, log_p, u, log_q: log_p(y) - log_q),
            "log p is taken at the integer y itself: take it at y + u",
        ),
        Mistake(
            "mean noise",
            _mean_noise,
            "you average the noise before log p sees it: average log p(y + u) instead",
        ),
        Mistake(
            "mean over everything",
            _of_terms(lambda t: t.mean()),
            "you average over the data too: there is one bound per datum, average over dim=0",
        ),
        Mistake(
            "mean over the data",
            _of_terms(lambda t: t.mean(-1)),
            "you average over the data: the k noises of one datum are in dim=0",
        ),
        Mistake("sum", _of_terms(lambda t: t.sum(0)), "you sum over the k noises: average them"),
        Mistake(
            "sum over everything",
            _of_terms(lambda t: t.sum()),
            "you sum up noises and data: there is one bound per datum, the mean over dim=0",
        ),
        Mistake(
            "no mean",
            _of_terms(lambda t: t),
            "these are the terms of all noises: average over the first dimension",
        ),
        Mistake(
            "first noise",
            _of_terms(lambda t: t[0]),
            "only the first noise is used: average over all k",
        ),
        Mistake(
            "best noise",
            _of_terms(lambda t: t.max(0).values),
            "the largest term is no bound: average over the noises",
        ),
        Mistake("median", _of_terms(lambda t: t.median(0).values), "this is the median; average"),
        Mistake(
            "probability",
            _of_terms(lambda t: t.exp().mean(0)),
            "this estimates P(y) itself: average the logs",
        ),
        Mistake(
            "loss",
            _of_terms(lambda t: -t.mean(0)),
            "this is the negative: a bound is maximised, the loss comes later",
        ),
        Mistake(
            "per dimension",
            lambda y, log_p, u, log_q: _terms(y, log_p, u, log_q).mean(0) / y.shape[-1],
            "you divide by d: the bound is for the whole datum",
        ),
        Mistake(
            "bits",
            _of_terms(lambda t: t.mean(0) / math.log(2)),
            "this is in bits: leave it in nats",
        ),
        Mistake(
            "q not log",
            _mean(lambda y, log_p, u, log_q: log_p(y + u) - log_q.exp()),
            "log_q is a logarithm already: subtract it as it is",
        ),
        Mistake(
            "ratio of logs",
            _mean(lambda y, log_p, u, log_q: log_p(y + u) / log_q),
            "you divide by log q: the log of a ratio is a difference",
        ),
        Mistake(
            "log again",
            _mean(lambda y, log_p, u, log_q: log_p(y + u) - log_q.log()),
            "you take the log of log_q: it is a logarithm already",
        ),
        Mistake(
            "exp p",
            _mean(lambda y, log_p, u, log_q: log_p(y + u).exp() - log_q.exp()),
            "you subtract densities: subtract their logs",
        ),
        Mistake(
            "weighted by q",
            _weighted_by_q,
            "you weight by q(u|y): samples from q come with the right frequency already",
        ),
        Mistake(
            "self-normalised weights",
            _of_terms(_self_normalised),
            "you weight the noises by p/q: they come from q, the plain mean is the bound",
        ),
        Mistake("cut", _no_gradient, "no gradient reaches u and log_q: no .detach() on the noise"),
        Mistake("log q cut", _q_cut, "no gradient reaches log_q: the noise law is trained too"),
        Mistake("u cut", _u_cut, "no gradient reaches u: the noise law is trained through it"),
    ],
    accepts=[_one_by_one, _two_means, _flattened, _einsum],
    hints=(
        "y + u broadcasts: y (*batch, d) has one dimension less than u (k, *batch, d), in front.",
        "Each noise gives a term log p(y + u) − log q(u|y), the log of an importance weight.",
        "The bound is the mean of the terms over the k noises: .mean(dim=0), one per datum.",
    ),
)
