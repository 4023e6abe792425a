"""A layer that holds panels: several axes one above the other in the place of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.axes import Axes

from dgm_lib.demo.layers.base import Layer
from dgm_lib.demo.run import Run

if TYPE_CHECKING:
    from dgm_lib.demo.scene import Panel


class Stack(Layer):
    """Panels one above the other, in place of the axes that the layer is given.

    It is the only layer of its own panel: `Scene([Density(law)], [Stack(Panel(...), Panel(...))])`.
    """

    noun = "stack"

    def __init__(self, *panels: Panel, label: str | None = None) -> None:
        super().__init__(label)
        if not panels or not all(hasattr(panel, "layers") for panel in panels):
            raise ValueError(f"panels must be at least one, all of them panels, got {panels!r}")
        self.panels = panels
        self.layers = [layer for panel in panels for layer in panel.layers]
        self.memory = max(layer.memory for layer in self.layers)

    def setup(self, ax: Axes) -> None:
        ax.set_axis_off()
        cells = ax.get_subplotspec().subgridspec(len(self.panels), 1)
        for panel, cell in zip(self.panels, cells, strict=True):
            inner = ax.figure.add_subplot(cell)
            for layer in panel.layers:
                layer.setup(inner)
            inner.set(**panel.axes)
            inner.set_title(panel.title or "", fontsize=10)
            if inner.get_legend_handles_labels()[1]:
                inner.legend(loc="best")
        self._collect()

    def update(self, run: Run) -> bool:
        changed = [layer.update(run) for layer in self.layers if not layer.static]
        self._collect()
        return any(changed)

    def _collect(self) -> None:
        moving = [layer for layer in self.layers if not layer.static]
        self.artists = [artist for layer in moving for artist in layer.artists]
