"""The Jensen–Shannon divergence of samples from the truth, in the cells of a grid."""

import math

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Tolerance
from dgm_lib.exercises.arena.histogram_mistakes import MISTAKES


def histogram_jsd(x: Tensor, edges: tuple[Tensor, Tensor], mass: Tensor) -> float:
    """JSD in nats of samples x (n, 2) from the law that has `mass` (a, b) in the cells.

    edges: the borders of the cells along x1 (a + 1,) and x2 (b + 1,). What lies outside is one
    cell more, of mass 1 − Σ mass; its samples count too.
    JSD = H((p + q) / 2) − H(p) / 2 − H(q) / 2, with H = −Σ p log p over all a b + 1 cells.
    """
    a, b = mass.shape
    i, j = (torch.bucketize(x[:, k].contiguous(), edges[k]) - 1 for k in (0, 1))
    inside = (i >= 0) & (i < a) & (j >= 0) & (j < b)
    cell = torch.where(inside, i * b + j, a * b)
    q = cell.bincount(minlength=a * b + 1).to(mass) / len(x)
    outside = (1 - mass.sum()).clamp(min=0)
    p = torch.cat([mass.flatten(), outside[None]])
    entropy = torch.special.entr
    return (entropy((p + q) / 2) - entropy(p) / 2 - entropy(q) / 2).sum().item()


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(n: int, a: int, b: int, inside: float = 0.9, empty: int = 0, wide: float = 1.15):
        """n samples in and about a × b cells, none of them on a border; some cells without mass."""
        steps = [0.6 + torch.rand(m, generator=generator).double() for m in (a, b)]
        ends = [torch.cat([torch.zeros(1).double(), step.cumsum(0)]) - 1.3 for step in steps]
        mass = torch.rand(a * b, generator=generator).double() + 0.1
        mass[:empty] = 0.0
        mass = (inside * mass / mass.sum()).reshape(a, b)
        place = torch.rand(n, 2, generator=generator).double() ** 1.3
        low, high = (torch.stack([end[k] for end in ends]) for k in (0, -1))
        middle, half = (low + high) / 2, (high - low) / 2
        x = middle + wide * half * (2 * place - 1)
        x = torch.stack([_off(x[:, k], ends[k]) for k in (0, 1)], dim=1)
        return x.to(dtype), tuple(end.to(dtype) for end in ends), mass.to(dtype)

    def by_hand(x: list, edges: tuple[list, list], mass: list) -> tuple:
        x, first, second, mass = (torch.tensor(part, dtype=dtype) for part in (x, *edges, mass))
        return x, (first, second), mass

    # Samples and mass everywhere: no two mistakes give the same number.
    few = [(0.3, -0.7), (0.8, -0.2), (0.6, 0.4), (1.1, -0.4), (1.9, -0.3), (2.2, -0.8)]
    few += [(2.1, 0.3), (3.1, 0.2), (0.4, -1.5)]
    square = ([0.0, 1.0, 2.0], [0.0, 1.0, 2.0])
    alone = [(0.5, 0.5), (0.4, 0.6), (0.2, 1.7)] * 4
    x, edges, whole = case(20, 3, 4, inside=1.0, wide=0.95)
    above_one = whole * (1 + 20 * torch.finfo(dtype).eps)  # as rounding leaves it
    return [
        by_hand(few, ([0.0, 1.0, 2.5], [-1.0, 0.0, 0.5]), [[0.1, 0.05], [0.25, 0.45]]),
        case(15, 2, 2),
        case(12, 3, 2, inside=0.8),
        case(40, 2, 4, empty=3),
        case(30, 4, 3, inside=1.0, wide=0.95),
        (x, edges, above_one),
        case(6, 5, 4, inside=0.95),
        case(25, 3, 3, inside=0.7, wide=2.5),
        # all samples outside; and all of them where the law has no mass
        by_hand([(9.0, 9.0)] * 12, square, [[0.25, 0.25], [0.25, 0.25]]),
        by_hand(alone, square, [[0.0, 0.0], [0.375, 0.5]]),
    ]


def _off(x: Tensor, ends: Tensor) -> Tensor:
    """The numbers x (n,), each moved from a border (k,) that it is too near to."""
    near = (x[:, None] - ends).abs().amin(1) < 0.02
    return torch.where(near, x + 0.05, x)


# ------------------------------------------------------------------------ right answers


def _halves(x, edges, mass):
    table = torch.histogramdd(x.detach().cpu(), [e.cpu() for e in edges]).hist.to(mass)
    q = torch.cat([table.flatten(), (len(x) - table.sum()).reshape(1)]) / len(x)
    p = torch.cat([mass.flatten(), (1 - mass.sum()).clamp_min(0).reshape(1)])
    middle = (p + q) / 2

    def half(r):
        return (r[r > 0] * (r[r > 0] / middle[r > 0]).log()).sum()

    return 0.5 * half(p) + 0.5 * half(q)


def _loop(x, edges, mass):
    a, b = mass.shape
    total, counted = 0.0, 0
    rest = 1.0

    def both(p, q):
        p, q = max(p, 0.0), max(q, 0.0)
        m = (p + q) / 2
        return sum(r * math.log(r / m) / 2 for r in (p, q) if r > 0)

    for i in range(a):
        for j in range(b):
            here = (x[:, 0] > edges[0][i]) & (x[:, 0] <= edges[0][i + 1])
            here = here & (x[:, 1] > edges[1][j]) & (x[:, 1] <= edges[1][j + 1])
            counted += int(here.sum())
            rest -= float(mass[i, j])
            total += both(float(mass[i, j]), int(here.sum()) / len(x))
    return total + both(rest, 1 - counted / len(x))


def _with_a_margin(x, edges, mass):
    """All cells of an unbounded grid are counted, and the outermost put together."""
    a, b = mass.shape
    i = torch.searchsorted(edges[0], x[:, 0].contiguous())
    j = torch.searchsorted(edges[1], x[:, 1].contiguous())
    table = x.new_zeros(a + 2, b + 2)
    table = table.index_put((i, j), x.new_ones(len(x)), accumulate=True) / len(x)
    q = table[1:-1, 1:-1]
    p_out, q_out = (1 - mass.sum()).clamp(min=0), (1 - q.sum()).clamp(min=0)

    def terms(p, q):
        m = (p + q) / 2
        m = torch.where(m > 0, m, torch.ones_like(m))
        return (torch.xlogy(p, p / m) + torch.xlogy(q, q / m)).sum() / 2

    return terms(mass, q) + terms(p_out, q_out)


def _counts_over_n(x, edges, mass):
    a, b = mass.shape
    i, j = (torch.bucketize(x[:, k].contiguous(), edges[k]) for k in (0, 1))
    cell = ((i - 1) * b + j - 1).masked_fill((i < 1) | (i > a) | (j < 1) | (j > b), a * b)
    q = cell.bincount(minlength=a * b + 1) / len(x)
    p = torch.cat([mass.flatten(), torch.relu(1 - mass.sum()).reshape(1)])
    middle = (p + q) / 2
    return (torch.xlogy(p, p) + torch.xlogy(q, q)).sum() / 2 - torch.xlogy(middle, middle).sum()


def _term_by_term(x, edges, mass):
    return torch.tensor(_loop(x, edges, mass))


Exercise(
    histogram_jsd,
    title="JSD of a histogram",
    minutes=12,
    difficulty=2,
    returns="one number",
    cases=_cases,
    tolerances={torch.float64: Tolerance(1e-6, 1e-6)},  # counts / n are float32, as torch divides
    mistakes=MISTAKES,
    accepts=[_halves, _loop, _with_a_margin, _counts_over_n, _term_by_term],
    hints=(
        "torch.bucketize(x, edges) counts the edges below each number: less 1, it is the number "
        "of the cell; −1 and a are outside.",
        "Give each sample one whole number, i · b + j inside and a · b outside: then .bincount("
        "minlength=a * b + 1) counts them all, and these counts over n are q.",
        "torch.special.entr(p) is −p log p, and 0 where p is 0: "
        "JSD = H((p + q) / 2) − H(p) / 2 − H(q) / 2.",
    ),
)
