"""The scene of the sampler gallery."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from dgm_lib import plot
from dgm_lib.demo import layers
from dgm_lib.demo.run import Run
from dgm_lib.demo.samplers.sampling import ACCEPTED, FEW, PROPOSED, REJECTED, SWAPPED
from dgm_lib.demo.samplers.tally import LAGS, TRACE, Tally
from dgm_lib.demo.scene import Panel, Scene

COLORS = {PROPOSED: "#e69f00", ACCEPTED: plot.SECOND, REJECTED: "#c0408a", SWAPPED: plot.SAMPLES}
TRAIL = 30  # frames
WIDTHS, HEIGHT = (430, 330), 450


class _Samples(layers.Points):
    noun = "samples"


class _Chains(layers.Points):
    noun = "chains"


def scene() -> Scene:
    """The plane with its marginals; beside it trace, autocorrelation and distance."""
    made = Scene(_plane(), Panel([_numbers()], width=WIDTHS[1]), height=HEIGHT)
    made.note.set_visible(False)  # it would count half-steps
    return made


def _plane() -> Panel:
    parts = [
        layers.Landscape(lambda run: (run.frame["tally"].exact.density, _exact(run).box)),
        layers.Marginals(_of(Tally.marginals)),
        _Samples(_of(Tally.cloud)),
        layers.Trails("few", n=FEW, last=TRAIL, color="#56b4e9"),
        _Chains("few", size=6, alpha=1),
        layers.Ways(_moving("ways"), COLORS, label="trajectories"),
        layers.Moves(_moving("paths"), COLORS),
        layers.Note(_verdict, (0.02, 0.98), va="top", fontsize=10, label="verdict"),
        layers.Note(_settings, (0.02, 0.02), label="settings"),
        layers.Note(_so_far, (1.13, 1.13), ha="center", va="center", label="acceptance"),
    ]
    return Panel(parts, width=WIDTHS[0])


def _numbers() -> layers.Stack:
    trace = Panel(
        [layers.Graph(_of(Tally.trace), _trace_limits, lw=1)],
        title="$x_1$ of chain 1",
        xlabel="steps ago",
    )
    correlation = Panel(
        [
            layers.Stems(_of(Tally.autocorrelation), lw=2),
            layers.Note(_ess, (0.99, 0.97), ha="right", va="top"),
        ],
        title="autocorrelation of $x_1$",
        xlabel="lag",
        xlim=(-0.7, LAGS + 0.7),
        ylim=(-0.4, 1.05),
    )
    distance = Panel(
        [
            layers.Graph(_distances(2), color=plot.TRUTH, ls="--"),
            layers.Graph(_distances(1), _distance_limits, lw=1.8),
            layers.Note(_distance, (0.02, 0.1)),
        ],
        title="total variation from the exact law",
        xlabel="points visited",
        xscale="log",
        yscale="log",
    )
    return layers.Stack(trace, correlation, distance)


# ---- what the layers draw ------------------------------------------------------------------------


def _of(method: Callable[[Tally], Any]) -> Callable[[Run], Any]:
    return lambda run: method(run.frame["tally"])


def _moving(what: str) -> Callable[[Run], Any]:
    return lambda run: (getattr(run.frame["moves"], what), run.frame["moves"].verdicts)


def _exact(run: Run) -> Any:
    return run.frame["tally"].exact


def _trace_limits(run: Run) -> tuple[tuple[float, float], ...]:
    return (-TRACE, 0), tuple(_exact(run).box[0])


def _distances(column: int) -> Callable[[Run], Any]:
    def source(run: Run) -> tuple[list[float], list[float]]:
        tally = run.frame["tally"]
        rows = [*tally.distances, *([tally.distance()] if tally.n else [])]
        return [row[0] for row in rows], [row[column] for row in rows]

    return source


def _distance_limits(run: Run) -> tuple[tuple[float, float], ...]:
    tally, chains = run.frame["tally"], len(run.frame["x"])
    steps = 10.0 ** math.ceil(math.log10(max(tally.steps, 1000)))
    floor = 10.0 ** math.floor(math.log10(tally.distance()[2]) - 0.3)
    return (chains, chains * steps), (min(floor, 0.01), 1.2)


# ---- what the notes say --------------------------------------------------------------------------


def _verdict(run: Run) -> tuple[str, str]:
    moves = run.frame["moves"]
    if not moves.verdicts:
        return "", plot.TRUTH
    verdict, chance = moves.verdicts[0], moves.chances[0]
    whose = "chain 1: " if len(moves.verdicts) > 1 else ""
    known = verdict != PROPOSED and not len(moves.ways)  # of a trajectory it is but a mean
    odds = f" (probability {chance:.2f})" if known else ""
    return whose + verdict + odds, COLORS[verdict]


def _settings(run: Run) -> str:
    return f"{run.p.sampler}, step size {run.p.step:.3g}"


def _so_far(run: Run) -> str:
    tally = run.frame["tally"]
    share = f"{tally.acceptance():.0%}" if tally.n else "–"
    return f"step {tally.steps:,}\naccepted\n{share}"


def _ess(run: Run) -> str:
    ess = run.frame["tally"].ess_per_step()
    return "" if math.isnan(ess) else f"ESS per step {ess:.2g}"


def _distance(run: Run) -> str:
    n, distance, floor = run.frame["tally"].distance()
    return f"{distance:.3f}  (i.i.d., dashed: {floor:.3f})" if n else ""
