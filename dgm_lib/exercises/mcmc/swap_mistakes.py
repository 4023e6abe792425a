"""Wrong probabilities of a swap."""

import torch

from dgm_lib.exercises import Mistake
from dgm_lib.exercises.mcmc.acceptance import UNSTABLE, accepted, after_the_ratio, given_away
from dgm_lib.exercises.mcmc.tells import ignores, of_each_chain, same, vector

BELOW = (vector(-1.0, 0.4, -0.7), vector(-1.4, 0.1, -1.5), 0.75, 0.25)
BOTH = (vector(-1.0, 0.4, 2.0, -0.3), vector(-0.2, -1.0, 2.3, -0.9), 0.75, 0.25)
LARGE = (vector(1000, -900), vector(990, -901), 0.75, 0.25)
NOWHERE = (vector(-1.0), vector(-torch.inf), 0.75, 0.25)


def _log_ratio(log_i, log_j, i, j):
    return (i - j) * (log_j - log_i)


def _right(*args):
    return accepted(_log_ratio(*args))


def _with_betas(weight):
    """Some other weight of log_p_j − log_p_i."""
    return lambda log_i, log_j, i, j: accepted(weight(i, j) * (log_j - log_i))


def _of(ratio):
    """The right thing done with a wrong log ratio."""
    return lambda *args: accepted(ratio(*args))


def _expanded(log_i, log_j, i, j):
    return accepted(i * log_j + j * log_i - i * log_i - j * log_j)


def _densities(log_i, log_j, i, j):
    p_i, p_j = log_i.exp(), log_j.exp()
    return (p_j**i * p_i**j / (p_i**i * p_j**j)).clamp(max=1)


# ------------------------------------------------------------------------ what gives it away


def _is_nan_where_p_is_zero(fn, generator):
    return bool(of_each_chain(fn, NOWHERE).isnan().any())


def _fails_where_p_is_zero(fn, generator):
    right = same(of_each_chain(fn, BOTH), _right(*BOTH))
    return right and not same(of_each_chain(fn, NOWHERE), _right(*NOWHERE), atol=1e-12)


def _cares_who_is_called_i(fn, generator):
    """Whether the same pair, named the other way round, swaps with another probability."""
    log_i, log_j, i, j = BOTH
    return not same(of_each_chain(fn, (log_j, log_i, j, i)), of_each_chain(fn, BOTH))


def _hesitates_at_equal_betas(fn, generator):
    """Whether chains at the same temperature do not always swap."""
    out = of_each_chain(fn, (*BOTH[:2], 0.5, 0.5))
    return not same(out, torch.ones_like(out))


def _counts_the_normaliser(fn, generator):
    """Whether a constant that both logs share makes a difference."""
    log_i, log_j, i, j = BOTH
    shifted = of_each_chain(fn, (log_i + 0.6, log_j + 0.6, i, j))
    return not same(shifted, of_each_chain(fn, BOTH))


def _is_not_balanced(fn, generator):
    """Whether the flows of swapping and of swapping back differ."""
    log_i, log_j, i, j = BOTH
    flow = of_each_chain(fn, BOTH) * (i * log_i + j * log_j).exp()
    back = of_each_chain(fn, (log_j, log_i, i, j)) * (i * log_j + j * log_i).exp()
    return not same(flow, back)


def _is_smaller(fn, generator):
    return bool((of_each_chain(fn, BOTH) < _right(*BOTH) - 1e-9).any())


MISTAKES = (
    *after_the_ratio(_log_ratio, BOTH),
    Mistake(
        "sign",
        _of(lambda log_i, log_j, i, j: (i - j) * (log_i - log_j)),
        "the sign is flipped: the colder chain should welcome the better point, "
        "(beta_i − beta_j)(log_p_j − log_p_i)",
    ),
    Mistake(
        "no betas",
        _with_betas(lambda i, j: 1),
        "the betas are missing: each chain samples p to the power of its beta",
    ),
    Mistake(
        "temperatures the other way round",
        _with_betas(lambda i, j: 1 / j - 1 / i),
        "betas are inverse temperatures already: p^beta, so use beta itself, not 1/beta",
    ),
    Mistake(
        "temperatures",
        _with_betas(lambda i, j: 1 / i - 1 / j),
        "betas are inverse temperatures: p^beta, so use beta itself, not 1/beta",
    ),
    Mistake(
        "beta_i alone",
        _with_betas(lambda i, j: i),
        "this is chain i alone, moving to x_j: chain j moves to x_i at the same time",
    ),
    Mistake(
        "beta_j alone",
        _with_betas(lambda i, j: j),
        "this weighs with beta_j alone: two chains move at the same time",
    ),
    Mistake(
        "minus beta_j alone",
        _with_betas(lambda i, j: -j),
        "this is chain j alone, moving to x_i: chain i moves to x_j at the same time",
    ),
    Mistake(
        "sum of the betas",
        _with_betas(lambda i, j: i + j),
        "the betas are added: what one chain gains the other loses, so their difference counts",
    ),
    Mistake(
        "product of the betas",
        _with_betas(lambda i, j: i * j),
        "the betas are multiplied: their difference counts",
    ),
    Mistake(
        "ratio of the betas",
        _with_betas(lambda i, j: i / j),
        "the betas are divided by one another: their difference counts",
    ),
    Mistake(
        "absolute difference",
        _with_betas(lambda i, j: abs(i - j)),
        "the difference of the betas keeps its sign: i may be the hotter chain",
    ),
    Mistake(
        "mean of the betas",
        _with_betas(lambda i, j: (i + j) / 2),
        "this is the mean of the betas: their difference counts",
    ),
    Mistake(
        "tempered already",
        _of(lambda log_i, log_j, i, j: i * log_i - j * log_j),
        "this compares the two chains where they stand: compare the pair after the swap with the "
        "pair before it",
    ),
    Mistake(
        "tempered the other way",
        _of(lambda log_i, log_j, i, j: j * log_j - i * log_i),
        "this compares the two chains where they stand: compare the pair after the swap with the "
        "pair before it",
    ),
    Mistake(
        "betas crossed once",
        _of(lambda log_i, log_j, i, j: i * log_j - j * log_i),
        "after the swap x_j stands at beta_i and x_i at beta_j, and both count in the numerator: "
        "i·log_p_j + j·log_p_i",
    ),
    Mistake(
        "numerator only",
        _of(lambda log_i, log_j, i, j: i * log_j + j * log_i),
        "this is the pair after the swap alone: divide by the pair before it",
    ),
    Mistake(
        "divided by beta",
        _of(lambda log_i, log_j, i, j: (i - j) * (log_j / j - log_i / i)),
        "log_p is not tempered: do not divide it by its beta",
    ),
    Mistake(
        "two minima",
        lambda log_i, log_j, i, j: accepted(i * (log_j - log_i)) * accepted(j * (log_i - log_j)),
        "one minimum around the whole ratio, not one for each chain",
    ),
    Mistake(
        "p is no log",
        lambda log_i, log_j, i, j: accepted((i - j) * (log_j.exp() - log_i.exp())),
        "log_p is a logarithm already: its difference counts, without exp",
    ),
    Mistake(
        "quotient of the logs",
        lambda log_i, log_j, i, j: ((log_j / log_i) ** (i - j)).clamp(max=1),
        "you divide logarithms: p(x_j)/p(x_i) is exp(log_p_j − log_p_i)",
    ),
    Mistake(
        "betas outside exp",
        lambda log_i, log_j, i, j: ((i - j) * (log_j - log_i).exp()).clamp(0, 1),
        "the betas are exponents of p: in logs they multiply log_p, inside exp",
    ),
    Mistake(
        "densities",
        _densities,
        UNSTABLE,
    ),
    Mistake(
        "not factorised",
        _expanded,
        "where p = 0 your terms are −inf + inf, NaN: collect them first, "
        "(beta_i − beta_j)(log_p_j − log_p_i)",
        _is_nan_where_p_is_zero,
    ),
    Mistake(
        "cut logs",
        lambda *args: accepted(_log_ratio(*args).clamp(min=-10)),
        "where p = 0 at one of the points its log is −inf: leave that alone, the probability is "
        "then 0 or 1 by itself",
        _fails_where_p_is_zero,
    ),
    # The rest is recognised by what it does.
    Mistake(
        "log_p_i unused",
        lambda log_i, log_j, i, j: (i * log_j).sigmoid(),
        "log_p_i is not used: what counts is p(x_j) relative to p(x_i)",
        ignores(0, BOTH),
    ),
    Mistake(
        "log_p_j unused",
        lambda log_i, log_j, i, j: (j * log_i).sigmoid(),
        "log_p_j is not used: what counts is p(x_j) relative to p(x_i)",
        ignores(1, BOTH),
    ),
    Mistake(
        "beta_i unused",
        lambda log_i, log_j, i, j: (j * (log_i - log_j)).sigmoid(),
        "beta_i is not used: chain i samples p^beta_i",
        ignores(2, BOTH),
    ),
    Mistake(
        "beta_j unused",
        lambda log_i, log_j, i, j: (i * (log_j - log_i)).sigmoid(),
        "beta_j is not used: chain j samples p^beta_j",
        ignores(3, BOTH),
    ),
    *given_away(_log_ratio, BELOW, BOTH, LARGE),
    Mistake(
        "normaliser",
        lambda log_i, log_j, i, j: accepted(i * log_j - i * log_i - j * log_j),
        "the normaliser of p must cancel: log_p_i and log_p_j enter by their difference only",
        _counts_the_normaliser,
    ),
    Mistake(
        "equal betas",
        _with_betas(lambda i, j: i - j / 2),
        "two chains with the same beta always swap: beta_i − beta_j must be a factor",
        _hesitates_at_equal_betas,
    ),
    Mistake(
        "named the other way round",
        _with_betas(lambda i, j: (i - j) * i),
        "the same pair, named the other way round, must swap with the same probability",
        _cares_who_is_called_i,
    ),
    Mistake(
        "unbalanced",
        _with_betas(lambda i, j: (i - j) * 3),
        "with this rule the pair leaves its law: what flows by swapping must flow back, so the "
        "log ratio is (beta_i − beta_j)(log_p_j − log_p_i)",
        _is_not_balanced,
    ),
    Mistake(
        "smaller",
        lambda *args: 0.9 * _right(*args),
        "this is balanced, but accepts less often than it could: the probability is min(1, ratio)",
        _is_smaller,
    ),
)
