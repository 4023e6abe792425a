"""Right ratios put together in a wrong way."""

import math

from dgm_lib.exercises import Mistake
from dgm_lib.exercises.energy_models.ais_mistakes.pieces import (
    right,
    weights_from,
    with_terms,
)

MISTAKES = (
    Mistake(
        "sign",
        weights_from(lambda steps: -steps.sum(0)),
        "the sign: each ratio has the new law, betas[k + 1], above and the old one below",
    ),
    Mistake(
        "added",
        with_terms(lambda before, after: after + before),
        "the log densities are added: a ratio is a difference of logs",
    ),
    Mistake(
        "ratio of logs",
        with_terms(lambda before, after: after / before),
        "you divide the logs: the log of a ratio is their difference",
    ),
    Mistake(
        "absolute values",
        weights_from(lambda steps: steps.abs().sum(0)),
        "the terms may be negative: no absolute value",
    ),
    Mistake(
        "acceptance",
        weights_from(lambda steps: steps.clamp(max=0).sum(0)),
        "you cut the ratios at 1, as in an acceptance probability: weights may be larger",
    ),
    Mistake(
        "mean",
        weights_from(lambda steps: steps.mean(0)),
        "you average over the steps: the ratios are multiplied, so their logs add up",
    ),
    Mistake(
        "not summed",
        weights_from(lambda steps: steps),
        "these are the K terms: sum them over the steps, dim=0",
    ),
    Mistake(
        "cumulative",
        weights_from(lambda steps: steps.cumsum(0)),
        "these are the log weights after each step: return the last, (*chains,)",
    ),
    Mistake(
        "only the last step",
        weights_from(lambda steps: steps[-1]),
        "only the last step's ratio is left: add them up, log_w = log_w + …",
    ),
    Mistake(
        "only the first step",
        weights_from(lambda steps: steps[0]),
        "only the first step's ratio is used (a `return` inside the loop?): add up all K",
    ),
    Mistake(
        "last left out",
        weights_from(lambda steps: steps[:-1].sum(0)),
        "the last step's ratio is missing: there are K of them, one for each of xs",
    ),
    Mistake(
        "first left out",
        weights_from(lambda steps: steps[1:].sum(0)),
        "the first step's ratio is missing: there are K of them, one for each of xs",
    ),
    Mistake(
        "product of logs",
        weights_from(lambda steps: steps.prod(0)),
        "the logs are multiplied: a product of ratios is a sum of logs",
    ),
    Mistake(
        "weights",
        weights_from(lambda steps: steps.sum(0).exp()),
        "these are the weights themselves: return their logs, the weights over- and underflow",
    ),
    Mistake(
        "sum of ratios",
        weights_from(lambda steps: steps.exp().sum(0).log()),
        "you add up the ratios and take the log: they are multiplied, their logs add up",
    ),
    Mistake(
        "log-sum-exp",
        weights_from(lambda steps: steps.logsumexp(0)),
        "logsumexp over the steps adds up the ratios: they are multiplied, so sum their logs",
    ),
    Mistake(
        "sum over all chains",
        weights_from(lambda steps: steps.sum()),
        "you sum over the chains too: each has its own weight",
    ),
    Mistake(
        "sum over the chains",
        weights_from(lambda steps: steps.sum(-1)),
        "you sum over the chains: sum over the steps, the first dimension",
    ),
    Mistake(
        "mean over the chains",
        weights_from(lambda steps: steps.sum(0).mean()),
        "you average over the chains: return one log weight for each",
    ),
    Mistake(
        "log Z",
        weights_from(
            lambda steps: steps.sum(0).flatten().logsumexp(0) - math.log(max(1, steps[0].numel()))
        ),
        "this is the estimate of log Z, the log of the mean weight: return the log weights "
        "themselves, one per chain",
    ),
    Mistake(
        "log of the sum of weights",
        weights_from(lambda steps: steps.sum(0).flatten().logsumexp(0)),
        "this is the log of the sum of all weights: return one log weight per chain",
    ),
    Mistake(
        "normalised",
        weights_from(lambda steps: steps.sum(0) - steps.sum(0).flatten().logsumexp(0)),
        "the weights are made to sum to one: their mean is the estimate of Z, so leave them",
    ),
    Mistake(
        "softmax",
        weights_from(lambda steps: steps.sum(0).flatten().softmax(0).reshape(steps[0].shape)),
        "the weights are made to sum to one, by a softmax: return the bare log weights",
    ),
    Mistake(
        "minus the maximum",
        weights_from(lambda steps: steps.sum(0) - steps.sum(0).max()),
        "the largest log weight is subtracted: then nothing can be said of Z",
    ),
    Mistake(
        "starts at one",
        lambda *args: 1 + right(*args),
        "log w starts at 1: the weight starts at 1, its log at 0",
    ),
    Mistake(
        "centred",
        weights_from(lambda steps: steps.sum(0) - steps.sum(0).mean()),
        "the mean log weight is subtracted: then nothing can be said of Z",
    ),
)
