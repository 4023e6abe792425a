"""Pieces that several of the wrong answers are made of."""

from itertools import pairwise

import torch


def steps(log_prob_at, xs, betas):
    """The terms of the sum, (K, *chains)."""
    return torch.stack(
        [log_prob_at(b)(x) - log_prob_at(a)(x) for x, (a, b) in zip(xs, pairwise(betas))]
    )


def right(*args):
    """The log weights as they should be."""
    return steps(*args).sum(0)


def weights_from(combine):
    """A wrong way to put the terms together."""
    return lambda *args: combine(steps(*args))


def with_terms(term):
    """Terms made in a wrong way of log p at the betas before and after."""

    def wrong(log_prob_at, xs, betas):
        terms = [
            term(log_prob_at(a)(x), log_prob_at(b)(x)) for x, (a, b) in zip(xs, pairwise(betas))
        ]
        return torch.stack(terms).sum(0)

    return wrong
