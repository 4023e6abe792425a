"""Mistakes that are made with any log ratio on its way to an acceptance probability."""

from collections.abc import Callable

import torch
from torch import Tensor

from dgm_lib.exercises import Mistake
from dgm_lib.exercises.mcmc.tells import (
    draws_the_decision,
    leaves_the_unit_interval,
    mixes_the_batch,
    raises,
    right_only_for,
)

UNSTABLE = "exp overflows or underflows for large logs: subtract the logs first, then take exp"


def accepted(log_ratio: Tensor) -> Tensor:
    """min(1, exp(log_ratio)), as it should be."""
    return log_ratio.clamp(max=0).exp()


def after_the_ratio(log_ratio: Callable, both: tuple) -> tuple[Mistake, ...]:
    """Something wrong done with the right log ratio; both: arguments with some ratios above 1."""

    def after(wrong):
        return lambda *args: wrong(log_ratio(*args))

    return (
        Mistake(
            "all accepted",
            after(torch.ones_like),
            "these are all accepted: return the probability, which is the ratio where that is "
            "below 1",
        ),
        Mistake(
            "no minimum",
            after(torch.exp),
            "this is the ratio itself: where it is above 1, the probability is 1",
        ),
        Mistake(
            "logarithm",
            after(lambda log: log.clamp(max=0)),
            "this is the logarithm of the probability: take exp of it",
        ),
        Mistake(
            "log ratio",
            after(lambda log: log),
            "this is the log ratio itself: min(1, exp(log ratio)) is asked for",
        ),
        Mistake(
            "log ratio cut at one",
            after(lambda log: log.clamp(max=1)),
            "this cuts the log ratio itself at 1: take exp first",
        ),
        Mistake(
            "log ratio cut to a probability",
            after(lambda log: log.clamp(0, 1)),
            "this cuts the log ratio to [0, 1]: take exp of it first",
        ),
        Mistake(
            "maximum",
            after(lambda log: log.exp().clamp(min=1)),
            "this is max(1, ratio): the probability is min(1, ratio)",
        ),
        Mistake(
            "cut at one before exp",
            after(lambda log: log.clamp(max=1).exp()),
            "the log is cut at 1: the ratio is cut at 1, its log at 0",
        ),
        Mistake(
            "absolute value",
            after(lambda log: (-log.abs()).exp()),
            "this refuses gains as if they were losses: where the ratio is above 1, the "
            "probability is 1",
        ),
        Mistake(
            "Barker",
            after(torch.sigmoid),
            "this is Barker's rule r/(1 + r), which is valid but accepts less: Metropolis is "
            "min(1, r)",
        ),
        Mistake(
            "one minus",
            after(lambda log: 1 - accepted(log)),
            "this is the probability to refuse: return that to accept",
        ),
        Mistake(
            "half",
            after(lambda log: accepted(log / 2)),
            "the log ratio is halved: detailed balance needs the whole of it",
        ),
        Mistake(
            "doubled",
            after(lambda log: accepted(2 * log)),
            "the log ratio is doubled: it counts once",
        ),
        Mistake(
            "greedy",
            after(lambda log: (log >= 0).to(log)),
            "this never accepts a loss: that is an optimiser, not a sampler",
        ),
        Mistake(
            "yes or no",
            after(lambda log: log > -0.5),
            "this is a decision: return the probability, the kernel draws the decision",
            draws_the_decision(both),
        ),
        Mistake(
            "smallest",
            after(lambda log: log.exp().min()),
            "torch.min(r) is the smallest entry of r: min(1, r) is r.clamp(max=1)",
        ),
        Mistake(
            "Python's min",
            after(lambda log: min(torch.ones_like(log), log.exp())),
            "Python's min and if compare single numbers: for a batch, take .clamp(max=1)",
            raises(RuntimeError, "Boolean value of Tensor", both),
        ),
        Mistake(
            "sum",
            after(lambda log: accepted(log).sum()),
            "you sum over the chains: each has a probability of its own",
        ),
        Mistake(
            "mean",
            after(lambda log: accepted(log).mean()),
            "you average over the chains: each has a probability of its own",
        ),
        Mistake(
            "one ratio for all",
            after(lambda log: accepted(log.sum())),
            "you add the logs of all chains: each accepts or refuses for itself",
        ),
        Mistake(
            "chains mixed",
            after(lambda log: torch.full_like(log, float(accepted(log).mean()))),
            "you mix the chains: each has a ratio of its own",
            mixes_the_batch(both),
        ),
    )


def given_away(log_ratio: Callable, below: tuple, both: tuple, large: tuple) -> tuple[Mistake, ...]:
    """Mistakes that are recognised by what they do.

    below: arguments whose ratios are all below 1; both: some are above; large: logs of size 1000.
    """

    def right(*args):
        return accepted(log_ratio(*args))

    return (
        Mistake(
            "no probability",
            lambda *args: log_ratio(*args).exp().clamp(max=2),
            "this is no probability: it must lie between 0 and 1",
            leaves_the_unit_interval(both),
        ),
        Mistake(
            "unstable",
            lambda *args: right(*args) + 0 * log_ratio(*args).exp(),
            UNSTABLE,
            right_only_for(right, below, large),
        ),
    )
