"""The unbiased estimate of the squared maximum mean discrepancy."""

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Mistake


def mmd2(x: Tensor, y: Tensor, bandwidth: float) -> Tensor:
    """Samples x (n, d), y (m, d), bandwidth h -> unbiased estimate of MMD² ()."""

    def kernel(a, b):
        squared = ((a[:, None, :] - b[None, :, :]) ** 2).sum(dim=-1)
        return torch.exp(-squared / (2 * bandwidth**2))

    n, m = len(x), len(y)
    within_x = (kernel(x, x).sum() - n) / (n * (n - 1))  # k(a, a) = 1: leave out the diagonal
    within_y = (kernel(y, y).sum() - m) / (m * (m - 1))
    return within_x + within_y - 2 * kernel(x, y).mean()


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(n, m, d, bandwidth):
        x = torch.randn(n, d, generator=generator, dtype=torch.float64)
        y = 0.5 + 1.3 * torch.randn(m, d, generator=generator, dtype=torch.float64)
        return x.to(dtype), y.to(dtype), bandwidth

    return [case(2, 3, 1, 1.7), case(5, 4, 2, 0.8), case(4, 4, 3, 2.0), case(30, 20, 2, 0.6)]


def _gram(a, b, h):
    return torch.exp(-((a[:, None] - b[None]) ** 2).sum(-1) / (2 * h**2))


def _sum_off(k):
    return k.sum() - k.diagonal().sum()


def _u(k):
    """The mean off the diagonal."""
    return _sum_off(k) / (len(k) * (len(k) - 1))


def _with(gram):
    """The right three means of a wrong kernel."""

    def wrong(x, y, h):
        return _u(gram(x, x, h)) + _u(gram(y, y, h)) - 2 * gram(x, y, h).mean()

    return wrong


def _from_means(combine):
    """A wrong combination of the right kernel matrices."""
    return lambda x, y, h: combine(_gram(x, x, h), _gram(y, y, h), _gram(x, y, h))


def _squared_distances(a, b):
    return ((a[:, None] - b[None]) ** 2).sum(-1)


def _cdist(x, y, h):
    def k(a, b):
        distance = torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")
        return torch.exp(-(distance**2) / (2 * h**2))

    off_x, off_y = (~torch.eye(len(v), dtype=torch.bool) for v in (x, y))
    return k(x, x)[off_x].mean() + k(y, y)[off_y].mean() - 2 * k(x, y).mean()


def _pairs(x, y, h):
    def k(a, b):
        return torch.exp(-((a - b) ** 2).sum() / (2 * h**2))

    def within(v):
        pairs = [k(v[i], v[j]) for i in range(len(v)) for j in range(i)]
        return sum(pairs) / len(pairs)

    cross = [k(a, b) for a in x for b in y]
    return within(x) + within(y) - 2 * sum(cross) / len(cross)


def _pdist(x, y, h):
    def k(squared):
        return torch.exp(-squared / (2 * h**2))

    within_x, within_y = (k(torch.pdist(v) ** 2).mean() for v in (x, y))
    return within_x + within_y - 2 * k(_squared_distances(x, y)).mean()


def _drops_cross_diagonal(fn, generator):
    """Only samples of equal size can show it."""
    x, y = torch.randn(2, 4, 2, generator=generator, dtype=torch.float64)
    wrong = _u(_gram(x, x, 1.0)) + _u(_gram(y, y, 1.0)) - 2 * _u(_gram(x, y, 1.0))
    return bool(torch.isclose(fn(x, y, 1.0), wrong))


def _is_clamped(fn, generator):
    """Right where positive and zero elsewhere: with equal laws, about half are negative."""
    pairs = torch.randn(20, 2, 5, 2, generator=generator, dtype=torch.float64)
    right = torch.stack([mmd2(x, y, 1.0) for x, y in pairs])
    answers = torch.stack([fn(x, y, 1.0) for x, y in pairs])
    return torch.allclose(answers, right.clamp(min=0))


Exercise(
    mmd2,
    title="Unbiased MMD²",
    minutes=10,
    difficulty=2,
    returns="(), one number",
    cases=_cases,
    mistakes=[
        Mistake(
            "self-pairs kept",
            _from_means(lambda a, b, c: a.mean() + b.mean() - 2 * c.mean()),
            "you keep the pairs of a point with itself: this estimate is biased upwards",
        ),
        Mistake(
            "divided by n squared",
            _from_means(
                lambda a, b, c: _sum_off(a) / a.numel() + _sum_off(b) / b.numel() - 2 * c.mean()
            ),
            "the self-pairs are left out but counted: n(n−1) pairs remain, not n²",
        ),
        Mistake(
            "only divided by n(n-1)",
            _from_means(
                lambda a, b, c: a.sum() / (len(a) * (len(a) - 1))
                + b.sum() / (len(b) * (len(b) - 1))
                - 2 * c.mean()
            ),
            "you divide by n(n−1) but the self-pairs, k = 1 each, are still in the sum",
        ),
        Mistake(
            "y with self-pairs",
            _from_means(lambda a, b, c: _u(a) + b.mean() - 2 * c.mean()),
            "the self-pairs are left out for x but not for y",
        ),
        Mistake(
            "cross once",
            _from_means(lambda a, b, c: _u(a) + _u(b) - c.mean()),
            "the cross term has a factor 2",
        ),
        Mistake(
            "cross plus",
            _from_means(lambda a, b, c: _u(a) + _u(b) + 2 * c.mean()),
            "the cross term must be subtracted",
        ),
        Mistake("sign", lambda *a: -mmd2(*a), "the sign is flipped: this is −MMD²"),
        Mistake(
            "no cross",
            _from_means(lambda a, b, c: _u(a) + _u(b)),
            "the cross term −2 E k(x, y) is missing",
        ),
        Mistake(
            "cross without the diagonal",
            _from_means(lambda a, b, c: _u(a) + _u(b) - 2 * _u(c)),
            "keep all pairs in the cross term: x_i and y_i are different points anyway",
            _drops_cross_diagonal,
        ),
        Mistake(
            "cross over n squared",
            _from_means(lambda a, b, c: _u(a) + _u(b) - 2 * c.sum() / len(a) ** 2),
            "the cross term has n·m pairs, not n²",
        ),
        Mistake(
            "within subtracted",
            _from_means(lambda a, b, c: _u(a) - _u(b) - 2 * c.mean()),
            "the term within y is added, like the one within x",
        ),
        Mistake(
            "sums",
            _from_means(lambda a, b, c: _sum_off(a) + _sum_off(b) - 2 * c.sum()),
            "these are sums over pairs: divide each by its number of pairs",
        ),
        Mistake(
            "root",
            lambda *a: mmd2(*a).clamp(min=0).sqrt(),
            "this is MMD; return MMD² (an unbiased estimate may be negative)",
        ),
        Mistake(
            "clamped",
            lambda *a: mmd2(*a).clamp(min=0),
            "you cut off negative values: an unbiased estimate of a small number is often negative",
            _is_clamped,
        ),
        Mistake(
            "no two",
            _with(lambda a, b, h: torch.exp(-_squared_distances(a, b) / h**2)),
            "the 2 in the kernel is missing: exp(−‖a−b‖²/(2h²))",
        ),
        Mistake(
            "distance not squared",
            _with(lambda a, b, h: torch.exp(-_squared_distances(a, b).sqrt() / (2 * h**2))),
            "the distance in the kernel is not squared",
        ),
        Mistake(
            "precedence",
            _with(lambda a, b, h: torch.exp(-_squared_distances(a, b) / 2 * h**2)),
            "in Python / 2 * h**2 multiplies by h²: put the denominator in brackets",
        ),
        Mistake(
            "two squared",
            _with(lambda a, b, h: torch.exp(-_squared_distances(a, b) / (2 * h) ** 2)),
            "the 2 is squared too: the kernel divides by 2h², not by (2h)²",
        ),
        Mistake(
            "y by the pairs of x",
            _from_means(
                lambda a, b, c: _u(a) + _sum_off(b) / (len(a) * (len(a) - 1)) - 2 * c.mean()
            ),
            "the sum within y is divided by the number of pairs of x: y has m(m−1)",
        ),
        Mistake(
            "absolute value",
            lambda *a: mmd2(*a).abs(),
            "you take the absolute value: an unbiased estimate may be negative, leave it",
        ),
        Mistake(
            "bandwidth not squared",
            _with(lambda a, b, h: torch.exp(-_squared_distances(a, b) / (2 * h))),
            "the bandwidth in the kernel is not squared: 2h²",
        ),
        Mistake(
            "bandwidth as factor",
            _with(lambda a, b, h: torch.exp(-_squared_distances(a, b) * h)),
            "the kernel divides by 2h²: a larger bandwidth makes a wider bump",
        ),
        Mistake(
            "mean over dimensions",
            _with(lambda a, b, h: torch.exp(-((a[:, None] - b) ** 2).mean(-1) / (2 * h**2))),
            "you average the squared difference over dimensions; ‖·‖² is their sum",
        ),
        Mistake(
            "sign in the kernel",
            _with(lambda a, b, h: torch.exp(_squared_distances(a, b) / (2 * h**2))),
            "the minus in the exponent of the kernel is missing",
        ),
    ],
    accepts=[_cdist, _pairs, _pdist],
    hints=(
        "Write a function kernel(a, b) for the matrix (n, m) of all k(a_i, b_j); use it thrice.",
        "All squared distances at once: ((a[:, None, :] - b[None, :, :]) ** 2).sum(-1), (n, m).",
        "The diagonal of kernel(x, x) is all ones: subtract n from its sum.",
        "n·(n−1) pairs of different points remain, for y m·(m−1); the cross term is a mean.",
    ),
)
