"""The laws that the tests of the targets go through: the gallery, and others with odd arguments."""

from __future__ import annotations

import math

import pytest
import torch

from dgm_lib import targets
from dgm_lib.core import generator
from dgm_lib.targets import GALLERY

DOUBLE = torch.float64
NAN, INF = math.nan, math.inf
FAMILIES = list(GALLERY)
ODD = {
    "ring of one": targets.ring(1),
    "ring, merged": targets.ring(8, radius=0.3, scale=0.2),
    "grid 3": targets.grid(3, spacing=2.0, scale=0.4),
    "moons, wide": targets.moons(scale=0.4),
    "spiral of three": targets.spiral(arms=3, turns=0.7, scale=0.2),
    "pinwheel, one arm": targets.pinwheel(arms=1, twist=-1.3),
    "pinwheel, broad": targets.pinwheel(arms=3, length=0.3, scale=0.6),
    "board 3": targets.checkerboard(cells=3, scale=0.3),
    "board of one": targets.checkerboard(cells=1, scale=0.1, size=2.0),
    "banana, down": targets.banana(curvature=-0.3, scale=1.2),
    "funnel, mild": targets.funnel(scale=0.5),
    "two, unequal": targets.two_modes([-2.0, 1.0], [0.3, 0.9], [0.2, 0.8]),
    "drawn, weighted": targets.drawn([[0, 0], [1, 2], [-1, 0.5]], 0.4, [0.5, 0.2, 0.3]),
    "mixture": targets.GaussianMixture(
        [[0, 0], [1, 1], [-1, 2]], [0.3, 0.6, 0.4], [0.2, 0.5, 0.3], labels=[0, 1, 0]
    ),
}
ALL = {**{name: GALLERY[name] for name in FAMILIES}, **ODD}
every = pytest.mark.parametrize("name", list(ALL))
LABELLED = [name for name, p in ALL.items() if p.labels is not None]
labelled = pytest.mark.parametrize("name", LABELLED)


def double(name: str) -> targets.Target:
    return ALL[name].to(dtype=DOUBLE)


def draws(name: str, n: int, seed: int = 0, **options) -> torch.Tensor:
    return double(name).sample((n,), generator(seed), **options)
