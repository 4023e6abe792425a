"""Flows: the layers, the laws that they move coordinates by, and how they are made."""

from __future__ import annotations

from functools import partial

import torch

from dgm_lib import core
from dgm_lib.models import flow
from tests.inputs.arguments import Function, Line, Number, Points, Rng, Shape, Whole
from tests.inputs.nets_table import built, maker
from tests.inputs.several import Mask, Order, Several
from tests.inputs.verdict import Case

X = Points()
D, LAYERS, CONTEXT, WIDTHS = Whole(2), Whole(2, low=0), Whole(1, low=0), Shape((4,))
RECIPE = dict(d=Whole(2, low=2), layers=LAYERS, hidden=WIDTHS, context=CONTEXT)
LAW, NET = Function(flow.Affine()), Function(None, optional=True)
POSITIVE = Line(make=lambda x: 0.5 + x.sigmoid())

LAYERS_OF_TWO = {
    "LU": flow.LU(2),
    "Permute": flow.Permute([1, 0]),
    "reverse": flow.reverse(2),
    "Scale": flow.Scale(2),
    "Standardise": flow.Standardise(torch.ones(2), torch.ones(2)),
    "Planar": built(flow.Planar, 2),
    "Sylvester": built(flow.Sylvester, 2, 2),
    "Coupling": built(flow.Coupling, 2, flow.Affine(), hidden=(4,)),
    "Autoregressive": built(flow.Autoregressive, 2, flow.Affine(), hidden=(4,)),
    "Inverse": flow.Scale(2).inv,
    "Chain": flow.Chain([flow.Scale(2), flow.LU(2)]),
}
OF_ANY = {"Sigmoid": flow.Sigmoid(), "Logit": flow.Logit()}
TOLD = built(flow.realnvp, 2, layers=1, hidden=(4,), context=1)
LAWS = {"Additive": flow.Additive(), "Affine": flow.Affine(), "Spline": flow.Spline(bins=2)}
BASE = flow.StandardNormal(2)


def both_ways(name: str, layer: flow.Transform, points: Points) -> list[Case]:
    return [
        Case(name, lambda x: layer(x), dict(x=points), also=("z",)),
        Case(f"{name}.inverse", lambda z: layer.inverse(z), dict(z=points), also=("x",)),
    ]


def of_law(name: str, law: flow.Law) -> list[Case]:
    """A law's two directions, at points that come with their parameters."""
    params = Points(d=2 * law.size, tied=True, make=lambda p: p.reshape(len(p), 2, law.size))
    of = dict(x=Points(tied=True), params=params)
    back = dict(z=Points(tied=True), params=params)
    return [Case(f"{name}.forward", law.forward, of), Case(f"{name}.inverse", law.inverse, back)]


def given(**of: object) -> torch.Tensor:
    """What the law given a context says of as many points."""
    context = of.pop("context")
    return flow.Given(TOLD, context).log_prob(of["x"])


TABLE = [
    *(case for name, layer in LAYERS_OF_TWO.items() for case in both_ways(name, layer, X)),
    *both_ways("Sigmoid", OF_ANY["Sigmoid"], Points(fixed=False, make=torch.sigmoid)),
    *both_ways("Logit", OF_ANY["Logit"], Points(fixed=False, make=torch.sigmoid)),
    *(maker(name, getattr(flow, name), **RECIPE) for name in ("nice", "realnvp", "maf", "iaf")),
    *(maker(name, getattr(flow, name), **RECIPE) for name in ("planar", "sylvester")),
    maker("spline", flow.spline, **RECIPE, bins=Whole(2), bound=Number(4.0)),
    maker(
        "spline.data",
        partial(flow.spline, 2, 1, (4,), bins=2),
        data=Points(optional=True),
    ),
    maker("LU", flow.LU, d=D, order=Order(optional=True)),
    maker("Permute", flow.Permute, order=Order(fixed=False)),
    maker("reverse", flow.reverse, d=D),
    maker("Scale", flow.Scale, d=D),
    Case(
        "Standardise",
        lambda **of: flow.Standardise(**of)(torch.ones(3, of["mean"].__len__())),
        dict(mean=Line(tied=True), std=POSITIVE),
    ),
    maker("Planar", flow.Planar, d=D, context=CONTEXT, hidden=WIDTHS),
    maker("Sylvester", flow.Sylvester, d=D, m=D, context=CONTEXT, hidden=WIDTHS),
    maker(
        "Coupling",
        flow.Coupling,
        d=Whole(2, low=2),
        law=LAW,
        mask=Mask(optional=True),
        hidden=WIDTHS,
        context=CONTEXT,
    ),
    maker(
        "Autoregressive",
        flow.Autoregressive,
        d=D,
        law=LAW,
        order=Order(optional=True),
        hidden=WIDTHS,
        context=CONTEXT,
    ),
    maker("Coupling.net", partial(flow.Coupling, 2, flow.Affine()), net=NET),
    maker("Autoregressive.net", partial(flow.Autoregressive, 2, flow.Affine()), net=NET),
    maker("Inverse", flow.Inverse, transform=Function(flow.Scale(2))),
    maker("Chain", flow.Chain, transforms=Several((flow.Scale(2),), empty=True)),
    Case(
        "Flow",
        lambda **of: flow.Flow(**of).log_prob(torch.ones(3, 2)),
        dict(base=Function(BASE), transforms=Several((flow.Scale(2),), empty=True)),
    ),
    Case(
        "Flow.told",
        lambda context: TOLD(context).sample((), core.generator(0)),
        dict(context=Points(d=1)),
        random=True,
    ),
    Case("Given", given, dict(x=Points(tied=True), context=Points(d=1, tied=True))),
    Case("Affine", lambda **of: flow.Affine(**of).limit, dict(limit=Number(2.0))),
    Case(
        "Spline",
        lambda **of: [flow.Spline(**of).size, flow.Spline(**of).bound],
        dict(bins=Whole(4), bound=Number(4.0), limit=Number(3.0)),
    ),
    *(case for name, one in LAWS.items() for case in of_law(name, one)),
    Case("StandardNormal", lambda d: flow.StandardNormal(d).mean, dict(d=D)),
    Case("StandardNormal.log_prob", BASE.log_prob, dict(z=X)),
    Case("StandardNormal.sample", BASE.sample, dict(shape=Shape(), generator=Rng())),
]
