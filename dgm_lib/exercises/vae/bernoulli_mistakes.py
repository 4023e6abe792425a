"""Wrong likelihoods of bits."""

import math

import torch
from torch.nn import functional as F

from dgm_lib.exercises import Mistake


def _of_bits(ones, zeros):
    """A wrong logarithm of the probability of a 1 and of a 0, each made of the logits."""
    return lambda x, logits: (x * ones(logits) + (1 - x) * zeros(logits)).sum(-1)


def _from(combine):
    """Something else made of the right logarithms (*batch, d)."""
    return lambda x, logits: combine(
        -F.binary_cross_entropy_with_logits(logits, x, reduction="none")
    )


def _of_probabilities(combine):
    """Something made of the bits and the probabilities of a 1."""
    return lambda x, logits: combine(x, logits.sigmoid())


def _logs(x, p):
    return (x * p.log() + (1 - x) * (1 - p).log()).sum(-1)


def _refuses_logits(fn, generator):
    """Whether it works on logits in (0, 1) and complains about others, as of probabilities."""
    x = torch.tensor([[1.0, 0.0]])
    fn(x, torch.tensor([[0.3, 0.6]]))
    try:
        fn(x, torch.tensor([[3.0, -6.0]]))
    except (RuntimeError, ValueError) as error:
        return "between 0 and 1" in str(error) or "lower_bound=0.0" in str(error)
    return False


def _is_bounded(fn, generator):
    """Whether it is right for usual logits and stops falling for large ones, where exp ends."""
    x, usual = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.3, -0.6]])
    usual_is_right = torch.allclose(fn(x, usual), _right(x, usual), atol=1e-2)
    return usual_is_right and -99 < fn(x, torch.tensor([[-999.0, -1.0]])).item() < -5


_right = _from(lambda logs: logs.sum(-1))
_log = F.logsigmoid


MISTAKES = (
    Mistake(
        "logits as probabilities",
        _logs,
        "the logits are taken for probabilities: sigmoid(logits) are the probabilities",
    ),
    Mistake(
        "logits refused",
        lambda x, logits: -F.binary_cross_entropy(logits, x, reduction="none").sum(-1),
        "this function wants probabilities and gets logits: take the one that is made for logits",
        _refuses_logits,
    ),
    Mistake(
        "sigmoid twice",
        lambda x, logits: _right(x, logits.sigmoid()),
        "sigmoid is taken twice: a function of logits takes it by itself",
    ),
    Mistake(
        "softmax over the pixels",
        lambda x, logits: (x * logits.log_softmax(-1)).sum(-1),
        "softmax makes one choice among all pixels: each bit has a sigmoid of its own",
    ),
    Mistake(
        "softmax for sigmoid",
        lambda x, logits: _logs(x, logits.softmax(-1)),
        "softmax makes probabilities that sum to one over the pixels: sigmoid is for single bits",
    ),
    Mistake(
        "exp for sigmoid",
        lambda x, logits: _logs(x, logits.exp()),
        "exp(logits) are the odds p/(1 − p): the probability is sigmoid(logits)",
    ),
    Mistake(
        "overflow",
        _of_probabilities(_logs),
        "sigmoid underflows and its log is −∞ (or 0 · −∞ = nan): take logsigmoid, both in one",
    ),
    Mistake(
        "small number",
        _of_probabilities(
            lambda x, p: (x * (p + 1e-8).log() + (1 - x) * (1 - p + 1e-8).log()).sum(-1)
        ),
        "a small number hides that sigmoid underflows, and a wrong bit gets cheap: take logsigmoid",
        _is_bounded,
    ),
    Mistake(
        "kept from zero and one",
        _of_probabilities(lambda x, p: _logs(x, p.clamp(1e-6, 1 - 1e-6))),
        "the probabilities are kept away from 0 and 1, and so the price of a wrong bit is bounded: "
        "take logsigmoid",
    ),
    Mistake(
        "bounded by the library",
        _of_probabilities(lambda x, p: -F.binary_cross_entropy(p, x, reduction="none").sum(-1)),
        "binary_cross_entropy cuts its logs off at −100: the version with_logits does not",
    ),
    Mistake(
        "law of probabilities",
        _of_probabilities(lambda x, p: torch.distributions.Bernoulli(p).log_prob(x).sum(-1)),
        "Bernoulli(probs) keeps its probabilities off 0 and 1: hand over logits=logits",
    ),
    Mistake(
        "logits cut off",
        lambda x, logits: _right(x, logits.clamp(-50, 50)),
        "the logits are cut off: with logsigmoid they need no limit",
    ),
    Mistake(
        "exp overflows",
        lambda x, logits: (x * logits - logits.exp().log1p()).sum(-1),
        "exp(logits) overflows: log(1 + exp(logits)) is softplus(logits)",
    ),
    Mistake(
        "only ones",
        lambda x, logits: (x * _log(logits)).sum(-1),
        "the pixels that are 0 cost nothing: (1 − x) · log sigmoid(−logits) is missing",
    ),
    Mistake(
        "only zeros",
        lambda x, logits: ((1 - x) * _log(-logits)).sum(-1),
        "the pixels that are 1 cost nothing: x · log sigmoid(logits) is missing",
    ),
    Mistake(
        "bits ignored",
        lambda x, logits: _log(logits).sum(-1),
        "this is the probability that all bits are 1: x says which are",
    ),
    Mistake(
        "both for each bit",
        lambda x, logits: (_log(logits) + _log(-logits)).sum(-1),
        "both logs are counted for each bit: x and 1 − x choose one of them",
    ),
    Mistake(
        "most likely bits",
        lambda x, logits: _log(logits.abs()).sum(-1),
        "this is the probability of the likeliest bits: x says which were seen",
    ),
    Mistake(
        "one minus the log",
        _of_bits(_log, lambda logits: 1 - _log(logits)),
        "1 − log p stands where log(1 − p) belongs: that is logsigmoid(−logits)",
    ),
    Mistake(
        "minus the log",
        _of_bits(_log, lambda logits: -_log(logits)),
        "−log p stands where log(1 − p) belongs: the minus goes inside, logsigmoid(−logits)",
    ),
    Mistake(
        "one minus the logits",
        _of_bits(_log, lambda logits: _log(1 - logits)),
        "sigmoid(1 − logits) is not 1 − sigmoid(logits): that is sigmoid(−logits)",
    ),
    Mistake(
        "zeros subtracted",
        lambda x, logits: (x * _log(logits) - (1 - x) * _log(-logits)).sum(-1),
        "the zeros' logs are subtracted: logs of independent bits add up",
    ),
    Mistake(
        "zeros and ones exchanged",
        lambda x, logits: _right(1 - x, logits),
        "zeros and ones are exchanged (or the logits' sign is): a large logit means 1",
    ),
    Mistake(
        "arguments exchanged",
        lambda x, logits: _right(logits, x),
        "x and logits are exchanged: the bits multiply, and the logits go through the sigmoid",
    ),
    Mistake(
        "no logs",
        _of_probabilities(lambda x, p: (x * p + (1 - x) * (1 - p)).sum(-1)),
        "the probabilities are summed: their logs are",
    ),
    Mistake(
        "log of the product",
        _of_probabilities(lambda x, p: (x * p + (1 - x) * (1 - p)).prod(-1).log()),
        "the product of the probabilities underflows: sum their logs",
    ),
    Mistake(
        "probability",
        _from(lambda logs: logs.sum(-1).exp()),
        "this is the probability: its log is asked for",
    ),
    Mistake(
        "no normaliser",
        lambda x, logits: (x * logits).sum(-1),
        "log(1 + exp(logits)) is missing: x · logits alone is not normalised",
    ),
    Mistake(
        "normaliser added",
        lambda x, logits: (x * logits + F.softplus(logits)).sum(-1),
        "softplus(logits) is added: it is the log of the normaliser, subtract it",
    ),
    Mistake(
        "relu",
        lambda x, logits: (x * logits - logits.relu()).sum(-1),
        "relu is taken for softplus: close for large logits alone",
    ),
    Mistake(
        "squared error",
        _of_probabilities(lambda x, p: -((x - p) ** 2).sum(-1)),
        "this is the squared error of the probabilities: the log of a Bernoulli is asked for",
    ),
    Mistake(
        "absolute error",
        _of_probabilities(lambda x, p: -(x - p).abs().sum(-1)),
        "this is the absolute error of the probabilities: take the log of the probability of x",
    ),
    Mistake(
        "accuracy",
        lambda x, logits: (x == (logits > 0)).to(logits).sum(-1),
        "this counts the bits that are right: the log of their probability is asked for",
    ),
    Mistake(
        "sign",
        _from(lambda logs: -logs.sum(-1)),
        "this is the cross entropy, a loss: log p(x|z) is its negative",
    ),
    Mistake(
        "mean over pixels",
        _from(lambda logs: logs.mean(-1)),
        "the mean over the pixels is taken: logs of independent bits add up, or the KL weighs d "
        "times too much",
    ),
    Mistake(
        "loss, mean over pixels",
        _from(lambda logs: -logs.mean(-1)),
        "this is the mean cross entropy of the pixels: sum them, and change the sign",
    ),
    Mistake(
        "mean over everything",
        _from(lambda logs: logs.mean()),
        "one mean over pixels and batch: sum over the pixels and leave the batch",
    ),
    Mistake(
        "loss, mean over everything",
        lambda x, logits: F.binary_cross_entropy_with_logits(logits, x),
        "this is the library's loss, a mean over everything: reduction='none', sum over the "
        "pixels, change the sign",
    ),
    Mistake(
        "loss, sum over everything",
        _from(lambda logs: -logs.sum()),
        "this is a loss, summed over the batch too: return one log p(x|z) for each x",
    ),
    Mistake(
        "sum over the batch",
        _from(lambda logs: logs.sum()),
        "the batch is summed too: return one number for each x",
    ),
    Mistake(
        "mean over the batch",
        _from(lambda logs: logs.sum(-1).mean()),
        "the batch is averaged: return one number for each x",
    ),
    Mistake(
        "wrong axis",
        _from(lambda logs: logs.sum(0)),
        "the sum runs over the first dimension: the pixels are the last, dim=-1",
    ),
    Mistake(
        "not summed",
        _from(lambda logs: logs),
        "the logs of the pixels are not summed: one number for each x",
    ),
    Mistake(
        "half",
        _from(lambda logs: 0.5 * logs.sum(-1)),
        "a factor ½ belongs to Gaussians: a Bernoulli has none",
    ),
    Mistake(
        "bits of information",
        _from(lambda logs: logs.sum(-1) / math.log(2)),
        "this is in bits: no division by log 2",
    ),
    Mistake(
        "detached",
        _from(lambda logs: logs.sum(-1).detach()),
        "the result is detached: it has the right value and trains nothing",
    ),
    Mistake(
        "zeros detached",
        lambda x, logits: (x * _log(logits) + (1 - x) * _log(-logits).detach()).sum(-1),
        "the zeros carry no gradient: nothing learns to leave a pixel black",
    ),
)
