"""The importance-weighted bound."""

import math

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Fail, Mistake, Tolerance


def iwae_bound(log_w: Tensor) -> Tensor:
    """log (1/k) Σ_k w_k, the bound from k importance weights: log_w (k, *batch) -> (*batch,)."""
    return log_w.logsumexp(dim=0) - math.log(log_w.shape[0])


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(*shape: int, far: float = 0.0) -> tuple[Tensor]:
        log_w = torch.randn(shape, generator=generator, dtype=torch.float64)
        return ((1.5 * log_w - 0.8 + far).to(dtype),)

    apart = 1.5 * torch.randn(5, 6, generator=generator) + torch.linspace(-900, 700, 6)
    one_rules = 1.5 * torch.randn(4, 3, generator=generator)
    one_rules[1] += 2000.0  # of each column: so far from the others that their mean says nothing
    return [
        (apart.to(dtype),),
        (one_rules.to(dtype),),
        case(3, 2),
        case(5),
        case(2, 4),
        case(4, 3, 2),
        case(1, 7),
        case(6, 5, far=-1200.0),
        case(6, 6, far=1200.0),
    ]


def _never_below_the_elbo(fn, generator):
    """never below the ELBO"""
    log_w = 2 * torch.randn(6, 200, generator=generator)
    if (fn(log_w) < log_w.mean(dim=0) - 1e-4).any():
        raise Fail("the bound must not be below the mean of log_w, the ELBO; yours is")


# ------------------------------------------------------------------------ right answers


def _torch(log_w):
    return torch.logsumexp(log_w, 0) - torch.log(torch.tensor(len(log_w)))


def _by_hand(log_w):
    largest = log_w.max(dim=0, keepdim=True).values.detach()
    return (log_w - largest).exp().mean(dim=0).log() + largest.squeeze(0)


def _inside(log_w):
    return torch.logsumexp(log_w - math.log(log_w.size(0)), dim=0)


def _running(log_w):
    total = log_w[0]
    for one in log_w[1:]:
        total = torch.logaddexp(total, one)
    return total - math.log(len(log_w))


def _right(log_w):
    return log_w.logsumexp(0) - math.log(len(log_w))


UNDERFLOW = "exp over- or underflows: use log_w.logsumexp(dim=0)"

Exercise(
    iwae_bound,
    title="The importance-weighted bound",
    minutes=5,
    difficulty=1,
    returns="(*batch,), one bound for each x",
    cases=_cases,
    properties=[_never_below_the_elbo],
    grad_wrt=("log_w",),
    tolerances={torch.float64: Tolerance(1e-6, 1e-6)},  # torch.log(torch.tensor(k)) is float32
    mistakes=[
        Mistake(
            "mean of logs",
            lambda log_w: log_w.mean(0),
            "this is the mean of the logs, the ELBO: the log of the mean is the tighter bound",
        ),
        Mistake(
            "no log k",
            lambda log_w: log_w.logsumexp(0),
            "log k is not subtracted: this is the log of a sum, not of a mean, and no bound",
        ),
        Mistake(
            "log k added",
            lambda log_w: log_w.logsumexp(0) + math.log(len(log_w)),
            "log k is added: dividing by k subtracts it",
        ),
        Mistake(
            "k not in logs",
            lambda log_w: log_w.logsumexp(0) - len(log_w),
            "k is subtracted: dividing by k subtracts log k",
        ),
        Mistake(
            "divided by k",
            lambda log_w: log_w.logsumexp(0) / len(log_w),
            "the log is divided by k: the sum is, so subtract log k from its log",
        ),
        Mistake("underflow", lambda log_w: log_w.exp().mean(0).log(), UNDERFLOW),
        Mistake(
            "small number",
            lambda log_w: (log_w.exp().mean(0) + 1e-10).log(),
            "a small number under the log hides that exp underflows: use logsumexp",
        ),
        Mistake(
            "cut off",
            lambda log_w: log_w.clamp(-80, 80).exp().mean(0).log(),
            "log_w is cut off before exp: use logsumexp, which needs no limit",
        ),
        Mistake(
            "mean weight",
            lambda log_w: log_w.exp().mean(0),
            "this is the mean weight: take its log",
        ),
        Mistake(
            "weights not exponentiated",
            lambda log_w: log_w.mean(0).log(),
            "log is taken of the mean of log_w: take exp first, as logsumexp does",
        ),
        Mistake(
            "one maximum for all",
            lambda log_w: log_w.max() + (log_w - log_w.max()).exp().mean(0).log(),
            "the maximum of everything is subtracted, and exp underflows for the other x: each x "
            "has its own maximum, or use logsumexp",
        ),
        Mistake(
            "maximum not added",
            lambda log_w: (log_w - log_w.max(0).values).exp().mean(0).log(),
            "the maximum is subtracted before exp and not added again after the log",
        ),
        Mistake(
            "one maximum",
            lambda log_w: (log_w - log_w.max()).exp().mean(0).log(),
            "the maximum of everything is subtracted before exp and not added again",
        ),
        Mistake(
            "maximum",
            lambda log_w: log_w.max(0).values,
            "this is the largest log weight: the bound averages all weights",
        ),
        Mistake(
            "exp of the mean",
            lambda log_w: log_w.mean(0).exp(),
            "this is exp of the mean log weight: take the log of the mean weight",
        ),
        Mistake(
            "small number in the sum",
            lambda log_w: (log_w.exp().sum(0) + 1e-8).log() - math.log(len(log_w)),
            "a small number under the log hides that exp underflows: use logsumexp",
        ),
        Mistake(
            "log2",
            lambda log_w: log_w.logsumexp(0) - math.log2(len(log_w)),
            "log k is taken to base 2: logs are natural",
        ),
        Mistake(
            "log10",
            lambda log_w: log_w.logsumexp(0) - math.log10(len(log_w)),
            "log k is taken to base 10: logs are natural",
        ),
        Mistake(
            "median",
            lambda log_w: log_w.median(0).values,
            "this is the median log weight: the bound averages the weights",
        ),
        Mistake(
            "second order",
            lambda log_w: log_w.mean(0) + 0.5 * log_w.var(0),
            "mean plus half the variance is exact only for Gaussian log weights: take the log of "
            "the mean weight",
        ),
        Mistake(
            "all, minus log k",
            lambda log_w: log_w.flatten().logsumexp(0) - math.log(len(log_w)),
            "the sum runs over the data too: each x has its own bound",
        ),
        Mistake(
            "sum of logs",
            lambda log_w: log_w.sum(0),
            "this is the sum of the logs: the bound is the log of the mean weight",
        ),
        Mistake(
            "sum of logs minus log k",
            lambda log_w: log_w.sum(0) - math.log(len(log_w)),
            "the logs are summed: sum the weights, which is logsumexp",
        ),
        Mistake(
            "mean of logs minus log k",
            lambda log_w: log_w.mean(0) - math.log(len(log_w)),
            "this is the mean of the logs minus log k: the weights are averaged, not their logs",
        ),
        Mistake(
            "over the data",
            lambda log_w: log_w.logsumexp(-1) - math.log(log_w.shape[-1]),
            "the mean runs over the last dimension, the data: the k samples are the first, dim=0",
        ),
        Mistake(
            "over everything",
            lambda log_w: log_w.flatten().logsumexp(0) - math.log(log_w.numel()),
            "the mean runs over samples and data: each x has its own bound",
        ),
        Mistake(
            "mean over the data",
            lambda log_w: _right(log_w).mean(),
            "the bounds are averaged over the data: return one for each x",
        ),
        Mistake(
            "sum over the data",
            lambda log_w: _right(log_w).sum(),
            "the bounds are summed over the data: return one for each x",
        ),
        Mistake(
            "log of the batch",
            lambda log_w: log_w.logsumexp(0) - math.log(log_w.shape[-1]),
            "you subtract the log of the last dimension's size: k is the size of the first",
        ),
        Mistake(
            "log of all",
            lambda log_w: log_w.logsumexp(0) - math.log(log_w.numel()),
            "you subtract the log of how many numbers there are: k is the size of the first "
            "dimension",
        ),
        Mistake(
            "sign",
            lambda log_w: -_right(log_w),
            "this is the negative bound, a loss: the bound itself is asked for",
        ),
        Mistake(
            "normalised logs",
            lambda log_w: log_w.log_softmax(0),
            "these are normalised log weights: the bound is the log of their mean before that",
        ),
        Mistake(
            "normalised weights",
            lambda log_w: log_w.softmax(0),
            "these are the normalised weights: they multiply the gradients, and are no bound",
        ),
        Mistake(
            "weighted logs",
            lambda log_w: (log_w.softmax(0) * log_w).sum(0),
            "the log weights are averaged with normalised weights: take the log of the plain mean",
        ),
        Mistake(
            "harmonic",
            lambda log_w: -_right(-log_w),
            "this is the harmonic mean of the weights: the arithmetic one is asked for",
        ),
        Mistake("not averaged", lambda log_w: log_w.clone(), "these are the log weights: average"),
        Mistake(
            "first sample",
            lambda log_w: log_w[0].clone(),
            "only the first sample is used: average the weights of all k",
        ),
        Mistake(
            "bits",
            lambda log_w: _right(log_w) / math.log(2),
            "this is in bits: no division by log 2",
        ),
        Mistake(
            "detached",
            lambda log_w: _right(log_w).detach(),
            "the bound is detached: it has the right value and trains nothing",
        ),
        Mistake(
            "equal gradients",
            lambda log_w: _right(log_w).detach() + log_w.mean(0) - log_w.mean(0).detach(),
            "the gradient is that of the ELBO: that of the bound weighs each sample by its "
            "normalised weight",
        ),
    ],
    accepts=[_torch, _by_hand, _inside, _running],
    hints=(
        "It is the importance estimate of log p(x), used as a bound: the log of the mean weight. "
        "By Jensen it lies between the mean of the logs and log p(x).",
        "log Σ exp(log_w) without over- or underflow is log_w.logsumexp(dim=0).",
        "A mean is a sum divided by k: subtract log k, k = log_w.shape[0].",
    ),
)
