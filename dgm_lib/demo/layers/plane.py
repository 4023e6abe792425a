"""Layers of the plane: densities, fields, points, meshes, trails, arrows, ellipses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from dgm_lib import plot
from dgm_lib.core import Grid, whole
from dgm_lib.demo.layers.base import (
    PLANE,
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


def frame_plane(ax: Axes, box: Box) -> None:
    """The axes of a box of the plane, one unit as long in both directions."""
    ax.set(xlim=box[0], ylim=box[1], xlabel="$x_1$", ylabel="$x_2$", aspect="equal")


class _HeatMap(Layer):
    covers = True
    cmap: Any
    box: Box

    def setup(self, ax: Axes) -> None:
        (left, right), (bottom, top) = self.box
        picture = ax.imshow(
            np.zeros((2, 2)),
            extent=(left, right, bottom, top),
            origin="lower",
            cmap=self.cmap,
            interpolation="bilinear",
        )
        self.artists = [picture]
        frame_plane(ax, self.box)

    def show(self, values: np.ndarray, limits: tuple[float, float]) -> None:
        self.artists[0].set_data(values)
        self.artists[0].set_clim(*limits)


class Density(_HeatMap):
    """Heat map of the density of a law with a `log_prob`.

    A constant law is drawn once. Any other source is evaluated at each restart, and with
    `every=k` also every k steps and whenever the demo stands still and a slider moves.
    """

    noun = "density"

    def __init__(
        self,
        law: Source,
        box: Box | None = None,
        n: int = 100,
        every: int | None = None,
        cmap: Any = plot.TRUTH_MAP,
        label: str | None = None,
    ) -> None:
        super().__init__(label)
        self.law, self.every, self.cmap = law, every, cmap
        self.box = bounds(box, law, 2)
        self.grid = Grid(self.box, n)
        self.static = is_constant(law)
        self._drawn: tuple[Run, int, int] | None = None

    def setup(self, ax: Axes) -> None:
        super().setup(ax)
        if self.static:
            self._paint(self.law)

    def update(self, run: Run) -> bool:
        if self._is_stale(run):
            self._paint(resolve(self.law, run))
            self._drawn = run, run.restarts, run.t
        return False

    def _is_stale(self, run: Run) -> bool:
        if self._drawn is None or self._drawn[0] is not run or self._drawn[1] != run.restarts:
            return True
        steps = run.t - self._drawn[2]
        return self.every is not None and (steps >= self.every or steps == 0)

    def _paint(self, law: Any) -> None:
        density = density_at(law, self.grid.points)
        self.show(density.T, (0, finite_range(density)[1] or 1.0))


class Field(_HeatMap):
    """Heat map of an array (n, n), rows along x2: an energy, a discriminator, a value."""

    noun = "field"

    def __init__(
        self,
        source: Source,
        box: Box = PLANE,
        cmap: Any = plot.SIGNED_MAP,
        limits: tuple[float, float] | None = None,
        label: str | None = None,
    ) -> None:
        super().__init__(label)
        self.source, self.cmap, self.limits = source, cmap, limits
        self.box = bounds(box, source, 2)

    def update(self, run: Run) -> bool:
        values = array(resolve(self.source, run))
        self.show(values, self.limits or finite_range(values))
        return False


class Points(Layer):
    """Points (n, 2) of the plane; points (n,) or (n, 1) of the line become a rug at height 0."""

    noun = "points"

    def __init__(
        self,
        source: Source,
        color: str = plot.SAMPLES,
        size: float = 2.5,
        alpha: float = 0.6,
        label: str | None = None,
    ) -> None:
        super().__init__(label)
        self.source = source
        self.style = dict(color=color, ms=size, alpha=alpha, label=label, mew=0)

    def setup(self, ax: Axes) -> None:
        self.artists = ax.plot([], [], "o", **self.style)

    def update(self, run: Run) -> bool:
        x = array(resolve(self.source, run))
        (line,) = self.artists
        if x.ndim == 2 and x.shape[1] == 2:
            line.set_data(x[:, 0], x[:, 1])
        else:
            line.set_data(x.reshape(-1), np.zeros(x.size))
            line.set(marker="|", markersize=10, markeredgewidth=1)
        return False


class Mesh(Layer):
    """The lines of a mesh of points (n, m, 2), as a map of the plane has left them."""

    noun = "mesh"

    def __init__(self, source: Source, color: str = "#8c8c8c", label: str | None = None) -> None:
        super().__init__(label)
        self.source, self.color = source, color

    def setup(self, ax: Axes) -> None:
        lines = LineCollection([], colors=self.color, lw=0.7)
        self.artists = [ax.add_collection(lines, autolim=False)]

    def update(self, run: Run) -> bool:
        x = array(resolve(self.source, run))
        if x.ndim != 3 or x.shape[-1] != 2:
            raise ValueError(f"source must give a mesh (n, m, 2), got shape {x.shape}")
        self.artists[0].set_segments([*x, *x.swapaxes(0, 1)])
        return False


class Trails(Layer):
    """The paths of the first n points (·, 2) over the `last` steps.

    Where the number of points changes, a path has the steps at which there was such a point.
    """

    noun = "trails"

    def __init__(
        self,
        key: str,
        n: int = 5,
        last: int = 100,
        color: Any = plot.LABELS,
        label: str | None = None,
    ) -> None:
        super().__init__(label)
        self.key, self.color = key, color
        self.n, self.memory = whole("n", n), whole("last", last)

    def setup(self, ax: Axes) -> None:
        trails = LineCollection([], colors=self.color, lw=1.2, alpha=0.9)
        self.artists = [ax.add_collection(trails, autolim=False)]

    def update(self, run: Run) -> bool:
        present = len(array(resolve(self.key, run))[: self.n])
        past = [array(frame[self.key]) for frame in run.recent if self.key in frame]
        paths = [[x[i] for x in past if i < len(x)] for i in range(present)]
        self.artists[0].set_segments([np.stack(path) for path in paths])
        return False


class Arrows(Layer):
    """Arrows from a pair of arrays (start, displacement), each (n, 2), in units of the data."""

    noun = "arrows"

    def __init__(self, source: Source, color: str = plot.MODEL, label: str | None = None) -> None:
        super().__init__(label)
        self.source, self.color = source, color

    def setup(self, ax: Axes) -> None:
        self.ax = ax
        self.artists = [self._quiver(np.zeros((1, 2)), np.zeros((1, 2)))]

    def update(self, run: Run) -> bool:
        start, displacement = (array(part) for part in resolve(self.source, run))
        (arrows,) = self.artists
        if len(start) != arrows.N:
            arrows.remove()
            self.artists = [self._quiver(start, displacement)]
            return True
        arrows.set_offsets(start)
        arrows.set_UVC(displacement[:, 0], displacement[:, 1])
        return False

    def _quiver(self, start: np.ndarray, displacement: np.ndarray):
        units = dict(angles="xy", scale_units="xy", scale=1, units="width", width=0.005)
        return self.ax.quiver(*start.T, *displacement.T, color=self.color, **units)


class Ellipse(Layer):
    """The 1 and 2 sigma lines of a Gaussian: a law with its mean and covariance, or that pair."""

    noun = "ellipse"

    def __init__(self, source: Source, color: str = plot.MODEL, label: str | None = None) -> None:
        super().__init__(label)
        self.source, self.color = source, color
        angle = np.linspace(0, 2 * math.pi, 100)
        self.circle = np.stack([np.cos(angle), np.sin(angle)])

    def setup(self, ax: Axes) -> None:
        (centre,) = ax.plot([], [], "+", color=self.color, ms=7, mew=1.5)
        (one,) = ax.plot([], [], color=self.color, lw=2, label=self.label)
        (two,) = ax.plot([], [], color=self.color, lw=1.2, ls="--")
        self.artists = [centre, one, two]

    def update(self, run: Run) -> bool:
        mean, covariance = mean_and_covariance(resolve(self.source, run))
        variances, axes = np.linalg.eigh(covariance)
        unit = axes * np.sqrt(variances.clip(min=0)) @ self.circle
        for line, scale in zip(self.artists, (0, 1, 2), strict=True):
            line.set_data(*(mean[:, None] + scale * unit)[:, : 1 if scale == 0 else None])
        return False


def mean_and_covariance(source: Any) -> tuple[np.ndarray, np.ndarray]:
    """The mean (2,) and the covariance (2, 2) of a law, or of a pair of these."""
    if isinstance(source, (tuple, list)):
        mean, covariance = source
    else:
        mean = source.mean
        covariance = getattr(source, "covariance", None)
        covariance = source.covariance_matrix if covariance is None else covariance
    mean, covariance = array(mean).astype(float), array(covariance).astype(float)
    if mean.shape != (2,) or covariance.shape != (2, 2):
        raise ValueError(
            "source must give a mean (2,) and a covariance (2, 2), "
            f"got {mean.shape} and {covariance.shape}"
        )
    return mean, covariance
