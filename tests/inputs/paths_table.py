"""Paths, and the densities of targets."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch

from dgm_lib import paths
from tests.inputs.arguments import Line, Number, Points, Times, Whole
from tests.inputs.verdict import Case

BETA = dict(beta_min=Number(0.1, 0, 20), beta_max=Number(20.0, 0.1))
SIGMA = dict(sigma_min=Number(0.01, 0, 10), sigma_max=Number(10.0, 0.01))
BETAS = Line(make=lambda x: 0.01 + 0.1 * x.sigmoid())


OF_TWO = [
    *("noised", "velocity", "v", "x0_from_eps", "eps_from_x0", "x0_from_v", "eps_from_v"),
    *("x0_from_velocity", "eps_from_velocity"),
]
OF_ONE = ["score_from_eps", "eps_from_score", "drift"]
START = torch.full((1, 1), 0.05)
NAMES = ("x0", "x_t", "eps", "v", "u", "score", "s")  # that the points have in one or the other


def conversions(path: paths.Path, name: str) -> list[Case]:
    """The methods of a path that take points and times."""
    two = dict(x=Points(tied=True), t=Times(), other=Points(tied=True))
    one = dict(x=Points(tied=True), t=Times())
    return [
        Case(f"{name}.{method}", partial(in_order, getattr(path, method)), arguments, also=NAMES)
        for methods, arguments in ((OF_TWO, two), (OF_ONE, one))
        for method in methods
    ]


def in_order(method: Callable, **arguments: object) -> object:
    """The method of these arguments, whatever it calls them."""
    return method(*arguments.values())


TABLE = [
    *conversions(paths.cosine(), "cosine"),
    *conversions(paths.discrete(paths.linear_betas(10)), "discrete"),
    Case(
        "posterior",
        lambda x_t, t, x0: paths.linear().posterior(x_t, t, x0, START),
        dict(x_t=Points(tied=True), t=Times(), x0=Points(tied=True)),
        also=("x",),
    ),
    Case("linear", lambda **b: list(paths.linear(**b).__dict__.values()), BETA),
    Case("exploding", lambda **s: list(paths.exploding(**s).__dict__.values()), SIGMA),
    Case(
        "linear_betas",
        paths.linear_betas,
        dict(n=Whole(10), first=Number(0.1, 0, 20), last=Number(20.0, 0.1)),
    ),
    Case("cosine_betas", paths.cosine_betas, dict(n=Whole(10), offset=Number(0.01, closed=True))),
    Case("discrete", lambda betas: paths.discrete(betas).alpha_bar, dict(betas=BETAS)),
    Case("alpha_bar", paths.alpha_bar, dict(betas=BETAS)),
]
