"""The scene of `guidance_dial`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from scipy.ndimage import gaussian_filter

from dgm_lib import plot
from dgm_lib.demo import layers
from dgm_lib.demo.diffusion.guiding import Passage
from dgm_lib.demo.diffusion.picture import LogGraph, decades
from dgm_lib.demo.diffusion.tilt import WEIGHTS, Numbers
from dgm_lib.demo.run import Run
from dgm_lib.demo.scene import Panel, Scene

WIDTHS, HEIGHT = (285, 285, 240), 390
BINS, SMOOTH = 60, 1.2  # per axis, and the width of the kernel in bins
CLOUD = 300
CLASS_MAP = LinearSegmentedColormap.from_list("class", ["#ffffff", "#f7e6c0", "#f0bf5c"])
SAMPLE_MAP = LinearSegmentedColormap.from_list("samples", ["#ffffff", "#9fcbe6", plot.SAMPLES])


def scene() -> Scene:
    """The map of the class, what came out against the tilted law, and the numbers over w."""
    made = Scene(_ways(), _result(), Panel([_numbers()], width=WIDTHS[2]), height=HEIGHT)
    made.note.set_visible(False)  # the note on the map counts the steps
    return made


def _ways() -> Panel:
    parts = [
        _Probability(_class, CLASS_MAP, label="p(y | x_t)"),
        layers.Contours(_law, _box, color="#a8a8a8", label="data law"),
        layers.Strokes(_trails, lw=0.7, alpha=0.5, label="trails"),
        layers.Points(lambda run: run.frame["x"][:CLOUD], size=2, alpha=0.6),
        layers.Note(_time, (0.02, 0.98), va="top", fontsize=8, label="time"),
    ]
    return Panel(parts, "$p(y\\,|\\,x_t)$ and where points go", WIDTHS[0])


def _result() -> Panel:
    points = layers.Points("x", size=1.5, alpha=0.5)
    points.visible = False
    parts = [
        layers.Heat(_histogram, SAMPLE_MAP, label="samples"),
        points,
        layers.Contours(_tilted, _box, label="tilted law"),
        layers.Note(_setting, (0, 1.02), fontsize=8, in_layout=False, label="setting"),
    ]
    return Panel(parts, "samples, exact $p(x)\\,p(y\\,|\\,x)^w/Z$\n\n", WIDTHS[1])


def _numbers() -> layers.Stack:
    truth = dict(color=plot.TRUTH, ls="--", lw=1.2)
    distance = [_floors(**truth), *_tried("distance", _distances, LogGraph)]
    fidelity = [_exact("fidelity", **truth), *_tried("fidelity", _fidelities)]
    diversity = [_exact("diversity", **truth), *_tried("diversity", _diversities)]
    ticks = dict(xticks=[0, 2, 4, 6, 8])
    return layers.Stack(
        Panel(distance, title="distance to the tilted law", **ticks),
        Panel(fidelity, title="mean p(y | x)", **ticks),
        Panel(diversity, title="spread", xlabel="w", **ticks),
    )


class _Probability(layers.Heat):
    """A heat map from 0 to 1."""

    def update(self, run: Run) -> bool:
        changed = super().update(run)
        self.artists[0].set_clim(0, 1)
        return changed


# ---- what the layers draw ------------------------------------------------------------------------


def _passage(run: Run) -> Passage:
    return run.frame["passage"]


def _box(run: Run) -> Any:
    return _passage(run).labelled.box


def _class(run: Run) -> tuple[np.ndarray, Any]:
    return _passage(run).map(run.frame["t"]), _box(run)


def _law(run: Run) -> tuple[np.ndarray, Any]:
    labelled = _passage(run).labelled
    return labelled.density, labelled.grid.box


def _tilted(run: Run) -> tuple[np.ndarray, Any]:
    passage = _passage(run)
    return passage.tilted.density, passage.labelled.grid.box


def _trails(run: Run) -> Any:
    paths = _passage(run).trails(int(run.frame["i"]))
    return paths, [plot.SAMPLES] * len(paths)


def _histogram(run: Run) -> tuple[np.ndarray, Any]:
    x = run.frame["x"].double().numpy()
    counts, *_ = np.histogram2d(*x.T, BINS, _box(run))
    return gaussian_filter(counts, SMOOTH), _box(run)


def _color(run: Run, way: str) -> str:
    return plot.LABELS[run.frame["ways"].index(way) % len(plot.LABELS)]


def _tried(
    name: str, limits: Callable[[Run], Any], graph: type[layers.Graph] = layers.Graph
) -> list[layers.Layer]:
    """What has been tried by the chosen way as a line, and by all ways as dots."""

    def line(run: Run) -> tuple[list[float], list[float]]:
        rows = sorted(run.frame["tried"][run.p.way].items())
        return [w for w, _ in rows], [getattr(row, name) for _, row in rows]

    def dots(run: Run) -> tuple[np.ndarray, list[str]]:
        points, colors = [], []
        for way, rows in run.frame["tried"].items():
            points += [(w, getattr(row, name)) for w, row in rows.items()]
            colors += [_color(run, way)] * len(rows)
        return np.array(points), colors

    return [
        graph(line, limits, color="#8c8c8c", lw=0.8),
        layers.Dots(dots, size=3.5),
        graph(_last(name), color="black", marker="o", mfc="none", ms=7, ls=""),
    ]


def _last(name: str) -> Callable[[Run], Any]:
    return lambda run: ([_passage(run).guide.w], [getattr(_passage(run).result, name)])


def _floors(**style: Any) -> layers.Graph:
    def source(run: Run) -> tuple[list[float], list[float]]:
        rows = {w: row for tried in run.frame["tried"].values() for w, row in tried.items()}
        return sorted(rows), [rows[w].floor for w in sorted(rows)]

    return LogGraph(source, marker="_", **style)


def _exact(name: str, **style: Any) -> layers.Graph:
    def source(run: Run) -> tuple[np.ndarray, list[float]]:
        passage = _passage(run)
        return WEIGHTS, [getattr(row, name) for row in passage.labelled.curves(passage.guide.y)]

    return layers.Graph(source, **style)


def _all(run: Run, name: str) -> list[float]:
    """Everything that is drawn of these numbers."""
    passage = _passage(run)
    exact: list[Numbers] = passage.labelled.curves(passage.guide.y)
    tried = [row for rows in run.frame["tried"].values() for row in rows.values()]
    return [getattr(row, name) for row in (*exact, *tried)]


def _distances(run: Run) -> Any:
    rows = [row for tried in run.frame["tried"].values() for row in tried.values()]
    return (-0.3, 8.3), decades([value for row in rows for value in (row.distance, row.floor)])


def _fidelities(run: Run) -> Any:
    return (-0.3, 8.3), (math.floor(9 * min(_all(run, "fidelity"))) / 10, 1.05)


def _diversities(run: Run) -> Any:
    return (-0.3, 8.3), (0, _up(max(_all(run, "diversity"))))


def _up(value: float) -> float:
    """The next number with room above it of 0.1, 0.2, 0.5, 1, ..."""
    power = 10.0 ** math.floor(math.log10(max(value, 1e-3)))
    return next(power * step for step in (1, 2, 5, 10, 20) if power * step > 1.1 * value)


# ---- what the notes say --------------------------------------------------------------------------


def _time(run: Run) -> str:
    i, of = int(run.frame["i"]), len(_passage(run).times) - 1
    return f"step {i} of {of}, t = {run.frame['t']:.2f}"


def _setting(run: Run) -> tuple[str, str]:
    guide, result = _passage(run).guide, _passage(run).result
    words = f"{run.p.way} ({run.p.parts}), y = {guide.y}, w = {guide.w:.3g}\n"
    words += f"distance {result.distance:.3f} (exact {result.floor:.3f})"
    return words, _color(run, run.p.way)
