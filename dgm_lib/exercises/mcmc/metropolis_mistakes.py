"""Wrong acceptance probabilities."""

import torch

from dgm_lib.exercises import Mistake
from dgm_lib.exercises.mcmc.acceptance import UNSTABLE, accepted, after_the_ratio, given_away
from dgm_lib.exercises.mcmc.tells import ignores, of_each_chain, same, vector

BELOW = (
    vector(-1.0, 0.4, 2.0),
    vector(-1.4, 0.3, 1.9),
    vector(-0.8, 0.5, -0.9),
    vector(-1, 0, -1.2),
)
BOTH = (
    vector(-1.0, 0.4, 2.0, 0.3, -0.8),
    vector(-0.2, -1.0, 2.3, 0.9, -1.0),
    vector(-0.8, 0.5, 0.1, -0.2, -1.0),
    vector(-1.0, 0.3, 1.0, -1.3, 0.2),
)
LARGE = (vector(1000, -900), vector(990, -901), vector(-3, -2), vector(-2.5, -1.5))
NOWHERE = (vector(-1.0), vector(-torch.inf), vector(-0.5), vector(-0.75))


def _log_ratio(old, new, there, back):
    return new + back - old - there


def _right(*logs):
    return accepted(_log_ratio(*logs))


def _of(ratio):
    """The right thing done with a wrong log ratio."""
    return lambda *logs: accepted(ratio(*logs))


def _ratio_of_densities(old, new, there, back):
    return ((new.exp() * back.exp()) / (old.exp() * there.exp())).clamp(max=1)


def _small_number(old, new, there, back):
    return (new.exp() * back.exp() / (old.exp() * there.exp() + 1e-6)).clamp(max=1)


def _nan_is(number):
    return lambda *logs: torch.nan_to_num(_ratio_of_densities(*logs), nan=number)


def _looks_at_p_only(old, new, there, back):
    return torch.where(new > old, torch.ones_like(new), _log_ratio(old, new, there, back).exp())


# ------------------------------------------------------------------------ what gives it away


def _is_not_balanced(fn, generator):
    """Whether the flows there and back differ, for moves in both directions."""
    old, new, there, back = BOTH
    flow = of_each_chain(fn, BOTH) * (old + there).exp()
    return not same(flow, of_each_chain(fn, (new, old, back, there)) * (new + back).exp())


def _is_smaller(fn, generator):
    return bool((of_each_chain(fn, BOTH) < _right(*BOTH) - 1e-9).any())


def _counts_the_normaliser(fn, generator):
    """Whether a constant that log_p and log_p_new share makes a difference."""
    old, new, there, back = BOTH
    shifted = of_each_chain(fn, (old + 0.6, new + 0.6, there, back))
    return not same(shifted, of_each_chain(fn, BOTH))


def _fails_where_p_is_zero(fn, generator):
    right = same(of_each_chain(fn, BOTH), _right(*BOTH))
    return right and not same(of_each_chain(fn, NOWHERE), _right(*NOWHERE), atol=1e-12)


MISTAKES = (
    *after_the_ratio(_log_ratio, BOTH),
    Mistake(
        "upside down",
        _of(lambda old, new, there, back: old + there - new - back),
        "the ratio is upside down: the new point belongs in the numerator",
    ),
    Mistake(
        "proposals swapped",
        _of(lambda old, new, there, back: new + there - old - back),
        "the proposals are swapped: q(x|x'), the way back, belongs in the numerator",
    ),
    Mistake(
        "densities swapped",
        _of(lambda old, new, there, back: old + back - new - there),
        "p(x) and p(x') are swapped: the new point belongs in the numerator",
    ),
    Mistake(
        "no proposals",
        _of(lambda old, new, there, back: new - old),
        "the proposals are missing: p(x')/p(x) is enough for symmetric ones only",
    ),
    Mistake(
        "no target",
        _of(lambda old, new, there, back: back - there),
        "the target is missing: p(x')/p(x) belongs into the ratio",
    ),
    Mistake(
        "no way back",
        _of(lambda old, new, there, back: new - old - there),
        "log_q_backward is missing: the ratio is p(x') q(x|x') / (p(x) q(x'|x))",
    ),
    Mistake(
        "no way there",
        _of(lambda old, new, there, back: new - old + back),
        "log_q_forward is missing: the ratio is p(x') q(x|x') / (p(x) q(x'|x))",
    ),
    Mistake(
        "both subtracted",
        _of(lambda old, new, there, back: new - old - there - back),
        "both proposals are in the denominator: q(x|x'), the way back, belongs in the numerator",
    ),
    Mistake(
        "both added",
        _of(lambda old, new, there, back: new - old + there + back),
        "both proposals are in the numerator: log_q_forward must be subtracted (are brackets "
        "missing?)",
    ),
    Mistake(
        "numerator only",
        _of(lambda old, new, there, back: new + back),
        "this is the numerator alone: divide by p(x) q(x'|x)",
    ),
    Mistake(
        "current point missing",
        _of(lambda old, new, there, back: new + back - there),
        "log_p is missing: what counts is p(x') relative to p(x)",
    ),
    Mistake(
        "two minima",
        lambda old, new, there, back: accepted(new - old) * accepted(back - there),
        "one minimum around the whole ratio, not one for p and one for q",
    ),
    Mistake(
        "proposals after the minimum",
        lambda old, new, there, back: accepted(new - old) * (back - there).exp(),
        "the proposals belong inside the minimum: min(1, whole ratio)",
    ),
    Mistake(
        "only p decides",
        _looks_at_p_only,
        "you accept whenever p grows: the proposals belong into that comparison too",
    ),
    Mistake(
        "logs not undone",
        lambda old, new, there, back: (new * back / (old * there)).clamp(max=1),
        "you multiply and divide logarithms: add and subtract them, then take exp",
    ),
    Mistake(
        "p is no log",
        lambda old, new, there, back: (new / old * (back - there).exp()).clamp(max=1),
        "log_p is a logarithm: p(x')/p(x) is exp(log_p_new − log_p)",
    ),
    Mistake(
        "exp of the proposals",
        _of(lambda old, new, there, back: new - old + back.exp() - there.exp()),
        "the proposals are in logs already: no exp before they are added",
    ),
    Mistake(
        "ratio of densities",
        _ratio_of_densities,
        UNSTABLE,
    ),
    Mistake(
        "small number",
        _small_number,
        "a small number in the denominator changes the result: stay in logs instead",
    ),
    Mistake("NaN is one", _nan_is(1.0), "NaN is only hidden: " + UNSTABLE),
    Mistake("NaN is zero", _nan_is(0.0), "NaN is only hidden: " + UNSTABLE),
    # The rest is recognised by what it does.
    Mistake(
        "cut logs",
        lambda old, *logs: _right(old, *(log.clamp(min=-700) for log in logs)) + 1e-3,
        "where p(x') = 0, log_p_new is −inf and the probability 0, without any special case",
        _fails_where_p_is_zero,
    ),
    Mistake(
        "log_p unused",
        lambda old, new, there, back: new.sigmoid() * back.exp() / there.exp(),
        "log_p is not used: what counts is p(x') relative to p(x)",
        ignores(0, BOTH),
    ),
    Mistake(
        "log_p_new unused",
        lambda old, new, there, back: old.sigmoid() * back.exp() / there.exp(),
        "log_p_new is not used: what counts is p(x') relative to p(x)",
        ignores(1, BOTH),
    ),
    Mistake(
        "log_q_forward unused",
        lambda old, new, there, back: (new - old + back).sigmoid(),
        "log_q_forward is not used: proposals that often go to x' must be accepted less often",
        ignores(2, BOTH),
    ),
    Mistake(
        "log_q_backward unused",
        lambda old, new, there, back: (new - old - there).sigmoid(),
        "log_q_backward is not used: the way back belongs in the numerator",
        ignores(3, BOTH),
    ),
    *given_away(_log_ratio, BELOW, BOTH, LARGE),
    Mistake(
        "normaliser",
        lambda old, new, there, back: accepted(new - 2 * old + back - there),
        "the normaliser of p must cancel: log_p and log_p_new enter by their difference only",
        _counts_the_normaliser,
    ),
    Mistake(
        "unbalanced",
        lambda *logs: _log_ratio(*logs).sigmoid() ** 2,
        "with this rule p is not left alone: p(x) q(x'|x) a(x → x') must equal "
        "p(x') q(x|x') a(x' → x)",
        _is_not_balanced,
    ),
    Mistake(
        "smaller",
        lambda *args: 0.9 * _right(*args),
        "this is balanced, but accepts less often than it could: the probability is min(1, ratio)",
        _is_smaller,
    ),
)
