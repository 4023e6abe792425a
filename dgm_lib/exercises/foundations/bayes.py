"""Bayes' rule in logarithms."""

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Mistake, Tolerance


def bayes(log_likelihood: Tensor, log_prior: Tensor) -> tuple[Tensor, Tensor]:
    """log p(x|y) (*batch, k) and log p(y) (k,) -> log p(y|x) (*batch, k), log p(x) (*batch,)."""
    log_joint = log_likelihood + log_prior
    log_evidence = torch.logsumexp(log_joint, dim=-1)
    return log_joint - log_evidence.unsqueeze(-1), log_evidence


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(*shape, far=0.0):
        log_likelihood = 2 * torch.randn(*shape, generator=generator, dtype=torch.float64) - far
        prior = torch.randn(shape[-1], generator=generator, dtype=torch.float64).softmax(-1)
        return log_likelihood.to(dtype), prior.log().to(dtype)

    return [case(2, 3), case(4), case(5, 2), case(2, 3, 4), case(3, 3, far=1000.0)]


def _no_prior(a, b):
    return a.log_softmax(-1), a.logsumexp(-1)


def _prior_only_in_posterior(a, b):
    return (a + b).log_softmax(-1), a.logsumexp(-1)


def _not_divided(a, b):
    return a + b, (a + b).logsumexp(-1)


def _probabilities(a, b):
    return (a + b).softmax(-1), (a + b).logsumexp(-1)


def _evidence_not_log(a, b):
    return (a + b).log_softmax(-1), (a + b).logsumexp(-1).exp()


def _all_probabilities(a, b):
    return (a + b).softmax(-1), (a + b).logsumexp(-1).exp()


def _prior_not_log(a, b):
    return bayes(a, b.exp())


def _underflows(a, b):
    joint = (a + b).exp()
    evidence = joint.sum(-1)
    return (joint / evidence.unsqueeze(-1)).log(), evidence.log()


def _underflows_quietly(a, b):
    joint = (a + b).exp()
    evidence = joint.sum(-1) + 1e-12
    return (joint / evidence.unsqueeze(-1) + 1e-12).log(), evidence.log()


def _prior_last(a, b):
    return a.log_softmax(-1) + b, (a + b).logsumexp(-1)


def _swapped(a, b):
    return bayes(a, b)[::-1]


def _over_batch(a, b):
    joint = a + b
    return joint - joint.logsumexp(0), joint.logsumexp(0)


def _sum_of_logs(a, b):
    joint = a + b
    return joint - joint.sum(-1, keepdim=True), joint.sum(-1)


def _mean(a, b):
    joint = a + b
    evidence = (joint.logsumexp(-1).exp() / joint.shape[-1]).log()
    return joint - evidence.unsqueeze(-1), evidence


def _divided_logs(a, b):
    joint = a + b
    evidence = joint.logsumexp(-1)
    return joint / evidence.unsqueeze(-1), evidence


def _added_evidence(a, b):
    joint = a + b
    evidence = joint.logsumexp(-1)
    return joint + evidence.unsqueeze(-1), evidence


def _shifted_by_hand(a, b):
    joint = a + b
    top = joint.max(dim=-1, keepdim=True).values
    evidence = top + (joint - top).exp().sum(dim=-1, keepdim=True).log()
    return joint - evidence, evidence.squeeze(-1)


def _pairwise(a, b):
    evidence = a[..., 0] + b[0]
    for k in range(1, len(b)):
        evidence = torch.logaddexp(evidence, a[..., k] + b[k])
    return a + b - evidence[..., None], evidence


def _softmax(a, b):
    return torch.log_softmax(a + b, dim=-1), (a + b).logsumexp(-1)


Exercise(
    bayes,
    title="Bayes' rule in logarithms",
    minutes=5,
    difficulty=1,
    returns="two tensors, log p(y|x) (*batch, k) and log p(x) (*batch,)",
    cases=_cases,
    grad_wrt=("log_likelihood", "log_prior"),
    tolerances={torch.float32: Tolerance(rtol=1e-4, atol=1e-3)},  # far away, float32 is coarse
    mistakes=[
        Mistake("no prior", _no_prior, "the prior is missing: add log p(y) to log p(x|y)"),
        Mistake(
            "prior only in the posterior",
            _prior_only_in_posterior,
            "log p(x) is without the prior: sum p(x|y) p(y) over y, not p(x|y) alone",
        ),
        Mistake(
            "not divided",
            _not_divided,
            "your first tensor is the joint, log p(x, y): subtract log p(x) to get the posterior",
        ),
        Mistake("probabilities", _probabilities, "your first tensor is p(y|x); return its log"),
        Mistake("evidence no log", _evidence_not_log, "your second tensor is p(x); return its log"),
        Mistake(
            "all probabilities", _all_probabilities, "these are probabilities; return their logs"
        ),
        Mistake(
            "prior not log", _prior_not_log, "log_prior is a logarithm already: add it as it is"
        ),
        Mistake(
            "underflow",
            _underflows,
            "exp underflows far from the data: stay in logs, torch.logsumexp is made for this",
        ),
        Mistake(
            "a small number against underflow",
            _underflows_quietly,
            "a small number inside the log only hides the underflow: stay in logs, torch.logsumexp",
        ),
        Mistake(
            "prior last",
            _prior_last,
            "the prior is added after normalising: add it to log p(x|y) first, then normalise",
        ),
        Mistake("swapped", _swapped, "your two tensors are swapped: the posterior comes first"),
        Mistake(
            "over the batch",
            _over_batch,
            "you sum over the first dimension; the labels are in the last one (dim=-1)",
        ),
        Mistake(
            "sum of logs",
            _sum_of_logs,
            "you add the logs; p(x) is the sum of the probabilities: log of the sum of exp",
        ),
        Mistake("mean", _mean, "you average over the labels; Bayes' rule sums over them"),
        Mistake(
            "divided logs",
            _divided_logs,
            "you divide by log p(x); to divide by p(x) is to subtract its log",
        ),
        Mistake("added", _added_evidence, "log p(x) is added to the joint; it must be subtracted"),
    ],
    accepts=[_shifted_by_hand, _pairwise, _softmax],
    hints=(
        "The log of a product is a sum: log p(x, y) = log p(x|y) + log p(y). The prior broadcasts.",
        "log p(x) = log Σ exp(log p(x, y)) over the last dimension: torch.logsumexp(..., dim=-1).",
        "log p(y|x) = log p(x, y) − log p(x); give log p(x) a last dimension with unsqueeze(-1).",
    ),
)
