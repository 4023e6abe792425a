"""Layers of moves: ways through the plane, and arrows, in the colours of what became of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.patches import FancyArrowPatch

from dgm_lib.demo.layers.base import Layer, Source, resolve
from dgm_lib.demo.run import Run, array


class Ways(Layer):
    """Thin lines along paths (k, m, 2), of which each has a name from `colors`.

    The source gives a pair (paths, names). Points that are not finite are left out, and so is a
    path that stays where it begins.
    """

    noun = "ways"
    width = 0.9

    def __init__(self, source: Source, colors: Mapping[str, str], label: str | None = None) -> None:
        super().__init__(label)
        self.source, self.colors = source, colors

    def setup(self, ax: Axes) -> None:
        self.ax = ax
        lines = LineCollection([], lw=self.width)
        self.artists = [ax.add_collection(lines, autolim=False)]

    def update(self, run: Run) -> bool:
        paths, names = resolve(self.source, run)
        known = [(_without_gaps(path), name) for path, name in zip(array(paths), names)]
        shown = [(path, self.colors[name]) for path, name in known if len(path) > 1]
        self.draw([path for path, _ in shown], [color for _, color in shown])
        return False

    def draw(self, paths: list[np.ndarray], colors: list[str]) -> None:
        """Show these paths, each of two points at least."""
        self.artists[0].set(segments=paths, color=colors)


class Moves(Ways):
    """The same as arrows, with a head at the end of each path."""

    noun = "moves"
    width = 1.7

    def draw(self, paths: list[np.ndarray], colors: list[str]) -> None:
        super().draw(paths, colors)
        lines, *heads = self.artists
        style = dict(arrowstyle="-|>", mutation_scale=12, shrinkA=0, shrinkB=0, lw=0)
        for _ in paths[len(heads) :]:
            head = FancyArrowPatch((0, 0), (1, 1), animated=True, **style)
            heads.append(self.ax.add_patch(head))
        for head in heads[len(paths) :]:
            head.set_alpha(0)
        for head, path, color in zip(heads, paths, colors):
            head.set(alpha=1, color=color)
            head.set_positions(*path[-2:])
        self.artists = [lines, *heads]


def _without_gaps(path: np.ndarray) -> np.ndarray:
    """The path's finite points, each different from the one before it."""
    path = path[np.isfinite(path).all(-1)]
    moved = (np.diff(path, axis=0) != 0).any(-1)
    return path[np.concatenate([[True], moved])] if len(path) else path
