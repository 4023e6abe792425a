"""The mixtures of Gaussians that draw a shape: each *is* a finite mixture, so it is exact."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from scipy.integrate import cumulative_trapezoid
from torch import Tensor

from dgm_lib.targets import arguments
from dgm_lib.targets.mixture import GaussianMixture

_MAX_POINTS = 300  # of a drawn law: the cost of its density grows with them
_MAX_COMPONENTS = 1000  # per arc, unless more are asked for


def ring(modes: int = 8, radius: float = 2.0, scale: float = 0.2) -> GaussianMixture:
    """`modes` equal Gaussians evenly spaced on a circle: the test for dropped modes.

    Metz et al., "Unrolled generative adversarial networks" (2017).

    >>> ring()
    ring(modes=8, radius=2, scale=0.2)
    """
    modes, radius = arguments.whole("modes", modes), arguments.positive("radius", radius)
    scale = arguments.positive("scale", scale)
    angle = 2 * math.pi * torch.arange(modes, dtype=torch.float64) / modes
    law = GaussianMixture(radius * _direction(angle), scale)
    return law.named("ring", modes=modes, radius=radius, scale=scale)


def grid(side: int = 5, spacing: float = 1.0, scale: float = 0.1) -> GaussianMixture:
    """side x side equal Gaussians on a square lattice centred at 0; the label counts row by row.

    Srivastava et al., "VEEGAN" (2017).
    """
    side, spacing = arguments.whole("side", side), arguments.positive("spacing", spacing)
    scale = arguments.positive("scale", scale)
    axis = spacing * (torch.arange(side, dtype=torch.float64) - (side - 1) / 2)
    law = GaussianMixture(torch.cartesian_prod(axis, axis).reshape(-1, 2), scale)
    return law.named("grid", side=side, spacing=spacing, scale=scale)


def moons(
    scale: float = 0.1, radius: float = 1.5, components: int | None = None
) -> GaussianMixture:
    """Two interleaved half circles, centred at 0; the label is the moon.

    The shape of `sklearn.datasets.make_moons`, but with a density: each moon is a chain of equal
    Gaussians, by default one per scale, so that the density varies along it by less than 1e-8. Too
    small a scale for 1,000 of them is an error; with `components` given, each moon has that many,
    however it ripples.
    """
    scale, radius = arguments.positive("scale", scale), arguments.positive("radius", radius)
    per_moon = _chain_length(components, math.pi * radius, scale)
    offset = torch.tensor([0.5, 0.25], dtype=torch.float64)
    upper = _direction(math.pi * _middles(per_moon)) - offset
    # Half a turn about 0 maps one moon to the other.
    law = GaussianMixture(radius * torch.cat([upper, -upper]), scale, labels=_labels(2, per_moon))
    return law.named("moons", scale=scale, radius=radius)


def spiral(
    arms: int = 2,
    turns: float = 1.5,
    radius: float = 3.0,
    scale: float = 0.1,
    components: int | None = None,
) -> GaussianMixture:
    """Archimedean arms r = radius * t, angle = 2 pi turns t + arm; the label is the arm.

    The mass is even along the arm's length from t = 0.1 to 1. Each arm is a chain of Gaussians as
    in `moons`, with the same limit on the scale.
    """
    arms, turns = arguments.whole("arms", arms), arguments.positive("turns", turns)
    radius, scale = arguments.positive("radius", radius), arguments.positive("scale", scale)
    t = np.linspace(0.1, 1, 4001)
    speed = radius * np.hypot(1, 2 * math.pi * turns * t)
    length = cumulative_trapezoid(speed, t, initial=0)
    per_arm = _chain_length(components, length[-1], scale)
    t = torch.from_numpy(np.interp(length[-1] * _middles(per_arm), length, t))
    starts = torch.arange(arms, dtype=torch.float64) / arms
    turn = starts[:, None] + turns * t
    means = radius * t[:, None] * _direction(2 * math.pi * turn)
    law = GaussianMixture(means.reshape(-1, 2), scale, labels=_labels(arms, per_arm))
    return law.named("spiral", arms=arms, turns=turns, radius=radius, scale=scale)


def two_modes(
    means: Sequence[float] = (-1.2, 1.2),
    scale: float | Sequence[float] = 0.6,
    weights: Sequence[float] = (0.35, 0.65),
) -> GaussianMixture:
    """Two Gaussians on the line (d = 1), by default four scales apart and unequal."""
    locations = arguments.array("means", means)
    if locations.shape != (2,):
        raise ValueError(f"means must be two numbers, got shape {tuple(locations.shape)}")
    law = GaussianMixture(locations[:, None], scale, weights)
    shown = {"means": locations, "scale": arguments.array("scale", scale), "weights": law.weights}
    return law.named("two_modes", **{name: value.tolist() for name, value in shown.items()})


def drawn(
    points: Tensor | Sequence, scale: float = 0.25, weights: Tensor | Sequence | None = None
) -> GaussianMixture:
    """A Gaussian at each drawn point (n, 2): a kernel density estimate whose truth is itself.

    Of more than 300 points, 300 evenly spaced ones stay. It has no labels.
    """
    points = arguments.points("points", points, d=2)
    scale = arguments.positive("scale", scale)
    weights = arguments.thinned(arguments.weights("weights", weights, len(points)), _MAX_POINTS)
    points = arguments.thinned(points, _MAX_POINTS)
    if weights.sum() == 0:
        raise ValueError(f"weights must not all be 0 on the {_MAX_POINTS} points that are kept")
    law = GaussianMixture(points, scale, weights / weights.sum(), labels=())
    return law.named("drawn", points=len(points), scale=scale)


def _direction(angle: Tensor) -> Tensor:
    return torch.stack([angle.cos(), angle.sin()], dim=-1)


def _middles(n: int) -> Tensor:
    """The middles of n equal parts of [0, 1]."""
    return (torch.arange(n, dtype=torch.float64) + 0.5) / n


def _chain_length(components: int | None, length: float, scale: float) -> int:
    """How many Gaussians make a smooth chain: one a scale, they ripple by 2 e^(-2 pi^2) = 5e-9."""
    if components is not None:
        return arguments.whole("components", components)
    if length > _MAX_COMPONENTS * scale:
        smallest = 1.0001 * length / _MAX_COMPONENTS  # so that its five digits are enough
        raise ValueError(
            f"scale must be at least {smallest:.5g} for a chain of {_MAX_COMPONENTS} Gaussians to "
            f"be smooth, got {scale:g}; or give components, and it may ripple"
        )
    return math.ceil(length / scale)


def _labels(n: int, each: int) -> Tensor:
    return torch.arange(n).repeat_interleave(each)
