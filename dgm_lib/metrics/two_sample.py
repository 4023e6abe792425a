"""The kernel two-sample test: were x and y drawn from the same law?

Gretton, Borgwardt, Rasch, Schölkopf & Smola, A Kernel Two-Sample Test, 2012.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from dgm_lib.core import Estimate, whole
from dgm_lib.metrics.inputs import real, two_samples
from dgm_lib.nets.inputs import drawing_device

Bandwidth = float | Sequence[float] | None

ROWS = 512  # rows of the kernel matrix held at once: 40 MB for two samples of 5,000


@torch.no_grad()
def mmd2(x: Tensor, y: Tensor, bandwidth: Bandwidth = None) -> Estimate:
    """The squared maximum mean discrepancy, without bias, of samples `(m, d)` and `(n, d)`.

    MMD² = E k(x, x') + E k(y, y') - 2 E k(x, y) with k(a, b) = exp(-|a - b|² / (2 h²)): zero if
    and only if the laws agree, so the estimate is negative about half the time when they do. Its
    standard error is cautious where the laws agree or nearly so, by up to a third.
    `bandwidth` is h, or several whose kernels are averaged; the default is `median_bandwidth`.
    """
    x, y = two_samples(x, y)
    z, m, n = torch.cat([x, y]), len(x), len(y)
    side = torch.zeros(m + n, 2, dtype=z.dtype, device=z.device)
    side[:m, 0] = side[m:, 1] = 1
    # Column 0 sums a row of the kernel (or of its squares) over x, column 1 over y.
    rows = [(k @ side, k.square() @ side) for k in _kernel_rows(z, _bandwidths(bandwidth, x, y))]
    sums, squares = (torch.cat(column) for column in zip(*rows))
    (xx, xy), (yx, yy) = sums[:m].unbind(1), sums[m:].unbind(1)
    value = _unbiased(xx.sum(), yy.sum(), xy.sum(), m, n).item()

    # Hoeffding's decomposition. The spread of each point's own mean holds twice too much of the
    # noise that pairs make, and that is all the noise there is when the laws agree.
    of_points = 4 * (xx / (m - 1) - xy / n).var() / m + 4 * (yy / (n - 1) - yx / m).var() / n
    of_pairs = (
        2 * _variance_within(xx, squares[:m, 0].sum()) / (m * (m - 1))
        + 2 * _variance_within(yy, squares[m:, 1].sum()) / (n * (n - 1))
        + 4 * _variance_between(xy, yx, squares[:m, 1].sum()) / (m * n)
    )
    return Estimate(value, max(of_points - of_pairs, of_pairs).sqrt().item())


@torch.no_grad()
def mmd_test(
    x: Tensor,
    y: Tensor,
    bandwidth: Bandwidth = None,
    permutations: int = 200,
    generator: torch.Generator | None = None,
) -> Estimate:
    """The p-value of MMD² under "x and y have the same law", by permuting who belongs to which.

    p = (1 + #{permuted MMD² ≥ observed}) / (1 + permutations), so that P(p ≤ α) ≤ α exactly. The
    standard error is that of drawing only so many permutations.
    """
    x, y = two_samples(x, y)
    permutations = whole("permutations", permutations)
    z, m, n = torch.cat([x, y]), len(x), len(y)
    in_x = torch.zeros(m + n, 1 + permutations, dtype=z.dtype, device=z.device)
    in_x[:m, 0] = 1  # the observed split, then the permuted ones
    chosen = _permutations(permutations, m + n, generator)[:, :m].T
    in_x[:, 1:].scatter_(0, chosen.to(z.device), 1)

    products = [(k @ in_x, k.sum(1)) for k in _kernel_rows(z, _bandwidths(bandwidth, x, y))]
    to_x, to_all = (torch.cat(column) for column in zip(*products))
    xx, x_all = (in_x * to_x).sum(0), to_all @ in_x
    xy = x_all - xx
    observed, *permuted = _unbiased(xx, to_all.sum() - x_all - xy, xy, m, n).tolist()
    rounding = 1e-12  # a split that comes up again must count as a tie
    p = (1 + sum(t >= observed - rounding for t in permuted)) / (1 + permutations)
    return Estimate(p, math.sqrt(p * (1 - p) / permutations))


@torch.no_grad()
def median_bandwidth(x: Tensor, y: Tensor) -> float:
    """The median distance between two different points among x and y, for about 1,000 of them."""
    x, y = two_samples(x, y)
    z = torch.cat([x, y])
    # Thinned after sorting, so that it does not matter which point was in x and which in y:
    # the level of the permutation test rests on that.
    z = z[z[:, 0].argsort()][:: math.ceil(len(z) / 1000)]
    distances = torch.pdist(z)
    distances = distances[distances > 0]
    return distances.median().item() if len(distances) else 1.0


def _bandwidths(bandwidth: Bandwidth, x: Tensor, y: Tensor) -> list[float]:
    if bandwidth is None:
        return [median_bandwidth(x, y)]
    several = real("bandwidth", bandwidth).double().flatten().tolist()
    if not several or not all(0 < h < math.inf for h in several):
        raise ValueError(f"bandwidth must be positive, got {bandwidth}")
    return several


def _kernel_rows(z: Tensor, bandwidths: list[float]) -> Iterator[Tensor]:
    """The kernel matrix of the points z, some rows at a time, with zeros on its diagonal."""
    z = z - z.mean(0)  # distances far from the origin lose digits
    for start, rows in zip(range(0, len(z), ROWS), z.split(ROWS)):
        distances2 = torch.cdist(rows, z).square_()
        kernel = sum(torch.exp(distances2 / (-2 * h * h)) for h in bandwidths) / len(bandwidths)
        kernel.diagonal(offset=start).zero_()
        yield kernel


def _unbiased(xx: Tensor, yy: Tensor, xy: Tensor, m: int, n: int) -> Tensor:
    """MMD² from the sums of the kernel over the pairs within x, within y and between them."""
    return xx / (m * (m - 1)) + yy / (n * (n - 1)) - 2 * xy / (m * n)


def _permutations(count: int, n: int, generator: torch.Generator | None) -> Tensor:
    device = drawing_device(generator, "cpu")
    return torch.rand(count, n, generator=generator, device=device).argsort(dim=1)


def _variance_within(sums: Tensor, squares: Tensor) -> Tensor:
    """The variance of k(x, x') that is left when the means given x and x' are taken out.

    Without bias, from the kernel's row sums and sum of squares (Székely & Rizzo, 2014).
    """
    n = len(sums)
    if n < 4:
        return squares / max(n * (n - 1), 1)
    total = squares - 2 * sums.square().sum() / (n - 2) + sums.sum() ** 2 / ((n - 1) * (n - 2))
    return (total / (n * (n - 3))).clamp(min=0)


def _variance_between(rows: Tensor, columns: Tensor, squares: Tensor) -> Tensor:
    """Likewise for k(x, y)."""
    m, n = len(rows), len(columns)
    total = squares - rows.square().sum() / n - columns.square().sum() / m
    total = total + rows.sum() ** 2 / (m * n)
    return (total / ((m - 1) * (n - 1))).clamp(min=0)
