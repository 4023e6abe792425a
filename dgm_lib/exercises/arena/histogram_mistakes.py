"""What goes wrong when samples are counted in cells and compared with what is due."""

import math

import torch
from torch import Tensor

from dgm_lib.exercises import Mistake


def shares(x: Tensor, edges: tuple[Tensor, Tensor], mass: Tensor) -> tuple[Tensor, Tensor]:
    """The exact and the counted shares of the cells and of all that is outside, (a b + 1,)."""
    a, b = mass.shape
    i, j = (torch.bucketize(x[:, k].contiguous(), edges[k]) - 1 for k in (0, 1))
    inside = (i >= 0) & (i < a) & (j >= 0) & (j < b)
    q = torch.where(inside, i * b + j, a * b).bincount(minlength=a * b + 1).to(mass) / len(x)
    return torch.cat([mass.flatten(), (1 - mass.sum()).clamp(min=0)[None]]), q


def jsd(p: Tensor, q: Tensor) -> Tensor:
    """Of two lists of shares (k,)."""
    h = torch.special.entr
    return (h((p + q) / 2) - h(p) / 2 - h(q) / 2).sum()


def _kl(p: Tensor, q: Tensor) -> Tensor:
    """KL(p ‖ q), large where q is 0 and p is not."""
    return torch.xlogy(p, p / q.clamp(min=1e-12)).sum()


def _of(divergence):
    """A wrong divergence of the right shares."""
    return lambda x, edges, mass: divergence(*shares(x, edges, mass))


def _clamped(x, edges, mass):
    inside = torch.stack(
        [x[:, k].clamp(edges[k][0] + 1e-6, edges[k][-1] - 1e-6) for k in (0, 1)], dim=1
    )
    return jsd(*shares(inside, edges, mass))


def _naive(p, q):
    m = (p + q) / 2
    return 0.5 * (p * (p / m).log()).sum() + 0.5 * (q * (q / m).log()).sum()


def _of_densities(x, edges, mass):
    area = torch.outer(edges[0].diff(), edges[1].diff()).flatten()
    p, q = shares(x, edges, mass)
    return jsd(p[:-1] / area, q[:-1] / area) + jsd(p[-1:], q[-1:])


def _against_densities(x, edges, mass):
    area = torch.outer(edges[0].diff(), edges[1].diff()).flatten()
    p, q = shares(x, edges, mass)
    return jsd(p, torch.cat([q[:-1] / area, q[-1:]]))


def _equal_cells(x, edges, mass):
    even = tuple(torch.linspace(float(e[0]), float(e[-1]), len(e)).to(e) for e in edges)
    return jsd(*shares(x, even, mass))


def _transposed(x, edges, mass):
    a, b = mass.shape
    p, q = shares(x, edges, mass)
    turned = q[:-1].reshape(a, b).T.reshape(-1)
    return jsd(p, torch.cat([turned, q[-1:]]))


def _axes_swapped(x, edges, mass):
    return jsd(*shares(x.flip(1), edges, mass))


def _not_clamped(x, edges, mass):
    p, q = shares(x, edges, mass)
    return jsd(torch.cat([p[:-1], 1 - mass.sum()[None]]), q)


MISTAKES = (
    Mistake(
        "not clamped",
        _not_clamped,
        "1 − Σ mass can be −1e-8 by rounding, which has no logarithm: clamp it at 0",
    ),
    Mistake(
        "outside left out",
        _of(lambda p, q: jsd(p[:-1] / p[:-1].sum(), q[:-1] / q[:-1].sum().clamp(min=1e-9))),
        "samples outside of the grid are left out, and the rest is stretched to 1: a model that "
        "throws half of them away would look perfect. Outside is one cell more",
    ),
    Mistake(
        "q stretched",
        _of(lambda p, q: jsd(p, torch.cat([q[:-1] / q[:-1].sum().clamp(min=1e-9), 0 * q[-1:]]))),
        "the counts are divided by the number of samples inside: divide by n, and count the others "
        "in the cell outside",
    ),
    Mistake(
        "outside forgotten",
        _of(lambda p, q: jsd(p[:-1], q[:-1])),
        "the cell outside is missing: it has mass 1 − Σ mass, and its samples",
    ),
    Mistake(
        "outside exact only",
        _of(lambda p, q: jsd(p, torch.cat([q[:-1], 0 * q[-1:]]))),
        "the samples outside are not counted: their share belongs into the last cell",
    ),
    Mistake(
        "outside counted only",
        _of(lambda p, q: jsd(torch.cat([p[:-1], 0 * p[-1:]]), q)),
        "the law's own mass outside is missing: 1 − Σ mass",
    ),
    Mistake(
        "pulled in",
        _clamped,
        "samples outside are counted in the cells at the border: they belong to a cell of their "
        "own",
    ),
    Mistake(
        "zeros",
        _of(_naive),
        "where a share is 0, 0 · log 0 is nan: such terms are 0 (torch.special.entr knows)",
    ),
    Mistake(
        "small number",
        _of(lambda p, q: jsd(p, (q + 0.01) / (q + 0.01).sum())),
        "something is added to the shares: JSD is finite without that",
    ),
    Mistake(
        "counts",
        lambda x, edges, mass: jsd(shares(x, edges, mass)[0], len(x) * shares(x, edges, mass)[1]),
        "q are the counts: divide them by n",
    ),
    Mistake(
        "all alike in size",
        _equal_cells,
        "the cells are taken to be equally wide: use the edges as they are",
    ),
    Mistake(
        "densities",
        _of_densities,
        "shares are divided by the areas of the cells: `mass` holds probabilities, compare shares",
    ),
    Mistake(
        "density against mass",
        _against_densities,
        "q is a density (shares over areas), and `mass` holds probabilities: do not divide by "
        "areas",
    ),
    Mistake(
        "transposed",
        _transposed,
        "rows and columns are swapped: mass[i, j] belongs to the i-th cell along x1, the j-th "
        "along x2",
    ),
    Mistake(
        "axes swapped",
        _axes_swapped,
        "x1 is looked up in the borders of x2: edges[0] belongs to x[:, 0]",
    ),
    Mistake("sum of halves", _of(lambda p, q: 2 * jsd(p, q)), "this is twice the JSD"),
    Mistake(
        "KL",
        _of(_kl),
        "this is KL(p ‖ q): compare each of them with their middle (p + q) / 2",
    ),
    Mistake(
        "reverse KL",
        _of(lambda p, q: _kl(q, p)),
        "this is KL(q ‖ p): compare each of them with their middle (p + q) / 2",
    ),
    Mistake(
        "to each other",
        _of(lambda p, q: (_kl(p, q) + _kl(q, p)) / 2),
        "p and q are compared with each other: compare each with their middle (p + q) / 2",
    ),
    Mistake(
        "one half",
        _of(lambda p, q: _kl(p, (p + q) / 2) / 2),
        "the half of q is missing: ½ KL(q ‖ m)",
    ),
    Mistake(
        "p alone",
        _of(lambda p, q: _kl(p, (p + q) / 2)),
        "this is KL(p ‖ m) alone: average it with KL(q ‖ m)",
    ),
    Mistake(
        "q alone",
        _of(lambda p, q: _kl(q, (p + q) / 2)),
        "this is KL(q ‖ m) alone: average it with KL(p ‖ m)",
    ),
    Mistake(
        "middle not halved",
        _of(lambda p, q: (_kl(p, p + q) + _kl(q, p + q)) / 2),
        "your middle is p + q: it is half of that",
    ),
    Mistake(
        "total variation",
        _of(lambda p, q: (p - q).abs().sum() / 2),
        "this is the total variation ½ Σ |p − q|: the exercise asks for JSD",
    ),
    Mistake("bits", _of(lambda p, q: jsd(p, q) / math.log(2)), "this is in bits: natural logs"),
    Mistake("root", _of(lambda p, q: jsd(p, q).clamp(min=0).sqrt()), "this is √JSD"),
    Mistake(
        "mean over the cells",
        _of(lambda p, q: jsd(p, q) / len(p)),
        "this is averaged over the cells: sum over them",
    ),
    Mistake("sign", _of(lambda p, q: -jsd(p, q)), "the sign is flipped: JSD is at least 0"),
)
