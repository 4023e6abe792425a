"""Layers of a law of the plane that may change with the run, and of its two marginals."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage

from dgm_lib import plot
from dgm_lib.demo.layers.base import Layer, Source, finite_range, resolve
from dgm_lib.demo.run import Run, array

GAP, DEPTH = 0.03, 0.2  # of the marginals, as shares of the plane's side


class Landscape(Layer):
    """Heat map of values (n, n), the first axis being x1, over a box that may change.

    The source gives a pair (values, box); all is drawn anew when the values are others. The map
    is a part of the background, as it takes longer to draw than all the rest.
    """

    covers = True
    noun = "density"

    def __init__(self, source: Source, cmap: Any = plot.TRUTH_MAP, label: str | None = None):
        self.picture: AxesImage | None = None
        super().__init__(label)
        self.source, self.cmap = source, cmap
        self._shown: Any = None

    @property
    def visible(self) -> bool:
        """True: a hidden map, too, must follow the run, as it sets the axes for all."""
        return True

    @visible.setter
    def visible(self, visible: bool) -> None:
        if self.picture is not None:
            self.picture.set_visible(visible)

    def setup(self, ax: Axes) -> None:
        how = dict(origin="lower", aspect="auto", cmap=self.cmap, interpolation="bilinear")
        self.picture = ax.imshow(np.zeros((2, 2)), **how)
        ax.set(xlabel="$x_1$", ylabel="$x_2$", box_aspect=1)

    def update(self, run: Run) -> bool:
        values, box = resolve(self.source, run)
        if values is self._shown:
            return False
        self._shown = values
        (left, right), (bottom, top) = array(box).tolist()
        self.picture.set(data=array(values).T, extent=(left, right, bottom, top))
        self.picture.set_clim(0, finite_range(array(values))[1] or 1.0)
        self.picture.axes.set(xlim=(left, right), ylim=(bottom, top))
        return True


class Marginals(Layer):
    """At the edges of a plane, for each coordinate a histogram against an exact density.

    The source gives for x1 and for x2: the edges (k + 1,) and the heights (k,) of the histogram,
    and points (n,) of the line with the density (n,) there.
    """

    noun = "marginals"

    def __init__(self, source: Source, color: str = plot.SAMPLES, label: str | None = None) -> None:
        super().__init__(label)
        self.source, self.color = source, color
        self._limits: list[tuple[float, ...]] = []

    def setup(self, ax: Axes) -> None:
        self.sides = [
            ax.inset_axes((0, 1 + GAP, 1, DEPTH)),
            ax.inset_axes((1 + GAP, 0, DEPTH, 1)),
        ]
        for side, orientation in zip(self.sides, ("vertical", "horizontal"), strict=True):
            side.set(xticks=[], yticks=[])
            side.spines[["top", "right", "left", "bottom"]].set_visible(False)
            style = dict(fill=True, color=self.color, alpha=0.45, orientation=orientation)
            bars = side.stairs([0.0], [0.0, 1.0], **style)
            (line,) = side.plot([], [], color=plot.TRUTH, lw=1.4)
            self.artists += [bars, line]

    def update(self, run: Run) -> bool:
        given = [tuple(map(array, one)) for one in resolve(self.source, run)]
        for k, (edges, heights, x, density) in enumerate(given):
            bars, line = self.artists[2 * k : 2 * k + 2]
            bars.set_data(heights, edges)
            line.set_data(*((x, density) if k == 0 else (density, x)))
        limits = [(*edges[[0, -1]], 1.5 * finite_range(p)[1] or 1.0) for edges, _, _, p in given]
        changed, self._limits = limits != self._limits, limits
        if changed:
            (left, right, top), (low, high, reach) = limits
            self.sides[0].set(xlim=(left, right), ylim=(0, top))
            self.sides[1].set(xlim=(0, reach), ylim=(low, high))
        return changed
