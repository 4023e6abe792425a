"""Ratios of the wrong laws, or at the wrong points."""

from itertools import pairwise

import torch

from dgm_lib.exercises import Mistake
from dgm_lib.exercises.energy_models.ais_mistakes.pieces import right, steps


def _with_points(points):
    """The terms at other points."""
    return lambda log_prob_at, xs, betas: right(log_prob_at, points(xs), betas)


def _after_the_move(log_prob_at, xs, betas):
    return right(log_prob_at, torch.cat([xs[1:], xs[-1:]]), betas)


def _after_the_move_without_the_last(log_prob_at, xs, betas):
    return sum(
        (
            log_prob_at(betas[k])(xs[k]) - log_prob_at(betas[k - 1])(xs[k])
            for k in range(1, len(xs))
        ),
        torch.zeros_like(xs[0, ..., 0]),
    )


def _telescoped(log_prob_at, xs, betas):
    return log_prob_at(betas[-1])(xs[-1]) - log_prob_at(betas[0])(xs[0])


def _last_ratio_of_the_ends(log_prob_at, xs, betas):
    return log_prob_at(betas[-1])(xs[-1]) - log_prob_at(betas[0])(xs[-1])


def _importance(log_prob_at, xs, betas):
    return log_prob_at(betas[-1])(xs[0]) - log_prob_at(betas[0])(xs[0])


def _ends_at_every_point(log_prob_at, xs, betas):
    return sum(log_prob_at(betas[-1])(x) - log_prob_at(betas[0])(x) for x in xs)


def _geometric(log_prob_at, xs, betas):
    """Right for the geometric path between 0 and 1 alone."""
    return sum(
        (b - a) * (log_prob_at(1.0)(x) - log_prob_at(0.0)(x))
        for x, (a, b) in zip(xs, pairwise(betas))
    )


def _tempered(log_prob_at, xs, betas):
    return sum((b - a) * log_prob_at(betas[-1])(x) for x, (a, b) in zip(xs, pairwise(betas)))


def _weighted_by_steps(log_prob_at, xs, betas):
    return torch.tensordot(betas.diff(), steps(log_prob_at, xs, betas), dims=1)


def _even_betas(log_prob_at, xs, betas):
    return right(log_prob_at, xs, torch.linspace(0, 1, len(betas)).to(betas))


def _sorted(log_prob_at, xs, betas):
    return right(log_prob_at, xs, betas.sort().values)


def _two_apart(log_prob_at, xs, betas):
    return sum(
        (log_prob_at(b)(x) - log_prob_at(a)(x) for x, a, b in zip(xs, betas, betas[2:])),
        torch.zeros_like(xs[0, ..., 0]),
    )


def _same_beta(log_prob_at, xs, betas):
    return sum(log_prob_at(b)(x) - log_prob_at(b)(y) for x, y, b in zip(xs[1:], xs, betas[1:])) + (
        0 * xs[0, ..., 0]
    )


def _after_only(log_prob_at, xs, betas):
    return sum(log_prob_at(b)(x) for x, b in zip(xs, betas[1:]))


def _before_only(log_prob_at, xs, betas):
    return -sum(log_prob_at(b)(x) for x, b in zip(xs, betas))


def _sum_at_its_own(log_prob_at, xs, betas):
    return sum(log_prob_at(b)(x) for x, b in zip(xs, betas))


def _all_one_too_early(log_prob_at, xs, betas):
    return sum(
        log_prob_at(betas[k])(xs[k - 1]) - log_prob_at(betas[k - 1])(xs[k - 1])
        for k in range(len(xs))
    )


def _from_the_first(log_prob_at, xs, betas):
    return sum(log_prob_at(b)(x) - log_prob_at(betas[0])(x) for x, b in zip(xs, betas[1:]))


def _to_the_last(log_prob_at, xs, betas):
    return sum(log_prob_at(betas[-1])(x) - log_prob_at(b)(x) for x, b in zip(xs, betas))


def _beta_again(log_prob_at, xs, betas):
    return sum(
        b * log_prob_at(b)(x) - a * log_prob_at(a)(x) for x, (a, b) in zip(xs, pairwise(betas))
    )


def _k_for_beta(log_prob_at, xs, betas):
    return sum(log_prob_at(k + 1)(x) - log_prob_at(k)(x) for k, x in enumerate(xs))


MISTAKES = (
    Mistake(
        "after the move",
        _after_the_move,
        "the ratio is taken after the move at the new beta: it belongs to the point before it, "
        "xs[k] for betas[k] → betas[k + 1]",
    ),
    Mistake(
        "after the move, first point left out",
        _after_the_move_without_the_last,
        "xs[k] stands with betas[k − 1] → betas[k]: it is where the chain is before the move at "
        "betas[k + 1], so it goes with betas[k] → betas[k + 1]",
    ),
    Mistake(
        "telescoped",
        _telescoped,
        "only the two ends are left, at two points: both log densities of a ratio belong at the "
        "same point xs[k], so the sum does not telescope",
    ),
    Mistake(
        "ends at the last point",
        _last_ratio_of_the_ends,
        "this is last law over first at the last point: every step has a ratio of its own",
    ),
    Mistake(
        "importance sampling",
        _importance,
        "this is plain importance sampling, from the first law to the last at xs[0]: each step "
        "has its own ratio, at its own point xs[k]",
    ),
    Mistake(
        "ends at every point",
        _ends_at_every_point,
        "each term goes from the first law to the last: at xs[k] only from betas[k] to "
        "betas[k + 1]",
    ),
    Mistake(
        "same beta",
        _same_beta,
        "you compare two points under one law: the ratio is of two laws at one point",
    ),
    Mistake(
        "new laws only",
        _after_only,
        "log p at the old beta is missing: each ratio is log p_{k+1} − log p_k",
    ),
    Mistake(
        "old laws only",
        _before_only,
        "log p at the new beta is missing: each ratio is log p_{k+1} − log p_k",
    ),
    Mistake(
        "each under its own law",
        _sum_at_its_own,
        "this is Σ log p_k(x_k): each term is a ratio, log p_{k+1} − log p_k at xs[k]",
    ),
    Mistake(
        "weighted by the step in beta",
        _weighted_by_steps,
        "the ratios are multiplied by betas[k + 1] − betas[k]: log_prob_at knows beta already",
    ),
    Mistake(
        "powers of the last law",
        _tempered,
        "this is (betas[k + 1] − betas[k])·log p of the last law: the laws on the way are those of "
        "log_prob_at, whatever they are",
    ),
    Mistake(
        "geometric path",
        _geometric,
        "(betas[k + 1] − betas[k])·(log p_1 − log p_0) is right for geometric paths only: ask "
        "log_prob_at at the two betas",
    ),
    Mistake(
        "even betas",
        _even_betas,
        "the betas are taken for evenly spaced from 0 to 1: use those that are given",
    ),
    Mistake(
        "sorted betas",
        _sorted,
        "the betas are sorted: they may also go down, as when the way is gone back",
    ),
    Mistake(
        "two apart",
        _two_apart,
        "each ratio spans two steps of beta: the next one after betas[k] is betas[k + 1]",
    ),
    Mistake(
        "points backwards",
        _with_points(lambda xs: xs.flip(0)),
        "the points run backwards: xs[k] goes with betas[k] → betas[k + 1]",
    ),
    Mistake(
        "one point too early",
        _with_points(lambda xs: xs.roll(1, 0)),
        "each ratio is taken one point too early, and xs[−1] is the last: xs[k] goes with betas[k] "
        "→ betas[k + 1]",
    ),
    Mistake(
        "all counted from one",
        _all_one_too_early,
        "for k = 0, betas[k − 1] and xs[k − 1] are the last ones: let k run from 1 to K",
    ),
    Mistake(
        "from the first law",
        _from_the_first,
        "each ratio goes back to the first law: the old law is that of betas[k]",
    ),
    Mistake(
        "to the last law",
        _to_the_last,
        "each ratio goes up to the last law: the new law is that of betas[k + 1]",
    ),
    Mistake(
        "beta comes in again",
        _beta_again,
        "log p is multiplied by beta: log_prob_at(beta) is the law at beta already",
    ),
    Mistake(
        "k for beta",
        _k_for_beta,
        "log_prob_at is given the number k: it takes betas[k]",
    ),
)
