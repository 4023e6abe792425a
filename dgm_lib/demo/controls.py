"""What a parameter of a demo may be: each control knows its value and how to become a widget."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets
import torch
from ipywidgets import Layout

from dgm_lib.core import tensor, whole
from dgm_lib.demo.drawing import DrawPad
from dgm_lib.demo.layers.base import bounds
from dgm_lib.nets.inputs import between

Changed = Callable[[Any], None]


class Control:
    """A parameter with its value at the start; `widget` builds what the user operates.

    A click on a control that `plays` also sets the demo going, and a change of one that
    `restarts` starts the simulation afresh. `chooses` is what else a change of it means.
    """

    plays = restarts = False
    chooses: Mapping[str, Any] = {}
    label: str | None = None
    value: Any

    def widget(self, name: str, changed: Changed) -> ipywidgets.DOMWidget | None:
        """A widget that calls `changed(value)` whenever the user changes it."""
        return None

    def show(self, widget: ipywidgets.DOMWidget, value: Any) -> None:
        """Bring the widget to `value`, which something else than the widget has changed."""

    def echoes(self, shown: Any, value: Any) -> bool:
        """Whether `value` may be what the browser makes of `shown`, and no doing of the user."""
        return False


class Constant(Control):
    """A parameter without a control."""

    def __init__(self, value: Any) -> None:
        self.value = value


class Slider(Control):
    """A number between lo and hi; integers when lo, hi and value are; `log` for a log scale."""

    def __init__(
        self,
        lo: float,
        hi: float,
        value: float | None = None,
        log: bool = False,
        label: str | None = None,
    ) -> None:
        value = lo if value is None else value
        for name, number in (("lo", lo), ("hi", hi), ("value", value)):
            between(name, number, -math.inf, math.inf)
        if not lo < hi:
            raise ValueError(f"lo must be below hi, got {lo} and {hi}")
        if log and lo <= 0:
            raise ValueError(f"lo must be positive on a log scale, got {lo}")
        if not lo <= value <= hi:
            raise ValueError(f"value must lie in [{lo}, {hi}], got {value}")
        self.lo, self.hi, self.value, self.log, self.label = lo, hi, value, log, label

    def widget(self, name: str, changed: Changed) -> ipywidgets.DOMWidget:
        lo, hi = self.lo, self.hi
        if all(isinstance(number, int) for number in (lo, hi, self.value)):
            kind, scale = ipywidgets.IntSlider, dict(min=lo, max=hi)
        elif self.log:
            kind = ipywidgets.FloatLogSlider
            scale = dict(min=math.log10(lo), max=math.log10(hi), step=0.005, readout_format=".3g")
        else:
            # The browser shows lo plus a multiple of the step: a round step shows the right digits.
            decimals = max(2 - math.floor(math.log10(hi - lo)), _decimals(lo), 0)
            kind = ipywidgets.FloatSlider
            scale = dict(min=lo, max=hi, step=10.0**-decimals, readout_format=f".{decimals}f")
        return _observed(kind(value=self.value, **scale), self.label or name, changed, "300px")

    def show(self, widget: ipywidgets.DOMWidget, value: Any) -> None:
        inside = min(max(float(value), self.lo), self.hi)
        if math.isfinite(inside):
            widget.value = self._on_a_step(inside, widget)

    def echoes(self, shown: float, value: float) -> bool:
        return math.isclose(shown, value, rel_tol=1e-9, abs_tol=1e-9 * (self.hi - self.lo))

    def _on_a_step(self, value: float, widget: ipywidgets.DOMWidget) -> float:
        """The value that the browser would show, since it shows whole steps only."""
        place = math.log(value, widget.base) if self.log else value
        steps = round((place - widget.min) / widget.step)
        place = min(widget.min + steps * widget.step, widget.max)
        return widget.base**place if self.log else place


class Choice(Control):
    """One of several options: a sequence, or a mapping from what is shown to what is meant."""

    def __init__(
        self,
        options: Sequence[Any] | Mapping[str, Any],
        value: Any = None,
        label: str | None = None,
    ) -> None:
        self.options = _named(options)
        self.value = next(iter(self.options.values())) if value is None else value
        self.label = label
        options = self.options.values()
        if not any(self.value is option or self.value == option for option in options):
            raise ValueError(f"value must be one of {list(self.options)}, got {value!r}")

    def widget(self, name: str, changed: Changed) -> ipywidgets.DOMWidget:
        dropdown = ipywidgets.Dropdown(options=list(self.options.items()), value=self.value)
        return _observed(dropdown, self.label or name, changed, "250px")

    def show(self, widget: ipywidgets.DOMWidget, value: Any) -> None:
        widget.value = value


class Toggle(Control):
    """Yes or no."""

    def __init__(self, value: bool = False, label: str | None = None) -> None:
        self.value, self.label = bool(value), label

    def widget(self, name: str, changed: Changed) -> ipywidgets.DOMWidget:
        box = ipywidgets.Checkbox(value=self.value, indent=False)
        return _observed(box, self.label or name, changed, "130px")

    def show(self, widget: ipywidgets.DOMWidget, value: Any) -> None:
        widget.value = bool(value)


class Actions(Control):
    """One button per option: a click chooses the option and plays."""

    plays = True

    def __init__(self, options: Sequence[Any] | Mapping[str, Any], value: Any = None) -> None:
        self.options = _named(options)
        self.value = next(iter(self.options.values())) if value is None else value

    def widget(self, name: str, changed: Changed) -> ipywidgets.DOMWidget:
        row = ipywidgets.HBox(layout=Layout(flex_flow="row wrap", width="auto"))

        def clicked(value: Any) -> None:
            self.show(row, value)
            changed(value)

        for label, value in self.options.items():
            button = ipywidgets.Button(description=label, layout=Layout(width="auto"))
            button.on_click(lambda _, value=value: clicked(value))
            row.children += (button,)
        self.show(row, self.value)
        return row

    def show(self, widget: ipywidgets.DOMWidget, value: Any) -> None:
        for button, option in zip(widget.children, self.options.values(), strict=True):
            button.button_style = "info" if option is value or option == value else ""


class Drawing(Control):
    """A law drawn by hand: a tensor of points (n, 2); every stroke restarts the simulation.

    An empty pad changes nothing: the last drawing stays until there is a new point. A stroke may
    also choose other parameters, such as the menu's entry for what is drawn; the pad is a square
    of `size` pixels.
    """

    restarts = True

    def __init__(
        self,
        points: Any,
        box: Sequence[Sequence[float]] = ((-4, 4), (-4, 4)),
        label: str | None = None,
        size: int = 280,
        chooses: Mapping[str, Any] | None = None,
    ) -> None:
        self.value = tensor("points", points).to(torch.get_default_dtype(), copy=True)
        if self.value.ndim != 2 or self.value.shape[1] != 2 or not len(self.value):
            raise ValueError(f"points must have shape (n, 2), n > 0, got {tuple(self.value.shape)}")
        self.box, self.label, self.size = bounds(box, None, 2), label, whole("size", size)
        self.chooses = dict(chooses or {})

    def widget(self, name: str, changed: Changed) -> ipywidgets.DOMWidget:
        label = self.label or f"draw {name} here"
        pad = DrawPad(self.value, box=self.box, label=label, size=self.size)
        pad.observe(lambda _: changed(pad.points) if len(pad.points) else None, "drawn")
        return pad

    def show(self, widget: ipywidgets.DOMWidget, value: Any) -> None:
        widget.points = value


def control(spec: Any) -> Control:
    """A control from its shorthand: (lo, hi, value), [options], True or False, else a constant."""
    if isinstance(spec, Control):
        return spec
    if isinstance(spec, bool):
        return Toggle(spec)
    if isinstance(spec, list):
        return Choice(spec)
    if isinstance(spec, tuple) and len(spec) == 3:
        lo, hi, _ = spec
        integers = all(isinstance(number, int) for number in spec)
        return Slider(*spec, log=not integers and lo > 0 and hi / lo > 50)
    return Constant(spec)


def _named(options: Sequence[Any] | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(options, str) or not isinstance(options, (Sequence, Mapping)) or not options:
        raise ValueError(f"options must name at least one option, got {options!r}")
    return dict(options) if isinstance(options, Mapping) else {str(item): item for item in options}


def _decimals(number: float) -> int:
    """How many decimals a number is written with, at most 6."""
    return next((k for k in range(6) if math.isclose(round(number, k), number)), 6)


def _observed(widget: Any, label: str, changed: Changed, width: str) -> ipywidgets.DOMWidget:
    widget.description, widget.layout = label, Layout(width=width, margin="2px 12px 2px 2px")
    widget.style.description_width = "initial"
    widget.observe(lambda change: changed(change["new"]), "value")
    return widget
