"""Demos: their controls, the layers of their pictures, and how they are put together."""

from __future__ import annotations

from collections.abc import Callable

from dgm_lib import demo, targets
from dgm_lib.demo.scene import Panel, Scene
from tests.inputs.arguments import Argument, Function, Number, Points, Whole
from tests.inputs.several import Box, Named, Several, Text
from tests.inputs.verdict import Case

P, ON_LINE = targets.ring(3), targets.two_modes()
LAYER = demo.Points("x")
LAYERS, N, STEPS = Several((LAYER, LAYER)), Whole(8), Whole(40)
DRAWN = Points(fixed=False)
LAWS = Named({"ring": P})


def made(make: Callable, *first: object, **arguments: Argument) -> Case:
    """A constructor; all that counts is whether it refuses."""
    return Case(make.__name__, lambda **given: make(*first, **given) and None, arguments)


TABLE = [
    made(demo.Choice, options=Several((1, 2), odd=True)),
    made(demo.Actions, options=Several((1, 2), odd=True)),
    made(demo.Drawing, points=Points(), box=Box(), size=Whole(280)),
    made(demo.DrawPad, points=Points(), box=Box(optional=True)),
    made(demo.Density, P, box=Box(optional=True), n=N),
    made(demo.Field, "x", box=Box(optional=True)),
    made(demo.Line, ON_LINE, box=Box(d=1, optional=True), n=N),
    made(demo.Fill, ON_LINE, box=Box(d=1, optional=True), n=N),
    made(demo.Hist, "x", axis=Whole(0, low=0), bins=N, box=Box(d=1, optional=True)),
    made(demo.Trails, "x", n=N, last=Whole(100)),
    made(demo.Bars, bars=Named({"a": 1.0}, odd=True)),
    Case("Curve", lambda keys: demo.Curve(keys) and None, dict(keys=Text("a", known=False))),
    Case("Panel", lambda layers: Panel(layers) and None, dict(layers=LAYERS)),
    Case(
        "Scene",
        lambda panels, **size: Scene(panels, **size) and None,
        dict(panels=LAYERS, width=Number(420.0), height=Number(340.0)),
        also=("layers",),
    ),
    Case(
        "Stack", lambda panels: demo.Stack(panels) and None, dict(panels=Function(Panel([LAYER])))
    ),
    Case(
        "Run",
        lambda **of: demo.Run(None, {}, **of) and None,
        dict(seed=Whole(0, low=-(2**63)), memory=Whole(1)),
    ),
    Case("Demo", lambda **of: demo.Demo(None, **of) and None, dict(scene=Function(Scene([LAYER])))),
    made(demo.arena_explorer, steps=STEPS, seconds=Number(8.0), targets=LAWS),
    made(demo.denoiser, steps=STEPS, particles=N, targets=LAWS),
    made(demo.guidance_dial, steps=STEPS, particles=N, w=Number(2.0, closed=True)),
    made(demo.latent_explorer, lr=Number(0.005), batch=N, beta=Number(1.0)),
    made(demo.gan_laboratory, lr_d=Number(0.002), lr_g=Number(0.001), n_d=Whole(1), batch=N),
    Case(
        "sampler_gallery",
        lambda **of: (
            demo.sampler_gallery({"walk": lambda log_prob, step: None}, {"ring": P}, **of) and None
        ),
        dict(step=Number(0.3), chains=Whole(1)),
    ),
]
