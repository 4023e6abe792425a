"""What goes wrong when samples are counted in the cells of a grid and outside of it."""

from collections.abc import Callable

import torch
from torch import Tensor

Edges = tuple[Tensor, Tensor]


def places(x: Tensor, edges: Edges) -> tuple[Tensor, Tensor]:
    """Row and column (n,) of the cells, −1 and the number of cells where that is outside."""
    i, j = (torch.bucketize(x[:, k].contiguous(), edges[k]) - 1 for k in (0, 1))
    return i, j


def is_inside(i: Tensor, j: Tensor, mass: Tensor) -> Tensor:
    """Whether (n,) there is such a cell."""
    return (i >= 0) & (i < mass.shape[0]) & (j >= 0) & (j < mass.shape[1])


def counted(cell: Tensor, mass: Tensor) -> tuple[Tensor, Tensor]:
    """The exact and the counted shares (a b + 1,) of the cells, the last of them outside."""
    size = mass.numel() + 1
    q = cell.clamp(min=0).bincount(minlength=size)[:size].to(mass) / len(cell)
    return torch.cat([mass.flatten(), (1 - mass.sum()).clamp(min=0)[None]]), q


def shares(x: Tensor, edges: Edges, mass: Tensor) -> tuple[Tensor, Tensor]:
    """The right ones."""
    i, j = places(x, edges)
    number = i * mass.shape[1] + j
    return counted(torch.where(is_inside(i, j, mass), number, mass.numel()), mass)


def jsd(p: Tensor, q: Tensor) -> Tensor:
    """Of two lists of shares (k,)."""
    h = torch.special.entr
    return (h((p + q) / 2) - h(p) / 2 - h(q) / 2).sum()


def of_shares(divergence: Callable) -> Callable:
    """A wrong divergence of the right shares."""
    return lambda x, edges, mass: divergence(*shares(x, edges, mass))


def _numbered(cell: Callable) -> Callable:
    """JSD where cell(i, j, mass) numbers the cells wrongly."""
    return lambda x, edges, mass: jsd(*counted(cell(*places(x, edges), mass), mass))


def _pulled_in(x, edges):
    inside = [x[:, k].clamp(edges[k][0] + 1e-6, edges[k][-1] - 1e-6) for k in (0, 1)]
    return torch.stack(inside, dim=1)


def _clamped(x, edges, mass):
    return jsd(*shares(_pulled_in(x, edges), edges, mass))


def _clamped_alone(x, edges, mass):
    p, q = shares(_pulled_in(x, edges), edges, mass)
    return jsd(p[:-1], q[:-1])


def _shifted(i, j, mass):
    number = (i + 1) * mass.shape[1] + j + 1
    return torch.where(is_inside(i + 1, j + 1, mass), number, mass.numel())


def _in_steps_of_rows(i, j, mass):
    return torch.where(is_inside(i, j, mass), i * mass.shape[0] + j, mass.numel())


def _outside_above(i, j, mass):
    a, b = mass.shape
    return torch.where((i < a) & (j < b), i * b + j, a * b)


def _outside_twice(i, j, mass):
    a, b = mass.shape
    out = ((i < 0) | (i >= a)) & ((j < 0) | (j >= b))
    return torch.where(out, a * b, i * b + j)


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


MISCOUNTED = (
    (
        "not clamped",
        _not_clamped,
        "1 − Σ mass can be −1e-8 by rounding, which has no logarithm: clamp it at 0",
    ),
    (
        "outside left out",
        of_shares(lambda p, q: jsd(p[:-1] / p[:-1].sum(), q[:-1] / q[:-1].sum())),
        "samples outside of the grid are left out, and the rest is stretched to 1: a model that "
        "throws half of them away would look perfect. Outside is one cell more",
    ),
    (
        "q stretched alone",
        of_shares(lambda p, q: jsd(p[:-1], q[:-1] / q[:-1].sum())),
        "the counts are divided by the number of samples inside, and nothing is outside: divide "
        "by n. Outside is one cell more",
    ),
    (
        "q stretched",
        of_shares(lambda p, q: jsd(p, torch.cat([q[:-1] / q[:-1].sum(), 0 * q[-1:]]))),
        "the counts are divided by the number of samples inside: divide by n, and count the others "
        "in the cell outside",
    ),
    (
        "q inside stretched",
        of_shares(lambda p, q: jsd(p, torch.cat([q[:-1] / q[:-1].sum(), q[-1:]]))),
        "the counts inside are divided by the number of samples inside: divide by n",
    ),
    (
        "mass stretched",
        of_shares(lambda p, q: jsd(torch.cat([p[:-1] / p[:-1].sum(), 0 * p[-1:]]), q)),
        "`mass` is stretched to 1: it is right as it is, and 1 − Σ mass belongs to the cell "
        "outside",
    ),
    (
        "outside forgotten",
        of_shares(lambda p, q: jsd(p[:-1], q[:-1])),
        "the cell outside is missing: it has mass 1 − Σ mass, and its samples",
    ),
    (
        "outside exact only",
        of_shares(lambda p, q: jsd(p, torch.cat([q[:-1], 0 * q[-1:]]))),
        "the samples outside are not counted: their share belongs into the last cell",
    ),
    (
        "outside counted only",
        of_shares(lambda p, q: jsd(torch.cat([p[:-1], 0 * p[-1:]]), q)),
        "the law's own mass outside is missing: 1 − Σ mass",
    ),
    (
        "pulled in",
        _clamped,
        "samples outside are counted in the cells at the border: they belong to a cell of their "
        "own",
    ),
    (
        "pulled in, mass stretched",
        lambda x, edges, mass: _clamped(x, edges, mass / mass.sum()),
        "samples outside are counted in the cells at the border, and `mass` is stretched to 1: "
        "they belong to a cell of their own",
    ),
    (
        "pulled in, nothing outside",
        _clamped_alone,
        "samples outside are counted in the cells at the border, and the mass outside is left "
        "out: they belong to a cell of their own",
    ),
    (
        "outside above",
        _numbered(_outside_above),
        "samples below the first edges are not counted as outside: there i or j is −1",
    ),
    (
        "outside twice",
        _numbered(_outside_twice),
        "a sample is outside if one of its coordinates is: or, |, in place of and, &",
    ),
    (
        "not less one",
        _numbered(_shifted),
        "bucketize counts the edges below x, at least 1 inside: less 1, it is the cell's number",
    ),
    (
        "steps of rows",
        _numbered(_in_steps_of_rows),
        "i · a + j numbers two cells alike: a row has b cells, i · b + j",
    ),
    (
        "counts",
        lambda x, edges, mass: jsd(shares(x, edges, mass)[0], len(x) * shares(x, edges, mass)[1]),
        "q are the counts: divide them by n",
    ),
    (
        "both are counts",
        lambda x, edges, mass: len(x) * jsd(*shares(x, edges, mass)),
        "this is n times the JSD: compare shares, not counts",
    ),
    (
        "all alike in size",
        _equal_cells,
        "the cells are taken to be equally wide: use the edges as they are",
    ),
    (
        "densities",
        _of_densities,
        "shares are divided by the areas of the cells: `mass` holds probabilities, compare shares",
    ),
    (
        "density against mass",
        _against_densities,
        "q is a density (shares over areas), and `mass` holds probabilities: do not divide by "
        "areas",
    ),
    (
        "transposed",
        _transposed,
        "rows and columns are swapped: mass[i, j] belongs to the i-th cell along x1, the j-th "
        "along x2",
    ),
    (
        "axes swapped",
        _axes_swapped,
        "x1 is looked up in the borders of x2: edges[0] belongs to x[:, 0]",
    ),
)
