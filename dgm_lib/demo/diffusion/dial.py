"""The dial of guidance: its controls around its simulation and its scene."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from dgm_lib import paths
from dgm_lib.core import whole
from dgm_lib.demo.controls import Choice, Slider
from dgm_lib.demo.demo import Demo
from dgm_lib.demo.diffusion.dial_picture import scene
from dgm_lib.demo.diffusion.guide import WAYS
from dgm_lib.demo.diffusion.guiding import EXACT, LEARNED, Guiding
from dgm_lib.demo.diffusion.learning import at_hand
from dgm_lib.demo.diffusion.steps import Step, menu
from dgm_lib.demo.diffusion.tilt import Labelled
from dgm_lib.demo.diffusion.truth import along, mixtures
from dgm_lib.demo.laws import Laws
from dgm_lib.nets.inputs import between
from dgm_lib.targets import GALLERY, GaussianMixture

HEAVIEST = 8.0  # of the weights
BLOBS = dict(means=[[-1.1, -0.7], [1.1, -0.7], [0.0, 1.2]], scale=0.75)  # of which none is alone


def guidance_dial(
    ways: Mapping[str, Step] | None = None,
    targets: Mapping[str, Any] | None = None,
    path: Any = None,
    model: Any = None,
    classifier: Any = None,
    drawing: Any = None,
    *,
    w: float = 2.0,
    steps: int = 30,
    particles: int = 1000,
    **settings: Any,
) -> Demo:
    """Guidance towards a class with a weight w, against p(x) p(y | x)^w / Z, which it aims at.

    `ways` maps names to steps `step(guide, x, t, s, noise)` that return the points at the time s
    from those at t > s: x and `noise`, draws of N(0, I), are (n, 2), t and s (n, 1). The guide has
    `y`, `w` and the `path`, and of (x, t) `eps`, `eps_given_y` and `gradient`, that of log p(y |
    x_t), further `alpha_bar(t)` and `mean_and_sigma(x, t, s)`, of DDPM's step without guidance.
    Behind them come guidance by a classifier, without one, in DDPM's steps, and the exact tilt:
    by the score of the tilted law's own noised laws, which guided scores are not unless w is 0 or
    1. The guide's parts are exact, or learned: `model` is a denoiser with labels, `classifier` a
    noisy one; what is not given stays exact. `targets` maps names to labelled mixtures; to these
    comes the law that is drawn in the pad, whose classes are its left and its right half.

    A turn of any control answers at once with the result of a whole run; to play shows how that
    came about. The numbers of all w that were tried stay, for comparison: `distance` (sliced W₂
    from the tilted law; `floor`: of exact samples), `fidelity` (mean p(y | x)) and `diversity`
    (root mean square distance from the mean). They are in the frames, with t, x (n, 2) and the
    `truth`, the tilted law's own. `settings` go to `Demo`.

    >>> from dgm_lib import demo
    >>> def mine(guide, x, t, s, noise):
    ...     mu, sigma = guide.mean_and_sigma(x, t, s)
    ...     return mu + guide.w * sigma**2 * guide.gradient(mu, s) + sigma * noise
    >>> dial = demo.guidance_dial({"mine": mine})
    >>> frames = [dial.steps(0, w=w) for w in (0.0, 1.0, 6.0)]
    >>> [frame["fidelity"] > 0.9 for frame in frames]
    [False, False, True]
    """
    steps, particles = whole("steps", steps), whole("particles", particles)
    w = between("w", w, 0, math.inf)
    learned = _learned(model, classifier)
    path = along([getattr(part, "path", None) for part in learned], path, paths.cosine())
    named = {"blobs": GaussianMixture(**BLOBS), "ring": GALLERY["ring"], "moons": GALLERY["moons"]}
    laws = Laws(mixtures(named if targets is None else targets), Labelled, drawing)
    every = menu("ways", ways, WAYS)
    classes = [2 if law.labels is None else len(law.labels) for law in laws.named.values()]
    controls = dict(
        target=laws.menu(),
        y=Choice(list(range(max([2, *classes]))), label="class y"),
        w=Slider(0.0, max(HEAVIEST, w), float(w)),
        way=Choice(list(every)),
        parts=Choice([EXACT, *([LEARNED] if any(part is not None for part in learned) else [])]),
        steps=Slider(1, max(200, steps), steps),
        particles=Slider(1, max(3000, particles), particles),
        drawing=laws.pad(150),
    )
    defaults = dict(
        name="guidance dial",
        structural=("target", "y", "w", "way", "parts", "steps", "particles"),
        poster=(0, 1 + steps // 2),
    )
    sim = Guiding(every, laws, path, learned)
    return Demo(sim, scene(), controls, **defaults | settings)


def _learned(model: Any, classifier: Any) -> tuple[Any, Any]:
    """The learned parts, each of which may be None."""
    for name, part, wanted in (("model", model, "eps"), ("classifier", classifier, "log_prob")):
        if part is not None and not hasattr(part, wanted):
            raise ValueError(f"{name} must have {wanted}(x, t, y), got {part!r}")
    if not getattr(model, "labels", True):
        raise ValueError("model must be one with labels, got one without")
    return at_hand(model), at_hand(classifier)
