"""A pad to draw points on with the mouse, a pen or a finger."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import torch
import traitlets
from ipywidgets.widgets.trait_types import bytes_serialization
from torch import Tensor

from dgm_lib.core import tensor
from dgm_lib.demo.layers.base import bounds as sides


class DrawPad(anywidget.AnyWidget):
    """A square canvas over a box of the plane; `points` is what is drawn on it, `(n, 2)`.

    `points` may be assigned. Observe the trait `drawn` to hear of strokes.

    >>> pad = DrawPad([[0.0, 1.0], [2.0, -1.5]])
    >>> pad.points
    tensor([[ 0.0000,  1.0000],
            [ 2.0000, -1.5000]])
    """

    _esm = Path(__file__).with_name("drawing.js")
    _css = ".dgm-pad { width: fit-content; flex: none } .dgm-pad canvas { display: block }"

    drawn = traitlets.Bytes(b"").tag(sync=True, **bytes_serialization)
    bounds = traitlets.List([-4.0, 4.0, -4.0, 4.0]).tag(sync=True)
    size = traitlets.Int(280).tag(sync=True)
    label = traitlets.Unicode("draw here").tag(sync=True)

    def __init__(
        self,
        points: Any = (),
        box: Sequence[Sequence[float]] = ((-4, 4), (-4, 4)),
        **traits: Any,
    ) -> None:
        super().__init__(bounds=[side for axis in sides(box, None, 2) for side in axis], **traits)
        self.points = points

    @property
    def points(self) -> Tensor:
        """The points in the order in which they were drawn, `(n, 2)`."""
        numbers = np.frombuffer(self.drawn, "<f4").reshape(-1, 2).copy()
        return torch.from_numpy(numbers).to(torch.get_default_dtype())

    @points.setter
    def points(self, points: Any) -> None:
        array = tensor("points", points).detach().cpu().numpy().astype("<f4")
        if array.size and (array.ndim != 2 or array.shape[1] != 2):
            raise ValueError(f"points must have shape (n, 2), got {array.shape}")
        self.drawn = array.tobytes()

    def clear(self) -> None:
        """Remove all points."""
        self.points = ()

    def __repr__(self) -> str:
        return "<DrawPad>"
