"""The sampler gallery: its controls around its simulation and its scene."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dgm_lib.core import whole
from dgm_lib.demo.controls import Choice, Slider, Toggle
from dgm_lib.demo.demo import Demo
from dgm_lib.demo.laws import Laws
from dgm_lib.demo.samplers.exact import Exact
from dgm_lib.demo.samplers.picture import scene
from dgm_lib.demo.samplers.sampling import PROPOSED, STARTS, Make, Sampling
from dgm_lib.nets.inputs import positive


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
    step, chains = positive("step", step), whole("chains", chains, at_most=1000)
    laws = Laws(targets, Exact, drawing)
    controls = dict(
        target=laws.menu(),
        sampler=Choice(list(kernels)),
        step=Slider(min(0.01, step), max(3.0, step), step, log=True, label="step size"),
        chains=Slider(1, 1000, chains),
        start=Choice(list(STARTS)),
        halves=Toggle(True, label="half-steps"),
        drawing=laws.pad(190),
    )
    defaults = dict(
        name="sampler gallery",
        structural=("target", "sampler", "chains", "start"),
        poster=(61, 62, 1000),
        speed=0.25,
    )
    return _Gallery(Sampling(kernels, laws), scene(), controls, **defaults | settings)


class _Gallery(Demo):
    async def _advance(self, until: float, speed: float) -> None:
        """The steps up to the next picture, which shows a verdict where it skips some."""
        await super()._advance(until, speed)
        if speed > 1 and PROPOSED in self.run.frame["moves"].verdicts and self.run.t < until:
            self.run.step()
