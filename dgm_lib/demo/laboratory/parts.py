"""Layers of the GAN laboratory: D's surface, a heading in colours, axes below a plane, a group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.text import Text
from PIL import Image

from dgm_lib.demo import layers
from dgm_lib.demo.layers.base import resolve
from dgm_lib.demo.run import Run
from dgm_lib.demo.scene import Panel, Scene

JUDGED = LinearSegmentedColormap.from_list(
    "judged", ["#f8c9a0", "#ffffff", "#a9cfea"], bad="#ffffff"
)

Words = Sequence[tuple[str, str]]


def heading(ax: Axes, words: Words, lines: int = 1) -> None:
    """Words side by side above the axes, each in its colour, with room for lines above them."""
    ax.set_title("\n" * (lines - 1) + " ", fontsize=10)
    last = None
    for text, color in words:
        last = _word(ax, text, color, last, size=10, gap=9)


def _word(
    ax: Axes, text: str, color: str, after: Text | float | None, size: float, gap: float = 4
) -> Text:
    """A text above the axes: after another one, or at a share of the width."""
    style = dict(color=color, fontsize=size, va="bottom", in_layout=False)
    if isinstance(after, Text):
        place = dict(xycoords=after, textcoords="offset points", annotation_clip=False)
        return ax.annotate(text, (1, 0), (gap, 0), **place, **style)
    return ax.text(after or 0, 1.03, text, transform=ax.transAxes, **style)


class Surface(layers.Layer):
    """Values (n, n) from 0 to 1 over all of the plane, with a scale of their own beside it.

    The first axis is x1; NaN stays white. `words` are the heading of the plane.
    """

    covers, noun = True, "surface"

    def __init__(self, source: Any, words: Words = (), label: str | None = None) -> None:
        super().__init__(label)
        self.source, self.words = source, words

    def setup(self, ax: Axes) -> None:
        self.artists = [ax.add_artist(_Picture(ax))]
        if self.words:
            heading(ax, self.words, 3)
            scale = ax.inset_axes((1.03, 0, 0.03, 1))
            scale.imshow(np.linspace(0, 1, 64)[:, None], cmap=JUDGED, origin="lower", aspect="auto")
            scale.set(xticks=[], yticks=[-0.5, 31.5, 63.5], yticklabels=["0", "½", "1"])
            scale.yaxis.tick_right()
            scale.set_title("σ(D)", fontsize=9, loc="left", pad=8)
            scale.spines[:].set_visible(False)

    def update(self, run: Run) -> bool:
        (picture,) = self.artists
        picture.rgba = JUDGED(np.asarray(resolve(self.source, run)).T, bytes=True)
        return False


class _Picture(Artist):
    """Colours (n, n, 4), from the bottom, stretched over the axes: faster than `imshow` by far."""

    def __init__(self, ax: Axes) -> None:
        super().__init__()
        self.rgba = np.full((1, 1, 4), 255, np.uint8)

    def draw(self, renderer: Any) -> None:
        if self.get_visible():
            left, bottom, right, top = np.rint(self.axes.bbox.extents).astype(int)
            size = int(right - left), int(top - bottom)
            stretched = Image.fromarray(self.rgba).resize(size, Image.Resampling.BILINEAR)
            gc = renderer.new_gc()
            renderer.draw_image(gc, left, bottom, np.asarray(stretched)[::-1])
            gc.restore()
            self.stale = False


class Named(layers.Graph):
    """A graph whose name stands above the axes, `at` a share of their width, with its last value.

    `value` gives that; `under` stands below the axes.
    """

    def __init__(
        self,
        source: Any,
        name: str,
        value: Any,
        color: str,
        at: float = 0,
        name_color: str | None = None,
        limits: Any = None,
        under: str | None = None,
    ) -> None:
        super().__init__(source, limits, color)
        self.title, self.name_color = name, name_color or color
        self.value, self.at, self.under = value, at, under

    def setup(self, ax: Axes) -> None:
        super().setup(ax)
        color = self.style["color"]
        # The name is a part of the background: glyphs take long.
        name = _word(ax, self.title, self.name_color, self.at, size=9)
        self.value_text = _word(ax, "", color, name, size=9)
        self.artists.append(self.value_text)
        if self.under:
            ax.set_xlabel(self.under, fontsize=8.5)
        # Room for half of the last number below: the layout is found before there is one.
        ax.text(1, 0, "000", alpha=0, fontsize=9, transform=ax.transAxes)

    def update(self, run: Run) -> bool:
        self.value_text.set_text(resolve(self.value, run))
        return super().update(run)

    def _draw(self, x: np.ndarray, y: np.ndarray) -> None:
        super()._draw(x, y)
        self.artists[0].set_marker("o" if len(x) == 1 else "")  # one point makes no line


class Group(layers.Layer):
    """Layers as one, which has no check box where it is alone in its panel."""

    covers, noun = True, "group"

    def __init__(self, parts: Sequence[layers.Layer], label: str | None = None) -> None:
        super().__init__(label)
        self.parts = parts
        self.memory = max(part.memory for part in parts)

    def setup(self, ax: Axes) -> None:
        for part in self.parts:
            part.setup(ax)
            for artist in part.artists:
                artist.set_animated(True)  # so that hidden ones stay out of the background

    def update(self, run: Run) -> bool:
        shown = [part for part in self.parts if part.visible]
        changed = [part.update(run) for part in shown]
        self.artists = [artist for part in shown for artist in part.artists]
        for artist in self.artists:
            artist.set_visible(True)
        return any(changed)


class Below(Group):
    """A panel in axes of its own below those of the plane."""

    noun = "losses"

    def __init__(self, panel: Panel, at: tuple[float, float, float, float]) -> None:
        super().__init__(panel.layers)
        self.panel, self.at = panel, at
        self.covers = False

    def setup(self, ax: Axes) -> None:
        inner = ax.inset_axes(self.at)
        super().setup(inner)
        inner.set(**self.panel.axes)
        self.artists = [artist for part in self.parts for artist in part.artists]


class Twins(Scene):
    """A scene in which some layers are shown and hidden with others: `twins` maps to these."""

    def __init__(self, *panels: Panel, twins: Mapping[Any, Any], height: float) -> None:
        super().__init__(*panels, height=height)
        self.twins = twins

    def show(self, layer: layers.Layer, visible: bool) -> None:
        super().show(layer, visible)
        if layer in self.twins:
            self.twins[layer].visible = visible
