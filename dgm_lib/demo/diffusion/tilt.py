"""The law that guidance aims at, p(x) p(y | x)^w / Z, and its noised laws, on a grid."""

from __future__ import annotations

import math
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Generator, Tensor

from dgm_lib import targets
from dgm_lib.core import Grid
from dgm_lib.demo.diffusion.sliced import DIRECTIONS, SETS, floor, quantiles
from dgm_lib.demo.diffusion.truth import levels, square, view

CELLS = 128  # per axis
NARROWEST = 0.8  # of a cell: the width of the noise that the grid can tell from none
WEIGHTS = 8 * np.linspace(0, 1, 33) ** 2  # of the curves, which are steep at first


class Numbers(NamedTuple):
    """Of points, or of a law: the mean of p(y | x), and the root mean square distance from the
    mean; the sliced distance of points from the tilted law, and that of exact samples.
    """

    fidelity: float
    diversity: float
    distance: float = 0.0
    floor: float = 0.0


class Labelled:
    """A labelled mixture of the plane, with all its tilted laws.

    A law without labels, such as a drawn one, is given two: the left and the right half of its
    components.
    """

    def __init__(self, law: Any) -> None:
        self.law = law if law.labels is not None else halves(law)
        self.k, self.box = len(self.law.labels), view(self.law)
        self.grid = Grid(square(self.law.box.double().numpy()), CELLS, torch.float64)
        self.side = math.sqrt(self.grid.cell)  # of a cell, which is a square
        self.log_p = self.law.log_prob(self.grid.points)
        self.log_posterior = self.law.noised(1.0, 0.0).log_posterior(self.grid.points)
        self.tilted = lru_cache(maxsize=32)(self._tilted)
        self.curves = lru_cache(maxsize=None)(self._curves)

    @cached_property
    def density(self) -> np.ndarray:
        """The density of the law at the points of the grid, (CELLS, CELLS)."""
        return self.log_p.exp().numpy()

    def _tilted(self, y: int, w: float, n: int) -> Tilted:
        return Tilted(self, y, w, n)

    def _curves(self, y: int) -> list[Numbers]:
        """The numbers of the tilted laws with WEIGHTS."""
        return [Tilted(self, y, w, 1).numbers for w in WEIGHTS]

    @cached_property
    def order(self) -> np.ndarray:
        """How the cells follow one another in each direction, (CELLS², SLICES)."""
        return np.argsort(self._along, axis=0)

    @cached_property
    def steps(self) -> np.ndarray:
        """Where they lie in each direction, in this order."""
        return np.take_along_axis(self._along, self.order, 0)

    @cached_property
    def _along(self) -> np.ndarray:
        return self.grid.points.reshape(-1, 2).numpy() @ DIRECTIONS


class Tilted:
    """p(x) p(y | x)^w / Z of a labelled law: its mass `(CELLS, CELLS)`, its numbers, its noise."""

    def __init__(self, labelled: Labelled, y: int, w: float, n: int) -> None:
        self.labelled, self.y, self.w, self.n = labelled, y, w, n
        log_mass = labelled.log_p + w * labelled.log_posterior[..., y]
        self.mass = log_mass.flatten().softmax(0).reshape(log_mass.shape)

    @cached_property
    def density(self) -> np.ndarray:
        """At the points of the grid, (CELLS, CELLS)."""
        return self.mass.numpy() / self.labelled.grid.cell

    @cached_property
    def numbers(self) -> Numbers:
        """The law's own, at distance 0."""
        mass, points = self.mass.flatten(), self.labelled.grid.points.reshape(-1, 2)
        fidelity = mass @ self.labelled.log_posterior[..., self.y].exp().flatten()
        spread = mass @ (points - mass @ points).square().sum(-1)
        return Numbers(fidelity.item(), spread.sqrt().item())

    @cached_property
    def quantiles(self) -> np.ndarray:
        """Those of the projections, for n points."""
        mass = self.mass.flatten().numpy()[self.labelled.order]
        return quantiles(self.labelled.steps, mass.cumsum(0) - mass / 2, self.n)

    def sample(self, sets: int, generator: Generator) -> Tensor:
        """Draws (sets, n, 2): cells by their mass, and points anywhere in them."""
        mass, grid = self.mass.flatten(), self.labelled.grid
        cells = mass.multinomial(sets * self.n, replacement=True, generator=generator)
        jitter = torch.rand(len(cells), 2, generator=generator, dtype=mass.dtype) - 0.5
        x = grid.points.reshape(-1, 2)[cells] + self.labelled.side * jitter
        return x.reshape(sets, self.n, 2)

    @cached_property
    def floor(self) -> float:
        """The mean distance of exact samples."""
        return floor(self.sample(SETS, Generator().manual_seed(0)), self.quantiles)

    def eps(self, path: Any, x: Tensor, t: Tensor) -> Tensor:
        """E[ε | x_t] of points x (n, 2) at one time t if x_0 has the tilted law: -sigma · score.

        E[x_0 | x_t] is a mean over the grid with the weights N(x_t; alpha x_0, sigma² I), which
        are a product over the axes. Where the noise is narrower than a cell a wider one is taken.
        """
        alpha, sigma = levels(path, t.flatten()[0].item())
        at = x.double() / alpha
        width = max(sigma / alpha, NARROWEST * self.labelled.side)
        axes = self.labelled.grid.axes
        first, second = (self._near(at[:, k], axes[k], width) for k in (0, 1))
        rows, columns = first @ self.mass, second @ self.mass.T  # (n, CELLS) for x2, for x1
        total = (rows * second).sum(-1).clamp(min=1e-300)
        mean = torch.stack([(columns * first) @ axes[0], (rows * second) @ axes[1]], -1)
        denoised = mean / total[:, None]
        return (sigma / alpha * (at - denoised) / width**2).to(x)

    @staticmethod
    def _near(at: Tensor, axis: Tensor, width: float) -> Tensor:
        """exp(-(axis - at)² / 2 width²) over its largest, (n, CELLS)."""
        log = -0.5 * ((axis - at[:, None]) / width) ** 2
        return (log - log.amax(-1, keepdim=True)).exp()


def halves(law: Any) -> Any:
    """A mixture with the labels 0 and 1, for the left and the right half of its components."""
    rank = law.means[:, 0].argsort().argsort()
    labels = (2 * rank >= len(rank)).long()
    if len(rank) == 1:
        labels = torch.zeros(1, dtype=torch.long)
    return targets.GaussianMixture(law.means, law.scales, law.weights, labels)
