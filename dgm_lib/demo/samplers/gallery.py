"""The sampler gallery: its controls around its simulation and its scene."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ipywidgets

from dgm_lib.demo.controls import Changed, Choice, Drawing, Slider, Toggle
from dgm_lib.demo.demo import Demo
from dgm_lib.demo.samplers.picture import scene
from dgm_lib.demo.samplers.sampling import DRAWN, PROPOSED, STARTS, Make, Sampling
from dgm_lib.targets import GALLERY


def sampler_gallery(
    kernels: Mapping[str, Make],
    targets: Mapping[str, Any],
    *,
    step: float = 0.3,
    chains: int = 1,
    drawing: Any = None,
    **settings: Any,
) -> Demo:
    """Any kernel on any law of the plane, one proposal at a time, against all that is exact.

    `kernels` maps names to functions `make(target, step)` that return a kernel as those of
    `samplers.mcmc` are; `targets` maps names to laws. To these comes the law that is drawn in the
    pad, at first from the points `drawing` (n, 2). Of up to 10 chains each proposal has a frame of
    its own before that with its verdict; more are a cloud. With a new step size the record starts
    afresh, and the chains go on from where they are. `settings` go to `Demo`.

    The frames hold `x` (chains, 2), the last `moves`, and the `tally` of all steps so far:
    `tally.acceptance()`, `tally.ess_per_step()`, `tally.distance()`, ...
    """
    if not kernels:
        raise ValueError("kernels must name at least one sampler, got none")
    laws = {name: law for name, law in targets.items() if name != DRAWN}
    for name, law in laws.items():
        if tuple(law.box.shape) != (2, 2):
            raise ValueError(f"targets must be laws of the plane, got {law!r} for {name!r}")
    if drawing is None:
        drawing = targets.get(DRAWN, GALLERY[DRAWN]).means
    controls = dict(
        target=Choice([*laws, DRAWN]),
        sampler=Choice(list(kernels)),
        step=Slider(min(0.01, step), max(3.0, step), float(step), log=True, label="step size"),
        chains=Slider(1, 1000, chains),
        start=Choice(list(STARTS)),
        halves=Toggle(True, label="half-steps"),
        drawing=_SmallPad(drawing),
    )
    defaults = dict(
        name="sampler gallery",
        structural=("target", "sampler", "chains", "start"),
        poster=(61, 62, 1000),
        speed=0.25,
    )
    return _Gallery(Sampling(kernels, laws), scene(), controls, **defaults | settings)


class _Gallery(Demo):
    def _choose(self, params: Mapping[str, Any]) -> None:
        """Who draws a law wants to see it sampled."""
        drawn = {"target": DRAWN} if "drawing" in params else {}
        super()._choose(drawn | dict(params))

    async def _advance(self, until: float, speed: float) -> None:
        """The steps up to the next picture, which shows a verdict where it skips some."""
        await super()._advance(until, speed)
        if speed > 1 and PROPOSED in self.run.frame["moves"].verdicts and self.run.t < until:
            self.run.step()


class _SmallPad(Drawing):
    """A pad that has its place beside the picture."""

    def widget(self, name: str, changed: Changed) -> ipywidgets.DOMWidget:
        pad = super().widget(name, changed)
        pad.size, pad.label = 190, "draw a law"
        return pad
