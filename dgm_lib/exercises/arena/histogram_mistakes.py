"""What goes wrong when shares of samples are compared with what is due."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from dgm_lib.exercises import Mistake
from dgm_lib.exercises.arena.histogram_cells import MISCOUNTED, jsd, of_shares


def _kl(p: Tensor, q: Tensor) -> Tensor:
    """KL(p ‖ q), large where q is 0 and p is not."""
    return torch.xlogy(p, p / q.clamp(min=1e-12)).sum()


def _naive(p, q):
    m = (p + q) / 2
    return 0.5 * (p * (p / m).log()).sum() + 0.5 * (q * (q / m).log()).sum()


def _where(kept: Callable) -> Callable:
    """JSD over some of the cells only."""
    return of_shares(lambda p, q: jsd(p[kept(p, q)], q[kept(p, q)]))


def _entropies(middle: float, each: float) -> Callable:
    """JSD by entropies, with a wrong factor."""
    h = torch.special.entr
    return of_shares(lambda p, q: (h(middle * (p + q)) - each * h(p) - each * h(q)).sum())


MISCOMPARED = (
    (
        "zeros",
        of_shares(_naive),
        "where a share is 0, 0 · log 0 is nan: such terms are 0 (torch.special.entr knows)",
    ),
    (
        "where both are",
        _where(lambda p, q: (p > 0) & (q > 0)),
        "cells where p or q is 0 are left out: one of the two has its term there, share · log 2",
    ),
    (
        "where samples are",
        _where(lambda p, q: q > 0),
        "cells without samples are left out: p has its term there, p · log 2",
    ),
    (
        "where mass is",
        _where(lambda p, q: p > 0),
        "cells without mass are left out: q has its term there, q · log 2",
    ),
    (
        "small number",
        of_shares(lambda p, q: jsd(p, (q + 0.01) / (q + 0.01).sum())),
        "something is added to the shares: JSD is finite without that",
    ),
    ("sum of halves", of_shares(lambda p, q: 2 * jsd(p, q)), "this is twice the JSD"),
    (
        "KL",
        of_shares(_kl),
        "this is KL(p ‖ q): compare each of them with their middle (p + q) / 2",
    ),
    (
        "reverse KL",
        of_shares(lambda p, q: _kl(q, p)),
        "this is KL(q ‖ p): compare each of them with their middle (p + q) / 2",
    ),
    (
        "to each other",
        of_shares(lambda p, q: (_kl(p, q) + _kl(q, p)) / 2),
        "p and q are compared with each other: compare each with their middle (p + q) / 2",
    ),
    (
        "one half",
        of_shares(lambda p, q: _kl(p, (p + q) / 2) / 2),
        "the half of q is missing: ½ KL(q ‖ m)",
    ),
    (
        "other half",
        of_shares(lambda p, q: _kl(q, (p + q) / 2) / 2),
        "the half of p is missing: ½ KL(p ‖ m)",
    ),
    (
        "p alone",
        of_shares(lambda p, q: _kl(p, (p + q) / 2)),
        "this is KL(p ‖ m) alone: average it with KL(q ‖ m)",
    ),
    (
        "q alone",
        of_shares(lambda p, q: _kl(q, (p + q) / 2)),
        "this is KL(q ‖ m) alone: average it with KL(p ‖ m)",
    ),
    (
        "middle not halved",
        of_shares(lambda p, q: (_kl(p, p + q) + _kl(q, p + q)) / 2),
        "your middle is p + q: it is half of that",
    ),
    (
        "entropy of the sum",
        _entropies(1.0, 0.5),
        "your middle is p + q: it is half of that",
    ),
    (
        "entropies not halved",
        _entropies(0.5, 1.0),
        "H(p) and H(q) count half each: H((p + q) / 2) − H(p) / 2 − H(q) / 2",
    ),
    (
        "total variation",
        of_shares(lambda p, q: (p - q).abs().sum() / 2),
        "this is the total variation ½ Σ |p − q|: the exercise asks for JSD",
    ),
    (
        "sum of distances",
        of_shares(lambda p, q: (p - q).abs().sum()),
        "this is Σ |p − q|: the exercise asks for JSD",
    ),
    (
        "squares",
        of_shares(lambda p, q: (p - q).square().sum()),
        "this is Σ (p − q)²: the exercise asks for JSD",
    ),
    (
        "Hellinger",
        of_shares(lambda p, q: (p.sqrt() - q.sqrt()).square().sum() / 2),
        "this is Hellinger's ½ Σ (√p − √q)²: the exercise asks for JSD",
    ),
    ("bits", of_shares(lambda p, q: jsd(p, q) / math.log(2)), "this is in bits: natural logs"),
    ("root", of_shares(lambda p, q: jsd(p, q).clamp(min=0).sqrt()), "this is √JSD"),
    (
        "mean over the cells",
        of_shares(lambda p, q: jsd(p, q) / len(p)),
        "this is averaged over the cells: sum over them",
    ),
    ("sign", of_shares(lambda p, q: -jsd(p, q)), "the sign is flipped: JSD is at least 0"),
)


def _number(function: Callable) -> Callable:
    """The function with a number for its result, which is compared in whatever precision."""
    return lambda x, edges, mass: float(function(x, edges, mass))


MISTAKES = tuple(
    Mistake(name, _number(function), hint) for name, function, hint in (*MISCOUNTED, *MISCOMPARED)
)
