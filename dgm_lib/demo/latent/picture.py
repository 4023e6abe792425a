"""The scene of the latent plane explorer."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from matplotlib.axes import Axes
from torch import Tensor

from dgm_lib import plot
from dgm_lib.demo import layers
from dgm_lib.demo.latent.seen import Seen
from dgm_lib.demo.run import Run
from dgm_lib.demo.scene import Panel, Scene

CHOSEN = "#a3006a"  # the z of the sliders, and what it decodes to
WIDTHS, HEIGHT = (272, 272, 258), 345
NAME = 0.16  # the height of a line of names, as a share of the axes


def scene() -> Scene:
    """The latent plane, the data plane, and the numbers over the steps."""
    made = Scene(_latent(), _data(), Panel([_numbers()], width=WIDTHS[2]), height=HEIGHT)
    made.note.set_visible(False)  # it would lie on an axis: the data plane's note counts steps
    return made


def _latent() -> Panel:
    chosen = layers.Points(lambda run: _z(run)[None], CHOSEN, size=8, alpha=1)
    chosen.noun = "z"
    parts = [
        layers.Contours(_of(Seen.prior), _of(Seen.limits), label="prior"),
        layers.Dots(_of(Seen.means), size=2.2, alpha=0.35, label="means"),
        layers.Strokes(_of(Seen.posteriors), lw=1.3, label="q(z | x)"),
        layers.Dots(_of(Seen.centres), size=3, label="centres"),
        layers.Strokes(_walk, lw=0.8, label="walks"),
        chosen,
        layers.Note(_rates, (0.02, 0.03), fontsize=8, label="KL"),
    ]
    title = "latent plane: q(z | x) for 30 data\nover the contours of the prior"
    return Panel(parts, title, WIDTHS[0], xlabel="$z_1$", ylabel="$z_2$")


def _data() -> Panel:
    samples = layers.Points(_of(Seen.samples))
    samples.noun, samples.visible = "samples", False
    decoded = layers.Ellipse(lambda run: run.frame["seen"].decoded(_z(run)), CHOSEN)
    decoded.noun = "p(x | z)"
    parts = [
        layers.Heat(_of(Seen.density), label="model's density"),
        layers.Contours(_exact, lambda run: run.frame["seen"].truth.box, label="exact density"),
        samples,
        layers.Dots(_watched, size=3.5, label="data"),
        layers.Strokes(_of(Seen.reconstructions), lw=1.2, label="reconstructions"),
        layers.Strokes(_decoded_walk, lw=0.8, label="decoded walks"),
        decoded,
        layers.Note(_settings, (0.02, 0.03), fontsize=8, label="settings"),
    ]
    title = "data plane: model's density under\nthe contours of the exact one"
    return Panel(parts, title, WIDTHS[1])


def _numbers() -> layers.Stack:
    bound = _Named(
        {"−ELBO": "negative_elbo", "KL": "kl", "distortion": "distortion"},
        floor="entropy",
        floor_label="entropy",
    )
    gap = _Named({"": "gap"}, log=True)
    style = dict(fontsize=8, color=plot.SAMPLES, bbox=None, in_layout=False)
    value = layers.Note(_gap, (0, 1.07), **style)
    return layers.Stack(
        Panel([bound], title="the bound in parts\n\n", ylabel="nats"),
        Panel([gap, value], title="KL(p ‖ model)\n", ylabel="nats"),
    )


class _Named(layers.Curve):
    """Curves with their names above the axes, where none of them ever goes."""

    def setup(self, ax: Axes) -> None:
        super().setup(ax)
        rows = math.ceil(len(self.lines) / 2)
        for k, (name, line) in enumerate(zip(self.keys, self.lines, strict=True)):
            at = 0.55 * (k % 2), 1.03 + NAME * (rows - 1 - k // 2)
            style = dict(color=line.get_color(), fontsize=8.5, transform=ax.transAxes)
            ax.text(*at, name, in_layout=False, **style)
            line.set_label("_")  # no legend
        # Room for half of the last number below: the layout is found before there is one.
        ax.text(1, 0, "00", alpha=0, fontsize=9, transform=ax.transAxes)


# ---- what the layers draw ------------------------------------------------------------------------


def _of(method: Callable[[Seen], Any]) -> Callable[[Run], Any]:
    return lambda run: method(run.frame["seen"])


def _z(run: Run) -> Tensor:
    return torch.tensor([run.p.z1, run.p.z2])


def _walk(run: Run) -> tuple[Tensor, list[str]]:
    return run.frame["seen"].walk(_z(run)), [CHOSEN]


def _decoded_walk(run: Run) -> tuple[Tensor, list[str]]:
    seen = run.frame["seen"]
    return seen.decoded(seen.walk(_z(run)))[0], [CHOSEN]


def _watched(run: Run) -> tuple[Tensor, Any]:
    return run.frame["seen"].x, run.frame["seen"].colors


def _exact(run: Run) -> tuple[Any, Any]:
    return run.frame["seen"].truth.density, run.frame["seen"].truth.box


# ---- what the notes say --------------------------------------------------------------------------


def _rates(run: Run) -> str:
    seen = run.frame["seen"]
    rates = " + ".join(f"{rate:.2f}" for rate in seen.rates.tolist())
    return f"KL {rates} nats, {seen.active} of 2 active"


def _settings(run: Run) -> str:
    return f"step {run.t}, β = {run.p.beta:.3g}, z = ({run.p.z1:.2f}, {run.p.z2:.2f})"


def _gap(run: Run) -> str:
    return f"importance: {run.frame['seen'].gap}"
