"""Wrong uses of log_prob_at, and numbers that run out of range."""

from itertools import pairwise

import torch

from dgm_lib.exercises import Mistake
from dgm_lib.exercises.energy_models.ais_mistakes.pieces import (
    right,
    weights_from,
    with_terms,
)
from dgm_lib.exercises.energy_models.stand_ins import NARROWING


def _takes_x_first(log_prob_at, xs, betas):
    return sum(log_prob_at(x)(b) - log_prob_at(x)(a) for x, (a, b) in zip(xs, pairwise(betas)))


def _takes_two(log_prob_at, xs, betas):
    return sum(log_prob_at(x, b) - log_prob_at(x, a) for x, (a, b) in zip(xs, pairwise(betas)))


def _not_called(log_prob_at, xs, betas):
    return sum(log_prob_at(b) - log_prob_at(a) for a, b in pairwise(betas))


def _too_far(log_prob_at, xs, betas):
    return sum(
        log_prob_at(betas[k + 1])(xs[k]) - log_prob_at(betas[k])(xs[k]) for k in range(len(betas))
    )


class _Spy:
    """A path of laws that notes how it is used."""

    def __init__(self):
        self.betas, self.results, self.two = [], 0, False

    def __call__(self, beta, *more):
        self.betas.append(torch.as_tensor(beta).numel())
        self.two = self.two or bool(more)
        return lambda x: self._log_prob(beta, x)

    def _log_prob(self, beta, x):
        self.results += 1
        return NARROWING(beta)(x)


def _used(test):
    """Whether an answer's use of log_prob_at, on chains in five dimensions, passes a test."""

    def recognise(fn, generator):
        spy, error = _Spy(), None
        try:
            fn(spy, torch.linspace(-1, 2, 30).reshape(2, 3, 5), torch.tensor([0.0, 0.4, 1.0]))
        except Exception as raised:
            error = raised
        return test(spy, error)

    return recognise


def _underflows(fn, generator):
    """Right where log p is small, not finite where it is large."""
    betas = torch.tensor([0.1, 0.3, 0.9], dtype=torch.float64)
    xs = torch.linspace(-1, 2, 12, dtype=torch.float64).reshape(2, 3, 2)
    near, far = fn(NARROWING, xs, betas), fn(NARROWING, xs + 60, betas)
    return torch.allclose(near, right(NARROWING, xs, betas)) and not far.isfinite().all()


MISTAKES = (
    Mistake(
        "small number",
        with_terms(
            lambda before, after: (after.exp() + 1e-10).log() - (before.exp() + 1e-10).log()
        ),
        "a small number under the log hides that exp underflows: stay in logs",
    ),
    Mistake(
        "underflow",
        with_terms(lambda before, after: (after.exp() / before.exp()).log()),
        "exp over- or underflows far from the mode: stay in logs",
        _underflows,
    ),
    Mistake(
        "underflow of the product",
        weights_from(lambda steps: steps.exp().prod(0).log()),
        "the product of the ratios over- or underflows: stay in logs, and sum",
        _underflows,
    ),
    Mistake(
        "two arguments",
        _takes_two,
        "log_prob_at takes beta alone and returns a function of x: log_prob_at(beta)(x)",
        _used(lambda spy, error: spy.two),
    ),
    Mistake(
        "x before beta",
        _takes_x_first,
        "log_prob_at takes beta, and what it returns takes x: log_prob_at(beta)(x)",
        _used(lambda spy, error: any(size > 1 and size % 5 == 0 for size in spy.betas)),
    ),
    Mistake(
        "no x",
        _not_called,
        "log_prob_at(beta) is a function: call it at x, log_prob_at(beta)(x)",
        _used(lambda spy, error: not spy.results and isinstance(error, TypeError)),
    ),
    Mistake(
        "one too far",
        _too_far,
        "the loop counts the betas, of which there is one more than of points and steps: "
        "range(len(xs))",
        _used(lambda spy, error: isinstance(error, IndexError) and spy.results >= 4),
    ),
)
