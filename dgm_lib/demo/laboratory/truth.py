"""What is exact about the law of the data, and how far samples of a generator are from it."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from scipy.special import rel_entr

from dgm_lib import metrics
from dgm_lib.demo.layers.coloured import enclosing
from dgm_lib.demo.samplers.exact import blocks, on_grid, view

POINTS = 120  # per axis, of the quadrature: a multiple of CELLS and of PIXELS
CELLS = 20  # per axis, of the divergences
PIXELS = 60  # per axis, of the kernel density estimates
WIDTH = 1.0  # of the kernel, in pixels
SAMPLES = 4000  # by which a generator is judged
GOOD = 1 - math.exp(-9 / 2)  # of exact samples: those within 3 sigma of a mode of the plane
FAIR = 0.1  # of the samples that are due to a mode cover it
EMPTY = 1e-3  # of the highest density: below it there is neither law to tell apart


class Score(NamedTuple):
    """Divergences in nats, and shares of the modes and of the samples."""

    kl: float
    jsd: float
    modes: float
    good: float


class Truth:
    """A law of the plane over a view of its box, computed once.

    `density` is (POINTS, POINTS). `cells` (CELLS² + 1,) are the probabilities of the cells of a
    coarser grid and of all that is outside; `floor` is what exact samples score on average.
    """

    def __init__(self, law: Any) -> None:
        self.law, self.box = law, view(law)
        grid, self.density = on_grid(law, self.box, POINTS)
        inside = blocks(self.density, CELLS).ravel() * grid.cell
        outside = max(0.0, 1.0 - inside.sum())
        self.cells = np.append(inside, outside) / (inside.sum() + outside)
        pixels = blocks(self.density, PIXELS) * grid.cell
        self.blurred = gaussian_filter(pixels, WIDTH)
        self.level = min(enclosing(self.density, (GOOD,)), default=0.0)
        self.centres = modes_of(law)
        drawn = np.random.default_rng(0).multinomial(SAMPLES, self.cells, 200)
        kl, jsd = np.mean([self.divergences(counts) for counts in drawn], 0).tolist()
        self.floor = Score(kl, jsd, 1.0, GOOD)

    def score(self, x: np.ndarray) -> Score:
        """Of samples (n, 2)."""
        inside = self.histogram(x, CELLS).ravel()
        counts = np.append(inside, len(x) - inside.sum())
        return Score(*self.divergences(counts), *self.quality(x))

    def divergences(self, counts: np.ndarray) -> tuple[float, float]:
        """KL(p ‖ q̂) and JSD(p, q̂) of the laws of the cells, from counts (CELLS² + 1,).

        Half a sample is added to each cell, so that KL is finite (Krichevsky & Trofimov, 1981).
        Laws of cells are nearer to each other than those of points.
        """
        q = (counts + 0.5) / (counts + 0.5).sum()
        middle = (self.cells + q) / 2
        jsd = (rel_entr(self.cells, middle) + rel_entr(q, middle)).sum() / 2
        return float(rel_entr(self.cells, q).sum()), float(jsd)

    def quality(self, x: np.ndarray) -> tuple[float, float]:
        """The share of the modes that samples (n, 2) cover, and that of good samples.

        A mode is covered by a tenth of its due. Without separate modes of one size, samples are
        good where the density is above that which a share GOOD of exact ones exceed.
        """
        if self.centres is not None:
            k = len(self.centres)
            due = max(1, math.ceil(FAIR * len(x) / k))
            points = torch.from_numpy(x)
            found = metrics.coverage(points, self.centres, self.law.mode_scale, at_least=due)
            return found.modes.value / k, found.high_quality.value
        low, high = np.array(self.box).T
        cell = np.floor((x - low) / (high - low) * POINTS)
        inside = ((cell >= 0) & (cell < POINTS)).all(1)
        i, j = cell[inside].astype(int).T
        return math.nan, float((self.density[i, j] >= self.level).sum() / len(x))

    def histogram(self, x: np.ndarray, n: int) -> np.ndarray:
        """How many of the samples (m, 2) are in each of (n, n) cells of the view."""
        return np.histogram2d(*x.T, bins=n, range=self.box)[0]

    def gap(self, d: np.ndarray, x: np.ndarray) -> float:
        """The mean of |D - D*| over data and samples (n, 2) alike, from D (PIXELS, PIXELS)."""
        best, q = self.optimum(x), self._blurred(x)
        apart = np.abs(np.nan_to_num(best, nan=0.5) - d)
        return float((apart * (self.blurred + q)).sum() / (self.blurred + q).sum())

    def optimum(self, x: np.ndarray) -> np.ndarray:
        """D* = p / (p + q̂) on (PIXELS, PIXELS), NaN where there is neither.

        q̂ is a kernel density estimate from samples (n, 2), and p is blurred by the same kernel:
        where the laws are the same, D* is ½.
        """
        q = self._blurred(x)
        total = self.blurred + q
        known = total > EMPTY * self.blurred.max()
        return np.divide(self.blurred, total, out=np.full_like(q, np.nan), where=known)

    def _blurred(self, x: np.ndarray) -> np.ndarray:
        return gaussian_filter(self.histogram(x, PIXELS) / len(x), WIDTH)


def modes_of(law: Any) -> torch.Tensor | None:
    """The modes (k, 2) of a law where each of them is one Gaussian of the same size."""
    means, labels = getattr(law, "means", None), getattr(law, "labels", None)
    if means is None or labels is None or getattr(law, "mode_scale", None) is None:
        return None
    return means.double() if 1 < len(means) == len(labels) else None
