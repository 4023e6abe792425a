"""What is known exactly about a law of the plane: the truth that chains are held against."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from scipy.stats import binom

from dgm_lib.core import Grid
from dgm_lib.demo.layers.base import density_at

BINS = 40  # per axis, of the histograms of the marginals
CELLS = 20  # per axis, of the total variation: a divisor of BINS
POINTS = 200  # per axis, of the quadrature: a multiple of BINS
TAIL, MARGIN = 1e-3, 0.08  # of the view


class Exact:
    """A law of the plane on a grid over a view of its box, computed once.

    `density` (n, n) at the grid's points, `marginals` two arrays (n,) at `axes`, `cells`
    (CELLS² + 1,) the probabilities of the squares of a coarser grid and of all that is outside.
    """

    def __init__(self, law: Any) -> None:
        self.law, self.box = law, view(law)
        grid, self.density = on_grid(law, self.box, POINTS)
        self.axes = [axis.numpy() for axis in grid.axes]
        self.edges = [np.linspace(low, high, BINS + 1) for low, high in self.box]
        low, high = np.array(self.box).T
        steps = (high - low) / POINTS
        self.marginals = [self.density.sum(1 - k) * steps[1 - k] for k in (0, 1)]
        inside = blocks(self.density, CELLS).ravel() * grid.cell
        outside = max(0.0, 1.0 - inside.sum())
        self.cells = np.append(inside, outside) / (inside.sum() + outside)

    def distance(self, counts: np.ndarray) -> float:
        """The total variation ½ Σ |n_c / n - p_c| from counts (BINS + 2, BINS + 2) of points.

        The outermost rows and columns count what is outside of the box.
        """
        inside = blocks(counts[1:-1, 1:-1], CELLS).ravel()
        shares = np.append(inside, counts.sum() - inside.sum()) / counts.sum()
        return 0.5 * float(np.abs(shares - self.cells).sum())

    def floor(self, n: int) -> float:
        """The mean of `distance` for n independent samples, exactly.

        n_c is binomial, and E|n_c - n p| = 2 m (1 - p) P(n_c = m) with m = ⌊n p⌋ + 1: de Moivre
        (1730); see Diaconis & Zabell, "Closed form summation for classical distributions" (1991).
        """
        m = np.floor(n * self.cells) + 1
        deviations = 2 * m * (1 - self.cells) * binom.pmf(m, n, self.cells)
        return 0.5 * float(deviations.sum()) / n


def view(law: Any) -> list[tuple[float, float]]:
    """Where a law has its mass but for TAIL at each end, and a MARGIN around that.

    The smaller side is widened to a square unless the larger is twice as long.
    """
    grid, density = on_grid(law, law.box, POINTS // 2)
    ends = np.empty((2, 2))
    for k, axis in enumerate(grid.axes):
        below = density.sum(1 - k).cumsum()
        ends[k] = axis[np.searchsorted(below / below[-1], [TAIL, 1 - TAIL])]
    middle, half = ends.mean(1), (0.5 + MARGIN) * np.diff(ends)[:, 0]
    if half.max() < 2 * half.min():
        half = np.full(2, half.max())
    return list(zip((middle - half).tolist(), (middle + half).tolist(), strict=True))


def on_grid(law: Any, box: Any, n: int) -> tuple[Grid, np.ndarray]:
    """A grid over a box, in the precision of samplers, and the density (n, n) at its points."""
    grid = Grid(box, n, torch.get_default_dtype())
    return grid, density_at(law, grid.points)


def blocks(values: np.ndarray, n: int) -> np.ndarray:
    """The sums over (n, n) equal blocks of an array (k n, k n)."""
    k = len(values) // n
    return values.reshape(n, k, n, k).sum((1, 3))
