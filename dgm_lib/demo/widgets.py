"""What a demo looks like in a notebook: buttons, controls, the picture, check boxes, errors."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import ipywidgets
from ipywidgets import HTML, Button, Checkbox, Dropdown, HBox, Image, Layout, VBox

from dgm_lib.demo.controls import Drawing
from dgm_lib.demo.errors import as_html
from dgm_lib.demo.hearing import hear_at_once
from dgm_lib.demo.layers import Layer
from dgm_lib.demo.player import SPEEDS
from dgm_lib.demo.still import HIDE_STILL

if TYPE_CHECKING:
    from dgm_lib.demo.demo import Demo

GRACE = 0.3  # seconds for which a control that the user has moved does not follow the simulation
ECHO = 0.5  # seconds for which the browser may send back what a control was shown
STYLE = """<style>
.dgm-demo .widget-html-content { line-height: 1.5 }
.dgm-demo-error { border-left: 3px solid var(--jp-error-color1, #d32f2f); padding-left: 8px }
.dgm-demo-error pre { max-height: 16em; overflow: auto; line-height: 1.2 }
.dgm-demo img { height: auto; background: white }
</style>"""


class View:
    """The widgets of a demo; what the user does goes to the demo's `on_...` methods."""

    def __init__(self, demo: Demo) -> None:
        self.demo = demo
        self.inputs: dict[str, ipywidgets.DOMWidget] = {}
        self._known = {name: control.value for name, control in demo.controls.items()}
        self._moved: dict[str, float] = {}
        self._shown = {name: deque() for name in demo.controls}  # (time, value), not yet sent back
        self._following: int | None = None  # the thread in which widgets are being set
        for name, control in demo.controls.items():
            widget = control.widget(name, self._changed(name))
            if widget is not None:
                self.inputs[name] = widget
        self.image = Image(format="jpeg", layout=_picture_layout(demo.scene.size[0]))
        self.problem = HTML(layout=Layout(display="none", max_width="900px"))
        self.problem.add_class("dgm-demo-error")
        self.play = _button("Play", "play", demo.on_play)
        self.play.add_class("dgm-demo-play")
        self.box = self._assemble()
        hear_at_once(_tree(self.box))

    def picture(self, data: bytes) -> None:
        """Show a picture."""
        self.image.value = data

    def error(self, error: Exception | None) -> None:
        """Show an exception, or none."""
        self.problem.value = "" if error is None else as_html(error)
        self.problem.layout.display = "none" if error is None else ""

    def buttons(self, playing: bool) -> None:
        """Let the first button say what it does next."""
        self.play.description, self.play.icon = (
            ("Pause", "pause") if playing else ("Play", "play")
        )

    def follow(self, values: Mapping[str, Any], grace: float = GRACE) -> None:
        """Bring the controls to values that something else than the user has set."""
        self._following = threading.get_ident()
        try:
            for name, widget in self.inputs.items():
                idle = time.monotonic() - self._moved.get(name, -math.inf)
                if values[name] is not self._known[name] and idle >= grace:
                    before = getattr(widget, "value", None)  # a pad has none
                    self.demo.controls[name].show(widget, values[name])
                    self._known[name] = values[name]
                    if before is not None and widget.value != before:
                        self._shown[name].append((time.monotonic(), widget.value))
        finally:
            self._following = None

    def close(self) -> None:
        """Close all widgets, here and in the browser."""
        for widget in _tree(self.box):
            widget.close()

    def _changed(self, name: str) -> Callable[[Any], None]:
        def changed(value: Any) -> None:
            following = self._following == threading.get_ident()  # it was `follow` that set it
            if not following and not self._is_echo(name, value):
                self._moved[name], self._known[name] = time.monotonic(), value
                self._shown[name].clear()
                self.demo.on_value(name, value)

        return changed

    def _is_echo(self, name: str, value: Any) -> bool:
        """Whether this is only what the control was shown, sent back by the browser.

        It sends back every value once and in order, a little changed by its arithmetic.
        """
        shown = self._shown[name]
        while shown and shown[0][0] < time.monotonic() - ECHO:
            shown.popleft()
        for place, (_, sent) in enumerate(list(shown)):  # a copy: `follow` is in another thread
            if self.demo.controls[name].echoes(sent, value):
                for _ in range(place + 1):
                    shown.popleft()
                return True
        return False

    def _assemble(self) -> VBox:
        demo = self.demo
        bar: list[ipywidgets.DOMWidget] = []
        if demo.run.sim:
            speed = Dropdown(options=SPEEDS, value=demo.speed, description="speed")
            speed.layout, speed.style.description_width = Layout(width="120px"), "initial"
            speed.observe(lambda change: demo.on_speed(change["new"]), "value")
            step = _button("Step", "step-forward", demo.on_step)
            bar = [self.play, step, _button("Reset", "undo", demo.on_reset), speed]
        else:
            bar = [self.play]
        pads = [w for name, w in self.inputs.items() if isinstance(demo.controls[name], Drawing)]
        rest = [widget for widget in self.inputs.values() if widget not in pads]
        boxes = [self._check_box(layer) for layer in _optional(demo.scene.panels)]
        rows = [_row(bar), _row(rest), self.problem, _row([*pads, self.image]), _row(boxes)]
        box = VBox([row for row in rows if row is not None])
        box.children += (HTML(STYLE + HIDE_STILL, layout=Layout(display="none")),)
        box.add_class("dgm-demo")
        box.add_class(demo.css)
        return box

    def _check_box(self, layer: Layer) -> Checkbox:
        box = Checkbox(value=layer.visible, description=layer.name, indent=False)
        box.layout = Layout(width="auto", margin="0 14px 0 0")
        box.observe(lambda change: self.demo.on_layer(layer, change["new"]), "value")
        return box


def _optional(panels: list[Any]) -> list[Layer]:
    """The layers that may be hidden: a panel of one layer would be empty without it."""
    return [layer for panel in panels if len(panel.layers) > 1 for layer in panel.layers]


def _row(widgets: list[ipywidgets.DOMWidget]) -> HBox | None:
    if not widgets:
        return None
    return HBox(widgets, layout=Layout(flex_flow="row wrap", align_items="center", grid_gap="4px"))


def _picture_layout(width: int) -> Layout:
    return Layout(width=f"{width}px", max_width="100%", height="auto")


def _button(text: str, icon: str, clicked: Callable[[], None]) -> Button:
    button = Button(description=text, icon=icon, layout=Layout(width="84px"))
    button.on_click(lambda _: clicked())
    return button


def _tree(widget: Any) -> list[Any]:
    return [widget, *(leaf for child in getattr(widget, "children", ()) for leaf in _tree(child))]
