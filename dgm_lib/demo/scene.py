"""From a run to pixels: Agg with blitting, so that only what moves is drawn for each picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.legend import Legend

from dgm_lib import plot
from dgm_lib.demo.layers import Layer
from dgm_lib.demo.layers.base import NotYet
from dgm_lib.demo.run import Run
from dgm_lib.nets.inputs import positive

SHARPNESS = 1.5  # pixels drawn per CSS pixel: legible on screens of high resolution
PASSES = 3  # after which the layout has settled
DPI = 100  # CSS pixels per inch of the figure: its fonts are 1.39 CSS pixels per point


class Panel:
    """Layers on one pair of axes, from the back to the front; `axes` go to `ax.set`."""

    def __init__(
        self,
        layers: Sequence[Layer],
        title: str | None = None,
        width: float | None = None,
        **axes: Any,
    ) -> None:
        is_list = isinstance(layers, Sequence) and len(layers)
        if not is_list or not all(isinstance(layer, Layer) for layer in layers):
            raise ValueError(f"layers must be a non-empty list of layers, got {layers!r}")
        self.layers, self.title, self.width, self.axes = list(layers), title, width, axes


class Scene:
    """Panels side by side; `width` and `height` of a panel are in CSS pixels.

    A panel is a `Panel` or a list of layers. The figure, its axes and its artists are made
    once; `render` then draws what has changed over a stored background.
    """

    def __init__(
        self,
        *panels: Panel | Sequence[Layer],
        width: float = 420,
        height: float = 340,
    ) -> None:
        if not panels:
            raise ValueError("panels must be at least one, got none")
        width, height = positive("width", width), positive("height", height)
        self.panels = [panel if isinstance(panel, Panel) else Panel(panel) for panel in panels]
        widths = [panel.width or width for panel in self.panels]
        self.size = round(sum(widths)), round(height)
        with matplotlib.rc_context(plot.STYLE):
            self.figure = Figure(
                figsize=(sum(widths) / DPI, height / DPI),
                dpi=DPI * SHARPNESS,
            )
            self.layout = ConstrainedLayoutEngine()
            self.canvas = FigureCanvasAgg(self.figure)
            self.axes = self.figure.subplots(1, len(widths), squeeze=False, width_ratios=widths)[0]
            legends = map(_fill, self.panels, self.axes)
            self.legends = [legend for legend in legends if legend is not None]
            self.note = self.figure.text(0.998, 0.005, "", fontsize=8, ha="right", va="bottom")
        self._background: Any = None
        self._widths: list[int] = []

    @property
    def layers(self) -> list[Layer]:
        """All layers, panel by panel."""
        return [layer for panel in self.panels for layer in panel.layers]

    @property
    def memory(self) -> int:
        """The number of past frames that some layer looks back on."""
        return max(layer.memory for layer in self.layers)

    def show(self, layer: Layer, visible: bool) -> None:
        """Show or hide a layer from the next picture on."""
        layer.visible = visible
        self._background = None

    def render(self, run: Run) -> np.ndarray:
        """The picture of a run, `(height, width, 3)` in uint8."""
        moving = [layer for layer in self.layers if self._moves(layer, run)]
        self.note.set_text(f"step {run.t}" if run.t >= 0 else "")
        if self._background is None:
            self._draw_background()
        self.canvas.restore_region(self._background)
        for layer in moving:
            for artist in layer.artists:
                artist.axes.draw_artist(artist)
        for artist in (*self.legends, self.note):
            self.figure.draw_artist(artist)
        return np.asarray(self.canvas.buffer_rgba())[..., :3].copy()

    def _moves(self, layer: Layer, run: Run) -> bool:
        """Bring a layer up to date; whether it has anything to draw over the background."""
        if layer.static or not layer.visible or run.t < 0:
            return False
        try:
            if layer.update(run):
                self._background = None
        except NotYet:
            if run.sim:
                raise
            return False  # a loop of the learner's may log one thing often and another rarely
        return True

    def _draw_background(self) -> None:
        for layer in self.layers:
            for artist in layer.artists:
                artist.set_animated(not layer.static)
                artist.set_visible(layer.visible)
        self.note.set_animated(True)
        with matplotlib.rc_context(plot.STYLE):
            self._lay_out()
            self.canvas.draw()
        self._background = self.canvas.copy_from_bbox(self.figure.bbox)

    def _lay_out(self) -> None:
        # Only when other labels need other room, and until it has settled: a layout at each
        # drawing is slow, and its axes would creep from picture to picture.
        widths = [max(map(len, _tick_labels(ax)), default=0) for ax in self.axes]
        if widths != self._widths:
            for _ in range(PASSES):
                self.layout.execute(self.figure)
            self._widths = widths


def _tick_labels(ax: Axes) -> list[str]:
    return [label.get_text() for label in ax.get_yticklabels()]


def _fill(panel: Panel, ax: Axes) -> Legend | None:
    """Set the layers up on their axes; a legend that a moving layer would cover is returned."""
    for layer in panel.layers:
        layer.setup(ax)
    if panel.title:
        ax.set_title(panel.title)
    ax.set(**panel.axes)
    if not ax.get_legend_handles_labels()[1]:
        return None
    if not any(layer.covers and not layer.static for layer in panel.layers):
        ax.legend(loc="best", markerscale=2)
        return None
    paper = dict(frameon=True, framealpha=0.8, edgecolor="none")
    legend = ax.legend(loc="upper right", markerscale=2, **paper)
    legend.set_animated(True)
    return legend
