"""Targets: their densities, samples and constructors."""

from __future__ import annotations

import math
from functools import partial

from dgm_lib import targets
from tests.inputs.arguments import Labels, Number, Points, Rng, Shape, Whole
from tests.inputs.verdict import Case

LAWS = {
    "ring": targets.ring(3),
    "checkerboard": targets.checkerboard(),
    "banana": targets.banana(),
    "funnel": targets.funnel(),
    "pinwheel": targets.pinwheel(3),
    "noised": targets.ring(3).noised(0.8, 0.6),
    "tilted": targets.ring(3).tilted(1, 2.0),
}
CELLS = targets.quantised(targets.ring(3), levels=4)
X, DRAW = dict(x=Points()), dict(shape=Shape(), generator=Rng())
SCALE, ANY = Number(), Number(0.4, -math.inf)


def of_law(name: str, law: targets.Target) -> list[Case]:
    labels = dict(label=Labels(k=3, optional=True)) if name in ("ring", "noised") else {}
    whole = name in ("ring", "noised", "checkerboard", "pinwheel")
    cases = [
        Case(f"{name}.log_prob", law.log_prob, X | labels),
        Case(f"{name}.score", law.score, X | labels),
        Case(f"{name}.sample", law.sample, DRAW),
    ]
    return cases + [Case(f"{name}.posterior", law.posterior, X) for _ in range(whole)]


def family(name: str, **arguments: object) -> Case:
    """The law's density at three points, from the arguments of its constructor."""
    return Case(name, partial(heights, getattr(targets, name)), arguments)


def heights(make, **arguments: object) -> list[float]:
    law = make(**arguments)
    return law.log_prob(0.3 * law.box.new_ones(3, law.d)).tolist()


TABLE = [
    *(case for item in LAWS.items() for case in of_law(*item)),
    family("ring", modes=Whole(3), radius=Number(2.0), scale=SCALE),
    family("grid", side=Whole(3), spacing=Number(1.0), scale=SCALE),
    family("moons", scale=SCALE, radius=Number(1.5), components=Whole(5, optional=True)),
    family("spiral", arms=Whole(2), turns=Number(1.5), radius=Number(3.0), scale=SCALE),
    family("pinwheel", arms=Whole(3), radius=SCALE, length=SCALE, scale=SCALE, twist=ANY),
    family("checkerboard", cells=Whole(4), scale=SCALE, size=Number(6.0)),
    family("banana", curvature=ANY, scale=SCALE),
    family("funnel", scale=SCALE, d=Whole(3, low=2)),
    family("GaussianMixture", means=Points(fixed=False), scale=SCALE),
    family("drawn", points=Points(), scale=SCALE),
    Case(
        "noised",
        lambda **to: LAWS["ring"].noised(**to).alpha,
        dict.fromkeys(("alpha", "sigma"), Number(closed=True)),
    ),
    Case("tilted", lambda w: LAWS["ring"].tilted(1, w).w, dict(w=Number(2.0, -math.inf))),
    Case(
        "quantised", lambda **n: targets.quantised(LAWS["ring"], **n).table, dict(levels=Whole(4))
    ),
    Case("quantise", CELLS.quantise, X),
    Case("place", lambda y: CELLS.place(y), dict(y=Points())),
    Case("cells.log_prob", lambda y: CELLS.log_prob(y), dict(y=Points(make=lambda y: y.round()))),
    Case("cells.sample", CELLS.sample, DRAW),
]
