"""Layers of numbers: curves over the steps, and bars of what holds now."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from dgm_lib import plot
from dgm_lib.demo.layers.base import Layer, Source, resolve
from dgm_lib.demo.run import Run, array

COLORS = (plot.SAMPLES, plot.MODEL, plot.SECOND, plot.THIRD, "#e69f00", "#56b4e9")
WORD, MARGIN = 0.25, 0.03  # the room for a value, and for a mark, as shares of the axis
FEW = 10  # steps after which a curve's limits may get narrower
MOST_POINTS = 400  # of a curve: more cannot be seen at its width
LEAST, MOST = 1e-300, 1e300  # beyond these the arithmetic of the axes overflows


class Curve(Layer):
    """Scalars of the frames over the steps, with an exact floor where there is one.

    Keys are given by themselves, or as a mapping from what the legend says to the key. The floor
    is a number, or a key of the frames where it depends on what has been chosen. Each
    value stands at the step that gave it; keys without a value to draw are named. The limits
    grow in jumps, so that most pictures need no new axes.
    """

    noun = "curve"

    def __init__(
        self,
        *keys: str | Mapping[str, str],
        floor: float | str | None = None,
        floor_label: str = "exact",
        log: bool = False,
        ylim: tuple[float, float] | None = None,
        label: str | None = None,
    ) -> None:
        super().__init__(label)
        self.keys: dict[str, str] = {}
        for key in keys:
            if not isinstance(key, (str, Mapping)):
                raise ValueError(f"keys must be names or map names to them, got {key!r}")
            self.keys.update(key if isinstance(key, Mapping) else {key: key})
        if not self.keys:
            raise ValueError("keys must name at least one scalar of the frames, got none")
        if isinstance(floor, str):
            self.keys[floor_label] = floor
        self.floor = None if floor is None or isinstance(floor, str) else float(floor)
        self.floor_key = floor if isinstance(floor, str) else None
        self.floor_label, self.log, self.ylim = floor_label, log, ylim

    def setup(self, ax: Axes) -> None:
        self.ax = ax
        self.lines = [
            ax.plot([], [], lw=1.6, ms=5, color=COLORS[i % len(COLORS)], label=label)[0]
            for i, label in enumerate(self.keys)
        ]
        if self.floor_key is not None:
            self.lines[-1].set(color=plot.TRUTH, linestyle="--", linewidth=1.2)
        centre = dict(transform=ax.transAxes, ha="center", va="center")
        self.missing = ax.text(0.5, 0.5, "", fontsize=9, color=plot.TRUTH, **centre)
        self.artists = [*self.lines, self.missing]
        if self.floor is not None:
            plot.truth_line(ax, self.floor, label=f"{self.floor_label}: {self.floor:.3g}")
        if self.ylim or self.log:
            ax.set_ylim(self.ylim or (0.1, 10))  # before the scale: no data may be positive yet
        ax.set(xlim=(0, 50), xlabel="step", yscale="log" if self.log else "linear")

    def update(self, run: Run) -> bool:
        low, high, missing = math.inf, -math.inf, []
        for line, key in zip(self.lines, self.keys.values(), strict=True):
            steps, y = np.asarray(run.times.get(key, [])), np.asarray(run.series.get(key, []))
            seen = y[self._can_draw(y)]
            some = slice(None, None, max(1, len(y) // MOST_POINTS))
            line.set_data(steps[some], np.where(self._can_draw(y), y, math.nan)[some])
            line.set_marker("o" if len(seen) == 1 else "")  # one point makes no line
            if len(seen):
                low, high = min(low, seen.min()), max(high, seen.max())
            else:
                missing.append(key)
        self.missing.set_text(f"nothing to draw yet: {', '.join(missing)}" if missing else "")
        return self._fit_x(run.t + 1) | self._fit_y(low, high, run.t + 1)

    def _can_draw(self, y: np.ndarray | float) -> np.ndarray:
        return (np.abs(y) <= MOST) & (y >= (LEAST if self.log else -MOST))

    def _fit_x(self, steps: int) -> bool:
        right = self.ax.get_xlim()[1]
        wanted = _round_up(max(steps, 50))
        if right == wanted:
            return False
        self.ax.set_xlim(0, wanted)
        return True

    def _fit_y(self, low: float, high: float, steps: int) -> bool:
        if self.ylim or low > high:
            return False
        if self.floor is not None and self._can_draw(self.floor):
            low, high = min(low, self.floor), max(high, self.floor)
        if self.log:
            wanted = 10.0 ** math.floor(math.log10(low)), 10.0 ** math.ceil(math.log10(high * 1.01))
        else:
            margin = 0.15 * (high - low) or 0.1 * abs(high) or 1.0
            wanted = low - margin, high + margin
        now = self.ax.get_ylim()
        fits = now[0] <= low and high <= now[1]
        settled = self.log or steps < FEW or high - low > 0.4 * (now[1] - now[0])
        if (fits and settled) or now == wanted:
            return False
        self.ax.set_ylim(wanted)
        return True


class Bars(Layer):
    """Named numbers as horizontal bars with their values, and reference marks on some of them.

    `bars` maps names to sources, `marks` names to a number that is marked with a line. `top`
    is the end of the axis at the start; it moves when a bar gets longer.
    """

    noun = "bars"

    def __init__(
        self,
        bars: Mapping[str, Source],
        marks: Mapping[str, float] | None = None,
        top: float | None = None,
        label: str | None = None,
    ) -> None:
        super().__init__(label)
        if not isinstance(bars, Mapping) or not bars:
            raise ValueError(f"bars must map names to sources, at least one, got {bars!r}")
        self.bars, self.marks, self.least = dict(bars), dict(marks or {}), top or 1.0
        unknown = self.marks.keys() - self.bars.keys()
        if unknown:
            raise ValueError(f"marks must name bars {sorted(self.bars)}, got {sorted(unknown)}")

    def setup(self, ax: Axes) -> None:
        self.ax = ax
        rows, names = range(len(self.bars)), list(self.bars)
        boxes = ax.barh(rows, [0.0] * len(names), height=0.5, color=COLORS[: len(names)])
        self.boxes: list[Rectangle] = list(boxes)
        paper = dict(facecolor="white", edgecolor="none", pad=1)
        style = dict(textcoords="offset points", va="center", fontsize=10, bbox=paper)
        self.texts = [ax.annotate("", (0, row), (6, 0), **style) for row in rows]
        self.artists = [*self.boxes, *self.texts]
        for name, value in self.marks.items():
            row = names.index(name)
            ax.plot([value, value], [row - 0.4, row + 0.4], color=plot.TRUTH, lw=2)
            ax.text(value, row - 0.42, f"{value:.3g}", ha="center", va="bottom", fontsize=9)
        ax.set(xlim=(0, self._room(0.0)), ylim=(len(names) - 0.4, -0.7))
        ax.set_yticks(list(rows), names, fontsize=10)
        ax.tick_params(axis="y", length=0)

    def update(self, run: Run) -> bool:
        values = [float(array(resolve(source, run))) for source in self.bars.values()]
        finite = [value for value in values if math.isfinite(value)]
        low, high = min(0.0, *finite, 0.0), max(0.0, *finite, 0.0)
        changed = self._fit(low, high)
        left, right = self.ax.get_xlim()
        marks = [self.marks.get(name, -math.inf) for name in self.bars]
        for box, text, value, mark in zip(self.boxes, self.texts, values, marks, strict=True):
            shown = value if math.isfinite(value) else 0.0 if math.isnan(value) else right * 0.8
            box.set_width(shown)
            text.set_text(f"{value:.3f}" if math.isfinite(value) else f"{value}")
            covered = shown - MARGIN * (right - left) < mark < shown + WORD * (right - left)
            text.xy = max(shown, 0.0, mark if covered else 0.0), text.xy[1]
        return changed

    def _room(self, high: float) -> float:
        """An end of the axis for the longest bar or mark, with room for the value behind it."""
        longest = _round_up(high) if high > self.least else self.least
        return 1.3 * max(longest, *self.marks.values(), 0.0)

    def _fit(self, low: float, high: float) -> bool:
        left, right = self.ax.get_xlim()
        wanted = -1.3 * _round_up(-low) if low < 0 else 0.0, self._room(high)
        fits = left <= low and 1.25 * high <= right
        if (left, right) == wanted or (fits and right <= 4 * wanted[1] and left >= 4 * wanted[0]):
            return False
        self.ax.set_xlim(wanted)
        return True


def _round_up(value: float) -> float:
    """The next of ..., 1, 2, 5, 10, 20, 50, ..."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(power * step for step in (1, 2, 5, 10) if power * step >= value * (1 - 1e-9))
