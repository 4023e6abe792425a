"""The scene of the arena explorer: a plane for each family, and the numbers of both."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from matplotlib.colors import LinearSegmentedColormap

from dgm_lib import plot
from dgm_lib.demo import layers
from dgm_lib.demo.arena.race import Shot, Side
from dgm_lib.demo.run import Run
from dgm_lib.demo.scene import Panel, Scene

WIDTHS, HEIGHT = (290, 290, 280), 370
COLORS = (plot.SAMPLES, plot.SECOND)
MAPS = [
    LinearSegmentedColormap.from_list("side", ["#ffffff", "#ffffff", color]) for color in COLORS
]
SHOWN = 600  # samples that are drawn
LEAST = 1e-3  # nats: a gap that is less, by the chance of the points, is drawn there


def scene() -> Scene:
    """Left and right, and the JSD and the gap of both over the training."""
    planes = [Panel(_plane(k), width=WIDTHS[k]) for k in (0, 1)]
    made = Scene(*planes, Panel([_numbers()], width=WIDTHS[2]), height=HEIGHT)
    made.note.set_visible(False)  # the planes' own say which step it is
    return made


def _plane(k: int) -> list[layers.Layer]:
    density = layers.Heat(_of(k, lambda shot: (shot.density, shot.truth.box)), MAPS[k])
    density.noun, density.visible = "samples, blurred", False
    samples = layers.Points(_of(k, lambda shot: shot.samples[:SHOWN]), COLORS[k], 2.6, 0.55)
    samples.noun = "samples"
    note = dict(fontsize=8.5, bbox=None, color=COLORS[k], label="words")
    return [
        density,
        layers.Contours(_exact, _limits, label="exact density"),
        samples,
        layers.Note(lambda run: _said(run, k), (0, 1.04), **note),
    ]


def _numbers() -> layers.Stack:
    jsd = [_curve(k, lambda shot: shot.jsd, _jsd_limits) for k in (0, 1)]
    gap = [_curve(k, _gap_of, _gap_limits) for k in (0, 1)]
    axes = dict(ylabel="nats", yscale="log", ylim=(LEAST, 1))
    return layers.Stack(
        Panel([_floor(), *jsd, *_marks()], "JSD of samples, in cells", **axes),
        Panel([*gap, *_marks(), _under()], "likelihood gap", **axes, xlabel=" "),
    )


def _curve(k: int, value: Callable[[Shot], float | None], limits: Any) -> layers.Graph:
    def line(run: Run) -> tuple[list[float], list[float]]:
        side = _side(run, k)
        known = [(side.clock(shot), value(shot)) for shot in side.shots]
        known = [(x, y) for x, y in known if y is not None]
        return [x for x, _ in known], [y for _, y in known]

    return layers.Graph(line, limits, COLORS[k], marker=".", ms=4)


def _floor() -> layers.Graph:
    """What exact samples get."""

    def line(run: Run) -> tuple[list[float], list[float]]:
        return [0, 1e9], [_side(run, 0).truth.floor] * 2

    return layers.Graph(line, color=plot.TRUTH, ls="--", lw=1.0)


def _marks() -> list[layers.Graph]:
    """Where the planes are in the training: a line for each."""

    def mark(k: int) -> Callable[[Run], Any]:
        def line(run: Run) -> tuple[list[float], list[float]]:
            at = _side(run, k).clock(_shot(run, k))
            return [at, at], [LEAST / 10, 1e3]

        return line

    return [layers.Graph(mark(k), color=COLORS[k], lw=0.8, ls=":") for k in (0, 1)]


def _under() -> layers.Note:
    """Says what time is counted in, and whose gap is not asked for."""

    def words(run: Run) -> str:
        sides = [_side(run, k) for k in (0, 1)]
        without = dict.fromkeys(side.name for side in sides if side.shots[-1].gap is None)
        unit = "CPU seconds" if sides[0].by_time else "steps"
        missing = f"; no exact gap: {', '.join(without)}" if without else ""
        return unit + missing

    style = dict(fontsize=8, bbox=None, color=plot.TRUTH, ha="right", va="top", in_layout=False)
    return layers.Note(words, (1, -0.2), **style)


# ---- what the layers draw ------------------------------------------------------------------------


def _side(run: Run, k: int) -> Side:
    return run.frame["sides"][k]


def _shot(run: Run, k: int) -> Shot:
    return _side(run, k).at(run.p.scrub)


def _of(k: int, view: Callable[[Shot], Any]) -> Callable[[Run], Any]:
    return lambda run: view(_shot(run, k))


def _exact(run: Run) -> tuple[Any, Any]:
    truth = _side(run, 0).truth
    return truth.density, truth.box


def _limits(run: Run) -> Any:
    return _side(run, 0).truth.box


def _said(run: Run, k: int) -> str:
    side, shot = _side(run, k), _shot(run, k)
    when = f"{shot.seconds:.1f} s, step {shot.steps:,}" if side.by_time else f"step {shot.steps:,}"
    gap = "" if shot.gap is None else f", gap {shot.gap:.3f} nats"
    return f"{side.name}, {when}\nJSD {shot.jsd:.3f}{gap}".replace("-", "−")


def _gap_of(shot: Shot) -> float | None:
    if shot.gap is None or not math.isfinite(shot.gap):
        return None
    return max(shot.gap, LEAST)


# ---- limits, which change rarely -----------------------------------------------------------------


def _time(run: Run) -> tuple[float, float]:
    sides = [_side(run, k) for k in (0, 1)]
    last = max(side.clock(side.shots[-1]) for side in sides)
    least = 1.0 if sides[0].by_time else 20.0
    last = max(last, least)
    power = 10.0 ** math.floor(math.log10(last))
    return 0.0, next(power * step for step in (1, 2, 4, 6, 8, 10) if power * step >= last)


def _jsd_limits(run: Run) -> Any:
    floor = _side(run, 0).truth.floor
    return _time(run), (10 ** math.floor(math.log10(floor / 1.5)), 1.0)


def _gap_limits(run: Run) -> Any:
    gaps = [shot.gap for k in (0, 1) for shot in _side(run, k).shots]
    known = [gap for gap in gaps if gap is not None and math.isfinite(gap)]
    top = max([1.0, *known])
    low = min([0.1, *(max(gap, LEAST) for gap in known)])
    ends = 10.0 ** math.floor(math.log10(low)), 10.0 ** math.ceil(math.log10(top))
    return _time(run), ends
