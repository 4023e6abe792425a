"""The layers of a scene: each draws one thing on its axes and brings it up to date."""

from dgm_lib.demo.layers.base import Layer, Source
from dgm_lib.demo.layers.coloured import Contours, Dots, Heat, Strokes
from dgm_lib.demo.layers.graph import Graph, Note, Stems
from dgm_lib.demo.layers.joint import Landscape, Marginals
from dgm_lib.demo.layers.line import Fill, Hist, Line
from dgm_lib.demo.layers.manifold import Manifold
from dgm_lib.demo.layers.moves import Moves, Ways
from dgm_lib.demo.layers.numbers import Bars, Curve
from dgm_lib.demo.layers.plane import Arrows, Density, Ellipse, Field, Mesh, Points, Trails
from dgm_lib.demo.layers.stack import Stack

__all__ = [
    "Arrows",
    "Bars",
    "Contours",
    "Curve",
    "Density",
    "Dots",
    "Ellipse",
    "Field",
    "Fill",
    "Graph",
    "Heat",
    "Hist",
    "Landscape",
    "Layer",
    "Line",
    "Manifold",
    "Marginals",
    "Mesh",
    "Moves",
    "Note",
    "Points",
    "Source",
    "Stack",
    "Stems",
    "Strokes",
    "Trails",
    "Ways",
]
