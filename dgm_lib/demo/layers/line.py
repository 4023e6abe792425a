"""Layers of the line: densities of one variable, and histograms against them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes

from dgm_lib import plot
from dgm_lib.core import Grid, whole
from dgm_lib.demo.layers.base import (
    Box,
    Layer,
    Source,
    bounds,
    density_at,
    finite_range,
    is_constant,
    resolve,
)
from dgm_lib.demo.run import Run, array


class Line(Layer):
    """The density of a law on the line, or a pair of arrays (x, y), as a curve."""

    noun = "curve"

    def __init__(
        self,
        source: Source,
        box: Box | None = None,
        color: str = plot.MODEL,
        n: int = 400,
        label: str | None = None,
    ) -> None:
        super().__init__(label)
        self.source, self.box, self.color = source, box, color
        self.grid = Grid(bounds(box, source, 1), n)
        self.static = is_constant(source)

    def setup(self, ax: Axes) -> None:
        self._make(ax)
        ax.set(xlabel="$x$", ylabel="density")
        if self.static:
            x, y = self._xy(self.source)
            self._draw(x, y)
            _widen(ax, x, y)

    def update(self, run: Run) -> bool:
        x, y = self._xy(resolve(self.source, run))
        self._draw(x, y)
        unframed = self.artists[0].axes.get_autoscaley_on()
        if unframed:
            _widen(self.artists[0].axes, x, y)
        return unframed

    def _xy(self, law: Any) -> tuple[np.ndarray, np.ndarray]:
        if hasattr(law, "log_prob"):
            return self.grid.axes[0].numpy(), density_at(law, self.grid.points)
        x, y = law
        return array(x).reshape(-1), array(y).reshape(-1)

    def _make(self, ax: Axes) -> None:
        self.artists = ax.plot([], [], color=self.color, lw=2, label=self.label)

    def _draw(self, x: np.ndarray, y: np.ndarray) -> None:
        self.artists[0].set_data(x, y)


class Fill(Line):
    """The same as a filled area under its outline."""

    noun = "area"

    def __init__(
        self,
        source: Source,
        box: Box | None = None,
        color: str = plot.TRUTH,
        n: int = 400,
        label: str | None = None,
    ) -> None:
        super().__init__(source, box, color, n, label)

    def _make(self, ax: Axes) -> None:
        area = ax.fill_between([], [], color=self.color, alpha=0.22, lw=0, label=self.label)
        (outline,) = ax.plot([], [], color=self.color, lw=1.2)
        self.artists = [area, outline]

    def _draw(self, x: np.ndarray, y: np.ndarray) -> None:
        area, outline = self.artists
        area.set_data(x, y, 0)
        outline.set_data(x, y)


class Hist(Layer):
    """Histogram of one coordinate of points, with the exact marginal of a law where given."""

    noun = "histogram"

    def __init__(
        self,
        source: Source,
        axis: int = 0,
        bins: int = 50,
        box: Box | None = None,
        law: Any = None,
        color: str = plot.SAMPLES,
        label: str | None = None,
    ) -> None:
        super().__init__(label)
        self.source, self.law, self.color = source, law, color
        self.axis, bins = whole("axis", axis, at_least=0), whole("bins", bins)
        sides = bounds(None, law, law.box.shape[0]) if box is None and law is not None else None
        ends = sides[axis] if sides else bounds(box, None, 1)[0]
        self.edges = np.linspace(*ends, bins + 1)

    def setup(self, ax: Axes) -> None:
        zeros = np.zeros(len(self.edges) - 1)
        self.artists = [
            ax.stairs(zeros, self.edges, fill=True, color=self.color, alpha=0.45, label=self.label)
        ]
        ax.set(xlim=(self.edges[0], self.edges[-1]), xlabel=f"$x_{self.axis + 1}$")
        if self.law is not None:
            x, density = marginal(self.law, self.axis)
            ax.plot(x, density, color=plot.TRUTH, lw=1.5)
            ax.set_ylim(0, 1.35 * density.max())

    def update(self, run: Run) -> bool:
        x = array(resolve(self.source, run))
        x = x[:, self.axis] if x.ndim == 2 else x
        inside, _ = np.histogram(x, self.edges)
        self.artists[0].set_data(inside / (max(len(x), 1) * np.diff(self.edges)))
        return False


def marginal(law: Any, axis: int = 0, n: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """The density of coordinate `axis` of a law in 1D or 2D, by the mid-point rule on its box."""
    grid = Grid(torch.as_tensor(law.box), n)
    density = density_at(law, grid.points)
    if density.ndim == 2:
        low, high = grid.box[1 - axis].tolist()
        density = density.sum(axis=1 - axis) * (high - low) / n
    return grid.axes[axis].numpy(), density


def _widen(ax: Axes, x: np.ndarray, y: np.ndarray) -> None:
    """Room for a curve, and as much again over it for those that move."""
    top = 0.0 if ax.get_autoscaley_on() else ax.get_ylim()[1]
    left, right = finite_range(x)
    right = right if left < right else left + 1
    ax.set(xlim=(left, right), ylim=(0, max(top, 2 * finite_range(y)[1]) or 1.0))
