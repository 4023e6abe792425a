"""Networks, how they are made, and what is done to them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial

import torch
from torch import nn

from dgm_lib import core, nets
from tests.inputs.arguments import Argument, Function, Line, Number, Points, Shape, Whole
from tests.inputs.several import Order, Several
from tests.inputs.verdict import Case


def built(make: Callable, *arguments: object, **named: object) -> nn.Module:
    """A module whose first weights are the same at each run."""
    with core.RandomStream(0, "cpu"):
        return make(*arguments, **named)


def sizes(make: Callable, **named: object) -> list[int]:
    """The shapes of a module's parameters."""
    return [list(parameter.shape) for parameter in built(make, **named).parameters()]


def maker(name: str, make: Callable, **arguments: Argument) -> Case:
    """A module's constructor."""
    return Case(name, partial(sizes, make), arguments)


REFERENCE = torch.tensor([[0.0, 1.0], [2.0, 4.0], [1.0, -1.0]])
BLOCK = nets.ReversibleBlock(torch.sin, torch.cos)
MASKED = built(nets.MaskedMLP, 2, 3, (4,), context=1)
VIRTUAL = built(nets.VirtualMLP, 2, 3, REFERENCE, (4,))
ENCODER, DECODER = built(nets.ConvEncoder, 2, width=2), built(nets.ConvDecoder, 2, width=2)
DIGITS = built(nets.DigitGenerator, 2, width=2).eval()
JUDGE = built(nets.DigitDiscriminator, width=2)
LINEAR = built(nn.Linear, 2, 2)

EVEN = Points(fixed=False)
X, WIDTHS, ACTIVATION = Points(), Shape((4,)), Function(nn.SiLU)
IMAGES = Points(d=64, fixed=False, make=lambda x: x.reshape(-1, 1, 8, 8))
CHANNELS = Points(d=64, fixed=False, make=lambda x: x.reshape(-1, 4, 4, 4))
GIVEN = Points(make=lambda _: REFERENCE)


def fresh() -> nn.Module:
    return built(nn.Linear, 2, 2)


def looked_through(net: nn.Module) -> None:
    with nets.frozen(net):
        pass


def made(name: str, *arguments: object) -> Callable:
    """The layer of `nets` of this name, of points of any kind."""
    return lambda x: getattr(nets, name)(*arguments)(x)


TABLE = [
    maker("MLP", nets.MLP, d_in=Whole(2), d_out=Whole(3), hidden=WIDTHS, activation=ACTIVATION),
    maker(
        "TimeMLP",
        nets.TimeMLP,
        d_in=Whole(2),
        d_out=Whole(3),
        hidden=WIDTHS,
        features=Whole(4, low=2),
        activation=ACTIVATION,
    ),
    Case(
        "TimeFeatures",
        lambda **of: nets.TimeFeatures(**of).omega,
        dict(features=Whole(4, low=2), fastest=Number(100.0, low=1, closed=True)),
    ),
    Case("TimeFeatures", lambda t: nets.TimeFeatures(4)(t), dict(t=Points(d=1))),
    maker(
        "MaskedMLP",
        nets.MaskedMLP,
        d=Whole(2),
        out=Whole(3),
        hidden=WIDTHS,
        order=Order(optional=True),
        context=Whole(1, low=0),
        activation=ACTIVATION,
    ),
    Case(
        "MaskedMLP",
        lambda x, context: MASKED(x, context),
        dict(x=Points(tied=True), context=Points(d=1, tied=True)),
    ),
    Case(
        "made_masks",
        lambda **of: nets.made_masks(**of),
        dict(order=Order(fixed=False), hidden=WIDTHS, context=Whole(1, low=0)),
    ),
    maker("VirtualBatchNorm", nets.VirtualBatchNorm, d=Whole(2), eps=Number(1e-5, closed=True)),
    Case(
        "VirtualBatchNorm",
        lambda x, reference: nets.VirtualBatchNorm(2, reference)(x),
        dict(x=X, reference=GIVEN),
    ),
    maker(
        "VirtualMLP",
        partial(nets.VirtualMLP, reference=REFERENCE),
        d_in=Whole(2),
        d_out=Whole(3),
        hidden=WIDTHS,
        activation=ACTIVATION,
    ),
    Case("VirtualMLP", lambda x: VIRTUAL(x), dict(x=X)),
    maker(
        "ConvEncoder",
        nets.ConvEncoder,
        d_out=Whole(2),
        channels=Whole(1),
        width=Whole(2),
        activation=ACTIVATION,
    ),
    Case("ConvEncoder", lambda x: ENCODER(x), dict(x=IMAGES)),
    maker(
        "ConvDecoder",
        nets.ConvDecoder,
        d_in=Whole(2),
        channels=Whole(1),
        width=Whole(2),
        activation=ACTIVATION,
    ),
    Case("ConvDecoder", lambda z: DECODER(z), dict(z=X)),
    maker(
        "DigitGenerator",
        nets.DigitGenerator,
        d_z=Whole(2),
        width=Whole(2),
        norm=Function(nn.BatchNorm2d),
    ),
    Case("DigitGenerator", lambda z: DIGITS(z), dict(z=X)),
    maker(
        "DigitDiscriminator",
        nets.DigitDiscriminator,
        width=Whole(2),
        norm=Function(nn.BatchNorm2d),
    ),
    Case("DigitDiscriminator", lambda x: JUDGE(x), dict(x=Points(d=64))),
    Case("DigitDiscriminator.features", JUDGE.features, dict(x=Points(d=64))),
    Case(
        "Reversible",
        lambda blocks: nets.Reversible(blocks)(torch.ones(3, 2)),
        dict(blocks=Several((BLOCK, BLOCK), empty=True)),
    ),
    Case("Reversible", lambda x: nets.Reversible([BLOCK])(x), dict(x=EVEN)),
    Case("Reversible.inverse", nets.Reversible([BLOCK]).inverse, dict(y=EVEN)),
    Case(
        "ReversibleBlock",
        lambda f, g: nets.ReversibleBlock(f, g)(torch.ones(3, 2)),
        dict(f=Function(torch.sin, judged=True), g=Function(torch.cos, judged=True)),
    ),
    Case("ReversibleBlock", lambda x: BLOCK(x), dict(x=EVEN)),
    Case("SpaceToDepth", lambda s: nets.SpaceToDepth(s)(torch.ones(1, 6, 6)), dict(s=Whole(2))),
    Case("SpaceToDepth", made("SpaceToDepth"), dict(x=IMAGES)),
    Case("SpaceToDepth.inverse", lambda y: nets.SpaceToDepth().inverse(y), dict(y=CHANNELS)),
    Case("clip_", lambda c: nets.clip_(fresh(), c).weight, dict(c=Number(0.1))),
    Case("clip_", lambda net: nets.clip_(net, 9.0).weight, dict(net=Function(LINEAR))),
    Case(
        "spectral_norm",
        lambda **of: nets.spectral_norm(fresh(), **of).weight,
        dict(iterations=Whole(1, unlimited=True), bound=Number(1.0)),
    ),
    Case(
        "spectral_norm",
        lambda module: nets.spectral_norm(copy.deepcopy(module)).weight,
        dict(module=Function(LINEAR)),
    ),
    Case("lipschitz_bound", nets.lipschitz_bound, dict(net=Function(LINEAR))),
    Case("frozen", looked_through, dict(net=Function(LINEAR))),
    Case(
        "power_iteration",
        nets.power_iteration,
        dict(W=Points(tied=True, fixed=False), u=Line(tied=True)),
    ),
    Case(
        "saved_bytes",
        lambda function: nets.saved_bytes(function, torch.zeros(3, requires_grad=True)),
        dict(function=Function(torch.exp)),
    ),
]
