"""Recipes: the published flows, as stacks of layers over a standard Gaussian law.

Each starts at the identity (up to the order of the coordinates), and with `context` is a
conditional law.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from dgm_lib.core import whole
from dgm_lib.models.flow.autoregressive import Autoregressive
from dgm_lib.models.flow.base import StandardNormal
from dgm_lib.models.flow.coupling import Coupling, first_half
from dgm_lib.models.flow.flow import Flow
from dgm_lib.models.flow.laws import Additive, Affine, Law
from dgm_lib.models.flow.linear import Scale
from dgm_lib.models.flow.tanh_layers import Planar, Sylvester

Widths = Sequence[int]


def nice(d: int, layers: int = 8, hidden: Widths = (64, 64), context: int = 0) -> Flow:
    """Additive couplings, then one scale per coordinate. (Dinh et al., 2015.)"""
    stack = couplings(d, Additive(), layers, hidden, context)
    return Flow(StandardNormal(d), [*stack, Scale(d)])


def realnvp(d: int, layers: int = 8, hidden: Widths = (64, 64), context: int = 0) -> Flow:
    """Affine couplings: as quick to sample as to score. (Dinh et al., 2017.)"""
    return Flow(StandardNormal(d), couplings(d, Affine(), layers, hidden, context))


def maf(d: int, layers: int = 5, hidden: Widths = (64, 64), context: int = 0) -> Flow:
    """Affine autoregressive layers: one pass to score, d to sample. (Papamakarios et al., 2017.)"""
    return Flow(StandardNormal(d), autoregressions(d, Affine(), layers, hidden, context))


def iaf(d: int, layers: int = 5, hidden: Widths = (64, 64), context: int = 0) -> Flow:
    """The layers of a MAF the other way round: one pass to sample, d to score a given point.

    A sample's own log q comes with it: `rsample_with_log_prob`. (Kingma et al., 2016.)
    """
    stack = autoregressions(d, Affine(), layers, hidden, context)
    return Flow(StandardNormal(d), [layer.inv for layer in stack])


def planar(d: int, layers: int = 16, hidden: Widths = (64, 64), context: int = 0) -> Flow:
    """Planar layers; `hidden` is for the networks of the context. (Rezende and Mohamed, 2015.)"""
    stack = [Planar(d, context, hidden) for _ in range(_count(layers))]
    return Flow(StandardNormal(d), stack)


def sylvester(d: int, layers: int = 8, hidden: Widths = (64, 64), context: int = 0) -> Flow:
    """Sylvester layers of d units; `hidden` as in `planar`. (van den Berg et al., 2018.)"""
    stack = [Sylvester(d, d, context, hidden) for _ in range(_count(layers))]
    return Flow(StandardNormal(d), stack)


def couplings(d: int, law: Law, layers: int, hidden: Widths, context: int = 0) -> list[Coupling]:
    """Couplings that keep the first half, the second half, the first, ... of the coordinates."""
    mask = first_half(whole("d", d, at_least=2))
    masks = (mask, [not kept for kept in mask])
    return [Coupling(d, law, masks[k % 2], hidden, context) for k in range(_count(layers))]


def autoregressions(
    d: int, law: Law, layers: int, hidden: Widths, context: int = 0
) -> list[Autoregressive]:
    """Autoregressive layers whose order of the coordinates is reversed from each to the next."""
    order = torch.arange(whole("d", d))
    orders = (order, order.flip(0))
    return [Autoregressive(d, law, orders[k % 2], hidden, context) for k in range(_count(layers))]


def _count(layers: int) -> int:
    return whole("layers", layers, at_least=0)
