"""Layers of the plane that change with a run: contours, a heat map, lines and dots in colours."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.contour import ContourSet

from dgm_lib import plot
from dgm_lib.demo.layers.base import Layer, Source, finite_range, resolve
from dgm_lib.demo.run import Run, array

SHARES = (0.95, 0.8, 0.5)


class Contours(Layer):
    """Lines that enclose 50, 80 and 95 % of a density (n, n), the first axis being x1.

    The source gives a pair (density, box). `limits` gives those of the axes, as pairs for x1 and
    x2, where they change with the run; they are followed also while the lines are hidden.
    """

    noun = "contours"

    def __init__(
        self,
        source: Source,
        limits: Source = None,
        color: str = plot.TRUTH,
        label: str | None = None,
    ) -> None:
        self._wanted = True
        self._density: np.ndarray | None = None
        self._lines: ContourSet | None = None
        super().__init__(label)
        self.source, self.limits, self.color = source, limits, color

    @property
    def visible(self) -> bool:
        """True: hidden lines, too, set the axes for all."""
        return True

    @visible.setter
    def visible(self, visible: bool) -> None:
        self._wanted = visible

    def setup(self, ax: Axes) -> None:
        self.ax = ax
        ax.set(xlabel="$x_1$", ylabel="$x_2$", box_aspect=1)

    def update(self, run: Run) -> bool:
        density, box = resolve(self.source, run)
        density = array(density)
        if self._density is None or not np.array_equal(density, self._density):
            self._density = density
            self._draw(density, array(box))
        self.artists = [self._lines] if self._wanted and self._lines is not None else []
        limits = resolve(self.limits, run)
        if limits is None:
            return False
        wanted = tuple(tuple(pair) for pair in array(limits).tolist())
        if (self.ax.get_xlim(), self.ax.get_ylim()) == wanted:
            return False
        self.ax.set(xlim=wanted[0], ylim=wanted[1])
        return True

    def _draw(self, density: np.ndarray, box: np.ndarray) -> None:
        if self._lines is not None:
            self._lines.remove()
            self._lines = None
        levels = enclosing(density, SHARES)
        if not len(levels):
            return
        unit = (np.arange(len(density)) + 0.5) / len(density)
        axes = [low + (high - low) * unit for low, high in box]
        style = dict(colors=self.color, linewidths=0.7)
        self._lines = self.ax.contour(*axes, density.T, levels=levels, **style)
        self._lines.set_animated(True)  # drawn over the background, as all that moves


class Heat(Layer):
    """Heat map of a density (n, n), the first axis being x1, over a box: a pair that may change.

    The source may give None where there is nothing to show.
    """

    covers = True
    noun = "density"

    def __init__(self, source: Source, cmap: Any = plot.MODEL_MAP, label: str | None = None):
        super().__init__(label)
        self.source, self.cmap = source, cmap

    def setup(self, ax: Axes) -> None:
        smooth = dict(interpolation="bilinear", interpolation_stage="rgba")  # which is the faster
        how = dict(origin="lower", aspect="auto", cmap=self.cmap) | smooth
        self.artists = [ax.imshow(np.zeros((2, 2)), **how)]
        ax.set_autoscale_on(False)  # it has no say on the limits

    def update(self, run: Run) -> bool:
        given = resolve(self.source, run)
        values, box = ((np.zeros((2, 2)), ((0, 1), (0, 1))) if given is None else given)
        values, ((left, right), (bottom, top)) = array(values), array(box).tolist()
        (picture,) = self.artists
        picture.set(data=values.T, extent=(left, right, bottom, top))
        picture.set_clim(0, finite_range(values)[1] or 1.0)
        return False


class Strokes(Layer):
    """Lines along paths (k, m, 2) with a colour for each: a pair (paths, colours)."""

    noun = "lines"

    def __init__(self, source: Source, label: str | None = None, **style: Any) -> None:
        super().__init__(label)
        self.source, self.style = source, dict(lw=1.0) | style

    def setup(self, ax: Axes) -> None:
        lines = LineCollection([], **self.style)
        self.artists = [ax.add_collection(lines, autolim=False)]

    def update(self, run: Run) -> bool:
        paths, colors = resolve(self.source, run)
        self.artists[0].set(segments=list(array(paths)), color=colors)
        return False


class Dots(Layer):
    """Points (n, 2) with a colour for each: a pair (points, colours)."""

    noun = "points"

    def __init__(
        self, source: Source, size: float = 3.0, alpha: float = 1.0, label: str | None = None
    ) -> None:
        super().__init__(label)
        self.source, self.size, self.alpha = source, size, alpha

    def setup(self, ax: Axes) -> None:
        dots = ax.scatter([], [], s=self.size**2, alpha=self.alpha, lw=0)
        self.artists = [dots]

    def update(self, run: Run) -> bool:
        points, colors = resolve(self.source, run)
        self.artists[0].set_offsets(array(points))
        self.artists[0].set_facecolor(colors)
        return False


def enclosing(density: np.ndarray, shares: tuple[float, ...]) -> np.ndarray:
    """The levels, upwards, above which these shares of a density on a grid lie.

    Only those that some line can follow: none for a density that is flat, or zero.
    """
    down = np.sort(density[np.isfinite(density)].ravel())[::-1]
    total = down.sum()
    if not total > 0:
        return np.empty(0)
    places = np.searchsorted(down.cumsum(), [share * total for share in shares])
    levels = np.unique(down[places.clip(max=len(down) - 1)]) * (1 - 1e-6)  # under flat tops
    return levels[(down[-1] < levels) & (levels < down[0])]
