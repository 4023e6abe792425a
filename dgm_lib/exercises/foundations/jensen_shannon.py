"""The Jensen–Shannon divergence on a grid."""

import math

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Fail, Mistake


def jsd(log_p: Tensor, log_q: Tensor, cell: float) -> Tensor:
    """Log densities at the points of a grid (n,) and the volume of a cell -> JSD in nats ()."""
    log_m = torch.logaddexp(log_p, log_q) - math.log(2)

    def kl_to_m(log_r):
        possible = log_r > -torch.inf
        terms = log_r[possible].exp() * (log_r[possible] - log_m[possible])
        return terms.sum() * cell

    return 0.5 * (kl_to_m(log_p) + kl_to_m(log_q))


def _jsd_cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(n, cell, zeros_p=(), zeros_q=()):
        logits = 1.5 * torch.randn(2, n, generator=generator, dtype=torch.float64)
        logits[0, list(zeros_p)] = -torch.inf
        logits[1, list(zeros_q)] = -torch.inf
        log_p, log_q = (logits.log_softmax(-1) - math.log(cell)).to(dtype)
        return log_p, log_q, cell

    return [
        case(4, 0.3),
        case(12, 0.1),
        case(30, 2.0),
        case(5, 0.3, zeros_p=(1,), zeros_q=(3, 4)),
        case(9, 0.7, zeros_p=(0, 1, 2, 3), zeros_q=(4, 5, 6, 7, 8)),
    ]


def _both_zero(fn, generator):
    """points where both laws are zero"""
    log_p = torch.tensor([math.log(0.8), math.log(0.2), -torch.inf])
    log_q = torch.tensor([math.log(0.3), math.log(0.7), -torch.inf])
    value = fn(log_p, log_q, 1.0)
    if not math.isclose(float(value), float(jsd(log_p, log_q, 1.0)), rel_tol=1e-3):
        raise Fail("where p and q are both zero (log = -inf) the point must contribute nothing")


def _kl(a, b, cell):
    return (a.exp() * (a - b)).nan_to_num(0.0, posinf=1e4, neginf=-1e4).sum() * cell


def _log_m(a, b):
    return torch.logaddexp(a, b) - math.log(2)


def _naive(a, b, c):
    m = _log_m(a, b)
    return 0.5 * ((a.exp() * (a - m)).sum() + (b.exp() * (b - m)).sum()) * c


def _geometric(a, b, c):
    m = (a + b) / 2
    return 0.5 * (_kl(a, m, c) + _kl(b, m, c))


def _half_missing_in_m(a, b, c):
    m = torch.logaddexp(a, b)
    return 0.5 * (_kl(a, m, c) + _kl(b, m, c))


def _doubled_m(a, b, c):
    m = torch.logaddexp(a, b) + math.log(2)
    return 0.5 * (_kl(a, m, c) + _kl(b, m, c))


def _from_m(a, b, c):
    m = _log_m(a, b)
    return 0.5 * (_kl(m, a, c) + _kl(m, b, c))


def _first_half(a, b, c):
    return 0.5 * _kl(a, _log_m(a, b), c)


def _only_p(a, b, c):
    return _kl(a, _log_m(a, b), c)


def _both_possible(a, b, c):
    keep = (a > -torch.inf) & (b > -torch.inf)
    return jsd(a[keep], b[keep], c)


def _entropies(a, b, c):
    p, q = a.exp(), b.exp()
    h = torch.special.entr
    return (h((p + q) / 2) - h(p) / 2 - h(q) / 2).sum() * c


def _xlogy(a, b, c):
    p, q = a.exp(), b.exp()
    m = ((p + q) / 2).clamp_min(1e-300 if p.dtype == torch.float64 else 1e-38)
    return 0.5 * c * (torch.xlogy(p, p / m) + torch.xlogy(q, q / m)).sum()


def _where(a, b, c):
    log_m = torch.logsumexp(torch.stack([a, b]), dim=0) - math.log(2)

    def half(r):
        safe = torch.where(r.isinf(), log_m, r)
        return torch.where(r.isinf(), 0.0, r.exp() * (safe - log_m)).sum()

    return (half(a) + half(b)) * c / 2


Exercise(
    jsd,
    title="JSD on a grid",
    minutes=8,
    difficulty=2,
    returns="(), one number",
    cases=_jsd_cases,
    properties=[_both_zero],
    mistakes=[
        Mistake(
            "zeros",
            _naive,
            "where p is zero, p·log p is 0·(−∞) = nan: such points must contribute 0",
        ),
        Mistake(
            "sum of halves",
            lambda *a: 2 * jsd(*a),
            "this is twice the JSD: each of the two KL terms has a factor 1/2",
        ),
        Mistake(
            "to each other",
            lambda a, b, c: 0.5 * (_kl(a, b, c) + _kl(b, a, c)),
            "you compare p and q with each other; compare each with their average m",
        ),
        Mistake(
            "average of logs",
            _geometric,
            "you average the logs; m is the average of the densities, log m = log((p + q)/2)",
        ),
        Mistake(
            "m not halved",
            _half_missing_in_m,
            "your m is p + q; it must be their average: subtract log 2 from its log",
        ),
        Mistake(
            "log 2 added",
            _doubled_m,
            "the sign of log 2 is wrong: log of the average is log of the sum minus log 2",
        ),
        Mistake(
            "zeros as ones",
            lambda a, b, c: jsd(*(v.where(v > -torch.inf, 0.0) for v in (a, b)), c),
            "a log of −inf is replaced by 0, which is a density of 1; its density is 0",
        ),
        Mistake("from m", _from_m, "these are KL(m‖p) and KL(m‖q): the average over m is wrong"),
        Mistake("one half", _first_half, "the second half, ½ KL(q‖m), is missing"),
        Mistake("only p", _only_p, "this is KL(p‖m) alone: average it with KL(q‖m)"),
        Mistake("no cell", lambda a, b, c: jsd(a, b, 1.0), "the volume of a cell is missing"),
        Mistake(
            "mean",
            lambda a, b, c: jsd(a, b, 1.0) / len(a),
            "you average over the grid; the integral is the sum times the volume of a cell",
        ),
        Mistake(
            "divided by cell",
            lambda a, b, c: jsd(a, b, 1.0) / c,
            "you divide by the volume of a cell: multiply",
        ),
        Mistake("bits", lambda *a: jsd(*a) / math.log(2), "this is in bits: use natural logs"),
        Mistake(
            "only where both are possible",
            _both_possible,
            "you drop points where only one law is zero; the other still contributes log 2 there",
        ),
        Mistake("root", lambda *a: jsd(*a).sqrt(), "this is √JSD; the exercise asks for JSD"),
        Mistake("sign", lambda *a: -jsd(*a), "the sign is flipped"),
        Mistake(
            "log weights",
            lambda a, b, c: 0.5
            * (a * (a - _log_m(a, b)) + b * (b - _log_m(a, b))).nan_to_num(0, 0, 0).sum()
            * c,
            "you weight by log p; weight by p = exp(log p)",
        ),
    ],
    accepts=[_entropies, _xlogy, _where],
    hints=(
        "Start with m: log((p + q)/2) = torch.logaddexp(log_p, log_q) − log 2.",
        "KL(p‖m) on a grid is (p · (log p − log m)).sum() · cell, with p = log_p.exp().",
        "Keep only the points with log_p > -inf: a mask like log_p[log_p > -torch.inf].",
    ),
)
