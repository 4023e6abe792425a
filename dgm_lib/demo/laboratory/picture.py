"""The scene of the GAN laboratory: a plane for each match, and the numbers over the rounds."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from dgm_lib import plot
from dgm_lib.demo import layers
from dgm_lib.demo.laboratory import views
from dgm_lib.demo.laboratory.match import GAP, D, G, Match
from dgm_lib.demo.laboratory.parts import Below, Group, Named, Surface, Twins
from dgm_lib.demo.laboratory.truth import CELLS, SAMPLES
from dgm_lib.demo.run import Run
from dgm_lib.demo.scene import Panel, Scene

DATA, FAKE, PUSH, JUDGE = plot.SAMPLES, plot.MODEL, "#6a0d83", "#6a0d83"
ONE, OTHER = plot.SAMPLES, plot.SECOND  # two numbers, or the same of two matches
HEIGHT, WIDTHS = 480, (420, 350)
ESTIMATED = (
    f"rounds; q̂: {SAMPLES:,} samples in {CELLS} × {CELLS} cells\ndashed: of as many exact samples"
)
NARROW = ESTIMATED.replace(" in ", "\nin ").replace("\ndashed: ", "; dashed:\n")
TITLES = {D: "loss of D", G: "loss of G", "kl": "KL(p ‖ q̂)", "jsd": "JSD(p, q̂)"}
TITLES |= dict(modes="modes", good="good samples")
PAIR_HEIGHT, PAIR_WIDTH = 520, 300


def scene(pair: bool) -> Scene:
    """For one match: its plane and three graphs. For two: their planes and the graphs of both."""
    made = _two() if pair else _one()
    made.note.set_visible(False)  # the planes' own say which round it is
    return made


def _one() -> Scene:
    panels = [Panel(_plane(0), width=WIDTHS[0]), Panel([_numbers()], width=WIDTHS[1])]
    return Scene(*panels, height=HEIGHT)


def _two() -> Scene:
    left, right = (
        [*_plane(k, color, 1.14), Below(_losses(k), (0, -0.56, 1, 0.3))]
        for k, color in enumerate((ONE, OTHER))
    )
    panels = left, [Group(right)], [_comparison()]
    made = [Panel(parts, width=PAIR_WIDTH) for parts in panels]
    return Twins(*made, twins=dict(zip(left, right, strict=True)), height=PAIR_HEIGHT)


def _plane(k: int, color: str = "#222222", up: float = 1.1) -> list[layers.Layer]:
    words = ("data", DATA), ("fakes", FAKE), ("down G's loss", PUSH)
    best = Surface(_of(k, views.optimum), label="best D* = p / (p + q̂)")
    best.visible = False
    data = layers.Points(_of(k, lambda match: match.x), DATA)
    fakes = layers.Points(_of(k, views.fakes), FAKE, 4.5, 0.95)
    data.noun, fakes.noun = "data", "fakes"
    return [
        Surface(_of(k, views.surface), words, label="D's surface"),
        best,
        layers.Contours(_exact, _limits, label="exact density"),
        layers.Manifold(_of(k, views.manifold), FAKE, label="G's manifold"),
        data,
        fakes,
        layers.Arrows(_of(k, views.arrows), PUSH),
        layers.Note(_of(k, _said), (0, up), fontsize=8.5, bbox=None, color=color, label="words"),
    ]


def _numbers() -> layers.Stack:
    divergences = _pair_of("kl", "jsd", (ONE, OTHER), _nats, ESTIMATED)
    shares = _pair_of("modes", "good", (ONE, OTHER), _shares)
    floors = [_floor("kl", ONE), _floor("jsd", OTHER)]
    return layers.Stack(
        _losses(0),
        Panel([*floors, *divergences], " ", ylabel="nats", yscale="log"),
        Panel([_floor("good", OTHER), *shares], " ", ylabel="share", xlabel="rounds"),
    )


def _comparison() -> layers.Stack:
    def both(key: str, name: str, limits: Any, under: str) -> list[layers.Layer]:
        style = dict(name_color=plot.TRUTH, limits=limits, under=under)
        return [
            _floor(key, plot.TRUTH),
            Named(_history(0, key), name, _last(0, key), ONE, **style),
            Named(_history(1, key), "", _last(1, key), OTHER, at=0.7),
        ]

    return layers.Stack(
        Panel(both("kl", TITLES["kl"], _nats, NARROW), " ", ylabel="nats", yscale="log"),
        Panel(both("modes", "modes", _shares, "rounds"), " ", ylabel="share"),
        Panel(both("good", "good", _shares, "rounds"), " ", ylabel="share"),
    )


def _losses(k: int) -> Panel:
    curves = _pair_of(D, G, (JUDGE, FAKE), _losses_limits(k), k=k)
    return Panel(curves, " ", ylabel="loss", xlabel="rounds")


def _pair_of(
    one: str, other: str, colors: tuple[str, str], limits: Any, under: str | None = None, k: int = 0
) -> list[layers.Layer]:
    """The curves of two numbers of a match."""
    first = Named(
        _history(k, one), TITLES[one], _last(k, one), colors[0], limits=limits, under=under
    )
    return [first, Named(_history(k, other), TITLES[other], _last(k, other), colors[1], at=0.5)]


def _floor(key: str, color: str) -> layers.Layer:
    """What exact samples score."""

    def line(run: Run) -> tuple[list[float], list[float]]:
        floor = getattr(_match(run, 0).truth.floor, key)
        return [0, 1e9], [floor, floor]

    return layers.Graph(line, color=color, ls="--", lw=1.0)


# ---- what the layers draw ------------------------------------------------------------------------


def _match(run: Run, k: int) -> Match:
    return run.frame["matches"][k]


def _of(k: int, view: Callable[[Match], Any]) -> Callable[[Run], Any]:
    return lambda run: view(_match(run, k))


def _exact(run: Run) -> tuple[Any, Any]:
    truth = _match(run, 0).truth
    return truth.density, truth.box


def _limits(run: Run) -> Any:
    return _match(run, 0).truth.box


def _history(k: int, key: str) -> Callable[[Run], Any]:
    def source(run: Run) -> tuple[np.ndarray, np.ndarray]:
        rows = np.asarray(_match(run, k).history[key].rows, float).reshape(-1, 2)
        return rows[:, 0], rows[:, 1]

    return source


def _rounds(run: Run) -> tuple[float, float]:
    last = max(_match(run, 0).round, 100)
    power = 10.0 ** math.floor(math.log10(last))
    return 0.0, next(power * step for step in (1, 2, 5, 10) if power * step >= last)


def _nats(run: Run) -> Any:
    floor = _match(run, 0).truth.floor
    return _rounds(run), (min(floor.kl, floor.jsd) / 2, 10.0)


def _shares(run: Run) -> Any:
    return _rounds(run), (-0.03, 1.05)


def _losses_limits(k: int) -> Callable[[Run], Any]:
    def limits(run: Run) -> Any:
        known = [_history(k, key)(run)[1] for key in (D, G)]
        values = np.concatenate(known)
        if not len(values):
            return _rounds(run), (0.0, 2.0)
        low, high = np.quantile(values, [0.005, 0.995])
        step = 10.0 ** math.floor(math.log10(max(high - low, 0.2)))
        return _rounds(run), (math.floor(low / step) * step, math.ceil(high / step) * step)

    return limits


# ---- what the notes say --------------------------------------------------------------------------


def _said(match: Match) -> str:
    _, down = views.slopes(match)
    says = f": {match.said}" if match.p.slow and match.said else ""
    slope = f"mean slope {down.norm(dim=-1).mean():.2g}"
    gap = match.history[GAP].last
    gap = "the critic less its mean" if match.is_critic else f"mean |D − D*| {gap:.2f}"
    return f"{match.name}, round {match.round:,}{says}\n{slope}, {gap}"


def _last(k: int, key: str) -> Callable[[Run], str]:
    """The last value."""

    def words(run: Run) -> str:
        match = _match(run, k)
        value, centres = match.history[key].last, match.truth.centres
        if math.isnan(value):
            return "–" if key == "modes" else ""
        if key == "modes":
            return f"{value * len(centres):.0f} of {len(centres)}"
        if key == "good":
            return f"{value:.0%}"
        return f"{value:.{2 if key in (D, G) else 3}f}".replace("-", "−")

    return words
