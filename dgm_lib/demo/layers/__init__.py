"""The layers of a scene: each draws one thing on its axes and brings it up to date."""

from dgm_lib.demo.layers.base import Layer, Source
from dgm_lib.demo.layers.line import Fill, Hist, Line
from dgm_lib.demo.layers.numbers import Bars, Curve
from dgm_lib.demo.layers.plane import Arrows, Density, Ellipse, Field, Mesh, Points, Trails

__all__ = [
    "Arrows",
    "Bars",
    "Curve",
    "Density",
    "Ellipse",
    "Field",
    "Fill",
    "Hist",
    "Layer",
    "Line",
    "Mesh",
    "Points",
    "Source",
    "Trails",
]
