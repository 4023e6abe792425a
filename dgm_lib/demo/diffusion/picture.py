"""The scene of `denoiser`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter

from dgm_lib import plot
from dgm_lib.demo import layers
from dgm_lib.demo.diffusion.walk import FEW, Seen, Walk
from dgm_lib.demo.diffusion.walking import BACKWARD
from dgm_lib.demo.run import Run
from dgm_lib.demo.scene import Panel, Scene

WIDTHS, HEIGHT = (285, 290, 235), 345
CLOUD = 300  # points in the plane of the field; all of them are in the second
NO_ARROWS = np.zeros((1, 2)), np.zeros((1, 2))
LINES = [plot.LABELS[k % len(plot.LABELS)] for k in range(FEW)]


def scene() -> Scene:
    """The field at a time t, the points at that time against the exact law, and the errors."""
    made = Scene(_field(), _samples(), Panel([_numbers()], width=WIDTHS[2]), height=HEIGHT)
    made.note.set_visible(False)  # the note of the field counts the steps
    return made


def _field() -> Panel:
    parts = [
        layers.Heat(_density, plot.TRUTH_MAP, label="density at t"),
        layers.Contours(_data, _box, color="#a8a8a8", label="data law"),
        layers.Points(_of(lambda seen: seen.x[:CLOUD]), size=2, alpha=0.5),
        _Field(_exact_arrows, plot.TRUTH, label="exact score"),
        _Field(_learned_arrows, plot.MODEL, label="learned score"),
        layers.Strokes(_of(lambda seen: (seen.trails, LINES[: len(seen.trails)])), label="trails"),
        layers.Note(_time, (0.02, 0.98), va="top", fontsize=8, label="time"),
    ]
    return Panel(parts, "exact law of $x_t$ and its score", WIDTHS[0])


def _samples() -> Panel:
    parts = [
        layers.Contours(_density, _box, label="exact law at t"),
        layers.Points(_of(lambda seen: seen.x), size=2.2, alpha=0.4),
        layers.Marginals(_of(lambda seen: seen.marginals)),
        layers.Note(_who, (0.02, 0.02), fontsize=8, label="who steers"),
    ]
    return Panel(parts, width=WIDTHS[1])


def _numbers() -> layers.Stack:
    style = dict(fontsize=8, in_layout=False)
    distance = Panel(
        [
            LogGraph(_over_time("floor"), color=plot.TRUTH, ls="--"),
            LogGraph(_over_time("distance"), _limits("distance", "floor"), lw=1.8),
            LogGraph(_now("distance"), marker="o", ms=4, ls=""),
            layers.Note(_distance, (0.03, 0.06), **style),
        ],
        title="distance (sliced W₂)",
    )
    error = Panel(
        [
            LogGraph(_over_time("error"), _limits("error"), color=plot.MODEL, lw=1.8),
            LogGraph(_now("error"), color=plot.MODEL, marker="o", ms=4, ls=""),
            layers.Note(_error, (0.03, 0.06), **style),
        ],
        title="error of learned ε",
        xlabel="$t$: from noise to data",
    )
    return layers.Stack(distance, error)


class LogGraph(layers.Graph):
    """A curve on a log scale with round numbers only."""

    def setup(self, ax: Axes) -> None:
        super().setup(ax)
        ax.set_yscale("log")
        ax.yaxis.set_minor_formatter(NullFormatter())


class _Field(layers.Arrows):
    """Arrows with thinner shafts, as there are many."""

    def _quiver(self, start: np.ndarray, displacement: np.ndarray) -> Any:
        arrows = super()._quiver(start, displacement)
        arrows.width = 0.0035
        return arrows


# ---- what the layers draw ------------------------------------------------------------------------


def _walk(run: Run) -> Walk:
    return run.frame["walk"]


def _seen(run: Run) -> Seen:
    """At the time of the slider, which the points have or have not reached."""
    return _walk(run).at(run.p.t)


def _of(what: Callable[[Seen], Any]) -> Callable[[Run], Any]:
    return lambda run: what(_seen(run))


def _box(run: Run) -> Any:
    return _walk(run).truth.box


def _density(run: Run) -> tuple[np.ndarray, Any]:
    return _seen(run).moment.density, _box(run)


def _data(run: Run) -> tuple[np.ndarray, Any]:
    return _walk(run).truth.data, _box(run)


def _exact_arrows(run: Run) -> Any:
    return _seen(run).arrows(_walk(run).truth.exact)


def _learned_arrows(run: Run) -> Any:
    learned = _walk(run).learned
    return NO_ARROWS if learned is None else _seen(run).arrows(learned)


def _over_time(name: str) -> Callable[[Run], Any]:
    def source(run: Run) -> tuple[list[float], list[float]]:
        numbers = _walk(run).numbers
        return [row.t for row in numbers], [getattr(row, name) for row in numbers]

    return source


def _now(name: str) -> Callable[[Run], Any]:
    """The point of a curve that belongs to what is seen."""

    def source(run: Run) -> tuple[list[float], list[float]]:
        seen = _seen(run)
        shown = [_walk(run).numbers[seen.i]] if seen.live else []
        return [row.t for row in shown], [getattr(row, name) for row in shown]

    return source


def _limits(*names: str) -> Callable[[Run], Any]:
    """Those of the axes, which widen rarely."""

    def limits(run: Run) -> tuple[tuple[float, float], ...]:
        rows = _walk(run).numbers
        return (1.02, -0.02), decades([getattr(row, name) for row in rows for name in names])

    return limits


def decades(values: list[float]) -> tuple[float, float]:
    """The whole decades around the positive ones of some values."""
    values = [value for value in values if 0 < value < math.inf] or [0.02, 0.5]
    low, high = math.log10(min(values)), math.log10(1.01 * max(values))
    return 10.0 ** math.floor(low), 10.0 ** math.ceil(high)


# ---- what the notes say --------------------------------------------------------------------------


def _time(run: Run) -> str:
    seen, walk = _seen(run), _walk(run)
    if run.frame["training"]:
        return f"training: {run.frame['training']}\nseen at t = {seen.moment.t:.2f}"
    moment, of = seen.moment, len(walk.times) - 1
    there = f"step {seen.i} of {of}" if seen.live else "not reached"
    return f"{there}, t = {moment.t:.2f}\nα = {moment.alpha:.2f}, σ = {moment.sigma:.2f}"


def _who(run: Run) -> str:
    seen = _seen(run)
    if run.frame["training"] or not seen.live:
        return "exact samples"
    if run.p.direction != BACKWARD:
        return "the noising process"
    return f"{run.p.sampler}, {run.p.steers} score"


def _distance(run: Run) -> str:
    seen = _seen(run)
    if not seen.live:
        return ""
    row = _walk(run).numbers[seen.i]
    return f"{row.distance:.3f} (exact {row.floor:.3f})"


def _error(run: Run) -> tuple[str, str]:
    seen = _seen(run)
    if _walk(run).learned is None:
        return "nothing learned yet", plot.TRUTH
    return (f"{_walk(run).numbers[seen.i].error:.3f}" if seen.live else ""), plot.MODEL
