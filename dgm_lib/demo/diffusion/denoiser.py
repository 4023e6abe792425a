"""The denoiser: its controls around its simulation and its scene."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dgm_lib import paths
from dgm_lib.core import whole
from dgm_lib.demo.controls import Choice, Slider
from dgm_lib.demo.demo import Demo
from dgm_lib.demo.diffusion.learning import Learned
from dgm_lib.demo.diffusion.picture import scene
from dgm_lib.demo.diffusion.steps import SAMPLERS, Step, menu
from dgm_lib.demo.diffusion.truth import along, mixtures
from dgm_lib.demo.diffusion.walking import BACKWARD, EXACT, FORWARD, LEARNED, Walking
from dgm_lib.demo.laws import Laws
from dgm_lib.models.diffusion import DiffusionModel
from dgm_lib.targets import GALLERY, spiral

NAMES = ("moons", "ring", "grid")
ARMS = dict(turns=1.0, radius=2.5, scale=0.15)  # broader than the gallery's: fewer components


def denoiser(
    samplers: Mapping[str, Step] | None = None,
    path: Any = None,
    targets: Mapping[str, Any] | None = None,
    model: DiffusionModel | Callable[[Any], DiffusionModel] | None = None,
    drawing: Any = None,
    *,
    steps: int = 40,
    particles: int = 1000,
    **settings: Any,
) -> Demo:
    """From noise to a law of the plane by any sampler, each step against the exact law of x_t.

    `samplers` maps names to steps `step(model, x, t, s, noise)` that return the points at the time
    s from those at t > s: x and `noise`, draws of N(0, I), are (n, 2), t and s (n, 1); the model
    has `eps`, `x0`, `score` and `velocity` of (x, t), and its `path`. Behind them come those of
    `dgm_lib.samplers`. `path` is one of `dgm_lib.paths`, by default that of DDPM, or several by
    name. `targets` maps names to mixtures of Gaussians, of which all is known; to these comes the
    law that is drawn in the pad, at first from the points `drawing` (n, 2).

    Who steers is exact, or learned: `model`, a trained one for the targets, or a function that
    makes an untrained one of a path. It is trained before one's eyes when it is first asked for,
    on the chosen law. The other direction is the noising process. t follows the steps; while the
    demo stands still it shows any moment, and what comes next goes on from there: with exact
    samples where the points have not been. `settings` go to `Demo`.

    The frames hold `t`, `x` (n, 2), their sliced W₂ `distance` from the exact law, the `floor` of
    that for exact samples, both in units of √(alpha² + sigma²) as all the picture is, and with a
    learned model the `error`, root mean square at these points, of its ε.

    >>> from dgm_lib import demo
    >>> from dgm_lib.samplers.diffusion import ddim_step
    >>> def mine(model, x, t, s, noise):
    ...     return ddim_step(model.path, x, t, s, model.eps(x, t), noise)
    >>> shown = demo.denoiser({"mine": mine})
    >>> shown.steps(40)["distance"] < 0.2
    True
    """
    steps, particles = whole("steps", steps), whole("particles", particles)
    own = model.path if isinstance(model, DiffusionModel) else None
    path = along([own], path, paths.linear())
    usual = {name: GALLERY[name] for name in NAMES}
    named = {**usual, "spiral": spiral(**ARMS)} if targets is None else targets
    laws = Laws(mixtures(named), lambda law: law, drawing)
    every = menu("samplers", samplers, SAMPLERS)
    controls = dict(
        target=laws.menu(),
        sampler=Choice(list(every)),
        steers=Choice([EXACT, LEARNED], label="who steers"),
        direction=Choice([BACKWARD, FORWARD]),
        steps=Slider(1, max(200, steps), steps),
        particles=Slider(1, max(3000, particles), particles),
        t=Slider(0.0, 1.0, 1.0),
        path=Choice(path) if isinstance(path, Mapping) else path,
        drawing=laws.pad(150),
    )
    defaults = dict(
        name="denoiser",
        structural=("target", "sampler", "steers", "direction", "steps", "particles", "path"),
        poster=(0, steps // 2, steps),
    )
    sim = Walking(every, laws, Learned(model))
    return Demo(sim, scene(), controls, **defaults | settings)
