"""Interactive demos: a simulation, drawn as it runs, steered by sliders.

A simulation is a generator `sim(p, rng)` that yields dicts; a `Scene` of layers draws them; a
`Demo` plays them, in a notebook with controls and without a screen in a test.
"""

from dgm_lib.demo.arena import arena_explorer
from dgm_lib.demo.controls import Actions, Choice, Drawing, Slider, Toggle
from dgm_lib.demo.demo import Demo
from dgm_lib.demo.diffusion import denoiser, guidance_dial
from dgm_lib.demo.drawing import DrawPad
from dgm_lib.demo.layers import (
    Arrows,
    Bars,
    Contours,
    Curve,
    Density,
    Dots,
    Ellipse,
    Field,
    Fill,
    Graph,
    Heat,
    Hist,
    Landscape,
    Layer,
    Line,
    Manifold,
    Marginals,
    Mesh,
    Moves,
    Note,
    Points,
    Stack,
    Stems,
    Strokes,
    Trails,
    Ways,
)
from dgm_lib.demo.laboratory import gan_laboratory
from dgm_lib.demo.latent import latent_explorer
from dgm_lib.demo.run import Run
from dgm_lib.demo.samplers import sampler_gallery
from dgm_lib.demo.scene import Panel, Scene

__all__ = [
    "Actions",
    "Arrows",
    "Bars",
    "Choice",
    "Contours",
    "Curve",
    "Demo",
    "Density",
    "Dots",
    "DrawPad",
    "Drawing",
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
    "Panel",
    "Points",
    "Run",
    "Scene",
    "Slider",
    "Stack",
    "Stems",
    "Strokes",
    "Toggle",
    "Trails",
    "Ways",
    "arena_explorer",
    "denoiser",
    "gan_laboratory",
    "guidance_dial",
    "latent_explorer",
    "sampler_gallery",
]
