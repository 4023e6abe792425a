"""Layers of small graphs: a line through given points, stems over a zero line, a note."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from dgm_lib import plot
from dgm_lib.demo.layers.base import Layer, Source, resolve
from dgm_lib.demo.run import Run, array


class Graph(Layer):
    """A line through points, a pair of arrays (x, y), each (n,).

    `limits` gives `((left, right), (bottom, top))` where those of the axes are to change with the
    run; let it jump rarely, as all is drawn anew when it does. `style` goes to `ax.plot`.
    """

    noun = "graph"

    def __init__(
        self,
        source: Source,
        limits: Source = None,
        color: str = plot.SAMPLES,
        label: str | None = None,
        **style: Any,
    ) -> None:
        super().__init__(label)
        self.source, self.limits = source, limits
        self.style = dict(color=color, lw=1.3, label=label) | style

    def setup(self, ax: Axes) -> None:
        self.artists = ax.plot([], [], **self.style)

    def update(self, run: Run) -> bool:
        x, y = map(array, resolve(self.source, run))
        self._draw(x, y)
        limits = resolve(self.limits, run)
        if limits is None:
            return False
        ax = self.artists[0].axes
        changed = (ax.get_xlim(), ax.get_ylim()) != tuple(map(tuple, limits))
        if changed:
            ax.set(xlim=limits[0], ylim=limits[1])
        return changed

    def _draw(self, x: np.ndarray, y: np.ndarray) -> None:
        self.artists[0].set_data(x, y)


class Stems(Graph):
    """A vertical line from zero to each of the points (x, y), and the zero line."""

    noun = "stems"

    def setup(self, ax: Axes) -> None:
        stems = LineCollection([], **self.style)
        self.artists = [ax.add_collection(stems, autolim=False)]
        ax.axhline(0, color=plot.TRUTH, lw=0.8, zorder=1)

    def _draw(self, x: np.ndarray, y: np.ndarray) -> None:
        ends = np.stack([np.stack([x, np.zeros_like(y)], -1), np.stack([x, y], -1)], 1)
        self.artists[0].set_segments(ends)


class Note(Layer):
    """Some words at a place of the axes, from (0, 0) to (1, 1); a source gives them.

    It may give a pair (words, colour), too. `style` goes to `ax.text`.
    """

    noun = "note"

    def __init__(
        self,
        source: Source,
        at: tuple[float, float],
        label: str | None = None,
        **style: Any,
    ) -> None:
        super().__init__(label)
        self.source, self.at, self.style = source, at, dict(fontsize=9) | style

    def setup(self, ax: Axes) -> None:
        paper = dict(facecolor="white", edgecolor="none", alpha=0.8, pad=2)
        style = dict(transform=ax.transAxes, bbox=paper) | self.style
        self.artists = [ax.text(*self.at, "", **style)]

    def update(self, run: Run) -> bool:
        words = resolve(self.source, run)
        (text,) = self.artists
        if not isinstance(words, str):
            words, color = words
            text.set_color(color)
        text.set_text(words)
        return False
