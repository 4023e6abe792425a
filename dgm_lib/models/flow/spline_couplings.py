"""The best flow for its time: spline couplings that run, and are differentiated, as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from dgm_lib.core import array, whole
from dgm_lib.models.flow import columns
from dgm_lib.models.flow.autoregressive import Autoregressive
from dgm_lib.models.flow.base import StandardNormal
from dgm_lib.models.flow.by_hand import Pullback, by_hand
from dgm_lib.models.flow.conditioner import perceptron
from dgm_lib.models.flow.coupling import Coupling, first_half
from dgm_lib.models.flow.flow import Flow
from dgm_lib.models.flow.linear import Standardise
from dgm_lib.models.flow.splines import Spline
from dgm_lib.models.flow.transform import Chain
from dgm_lib.nets.inputs import expanded, require_points

STEEPER = 2.0  # than units start elsewhere: splines can follow, and come closer in the same time


def spline(
    d: int,
    layers: int = 3,
    hidden: Sequence[int] = (64, 16),
    context: int = 0,
    bins: int = 24,
    bound: float = 4.0,
    data: Tensor | None = None,
) -> Flow:
    """Couplings by rational-quadratic splines, the best flow here for its time.

    They act within ±bound, so give it `data` (n, d), a batch of points to standardise by, unless
    these are near the origin and of scale 1 already. In one dimension, where there is nothing to
    couple, it is a spline whose parameters depend on the context alone. (Durkan et al., 2019.)

    >>> spline(2).log_prob(torch.zeros(5, 2)).shape
    torch.Size([5])
    """
    law = Spline(bins, bound)
    if whole("d", d) == 1:
        count = whole("layers", layers, at_least=0)
        stack = Chain(Autoregressive(1, law, hidden=hidden, context=context) for _ in range(count))
    else:
        stack = SplineCouplings(d, law, layers, hidden, context)
    if data is not None:
        mean, std = _moments(data, d)
        stack = Chain([Standardise(mean, std), stack])
    return Flow(StandardNormal(d), stack)


class SplineCouplings(Chain):
    """Spline couplings that move the second half of the coordinates, the first, the second, ...

    It is a Chain of `Coupling`s like any other. Only, forward it is one node of autograd's graph,
    on points in columns and with its gradient by hand: in few dimensions, where a step is made of
    hundreds of small operations, training is twice as fast for it. What that node keeps for the
    backward pass is not seen by `nets.saved_bytes`. A chain whose layers were exchanged, or whose
    networks have hooks, is computed layer by layer.
    """

    def __init__(
        self, d: int, law: Spline, layers: int, hidden: Sequence[int] = (64, 16), context: int = 0
    ) -> None:
        mask = first_half(whole("d", d, at_least=2))
        masks = (mask, [not kept for kept in mask])
        count = whole("layers", layers, at_least=0)
        context = whole("context", context, at_least=0)
        super().__init__(_coupling(masks[k % 2], law, hidden, context) for k in range(count))
        self.d, self.context, self.law, self.built = d, context, law, count
        self.sizes = [sum(mask), d - sum(mask)]

    def forward(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        if not self._is_as_built():
            return super().forward(x, context)
        require_points(x, self.d, "x")
        batch, n = x.shape[:-1], x.shape[:-1].numel()
        given = expanded(context, self.context, x) if self.context else x[..., :0]
        z, ladj = by_hand(
            self._fast,
            self._plain,
            x.reshape(n, self.d).t(),
            given.reshape(n, self.context).t(),
            *(weight for layer in self for weight in columns.weights_of(layer.net)),
        )
        return z.t().reshape(x.shape), ladj.reshape(batch)

    def _is_as_built(self) -> bool:
        """Whether every layer is as this class made it, with nobody listening in."""
        nets = [getattr(layer, "net", None) for layer in self]
        return len(nets) == self.built and all(
            getattr(net, "in_columns", False) and not net._forward_hooks for net in nets
        )

    def _plain(self, x: Tensor, context: Tensor, *weights: Tensor) -> tuple[Tensor, Tensor]:
        return self._through(columns.plain, self.law.plain, x, context, weights)

    def _fast(
        self, x: Tensor, context: Tensor, *weights: Tensor
    ) -> tuple[tuple[Tensor, Tensor], Pullback]:
        tape = []
        net, law = _recorded(columns.fast, tape), _recorded(self.law.fast, tape)
        outputs = self._through(net, law, x, context, weights)

        def pullback(z_bar: Tensor, ladj_bar: Tensor) -> tuple[Tensor, ...]:
            bars, context_bar = list(z_bar.split(self.sizes)), torch.zeros_like(context)
            weight_bars = []
            for k in reversed(range(len(self))):
                kept, moved = k % 2, 1 - k % 2
                pull_net, pull_law = tape[2 * k : 2 * k + 2]
                everywhere = ladj_bar.expand_as(bars[moved])
                bars[moved], rows_bar = pull_law(bars[moved], everywhere)
                steering_bar, *found = pull_net(rows_bar.transpose(0, 1).flatten(0, 1))
                bars[kept] = bars[kept] + steering_bar[: self.sizes[kept]]
                context_bar = context_bar + steering_bar[self.sizes[kept] :]
                weight_bars = found + weight_bars
            return torch.cat(bars), context_bar, *weight_bars

        return outputs, pullback

    def _through(
        self, net: Callable, law: Callable, x: Tensor, context: Tensor, weights: tuple[Tensor, ...]
    ) -> tuple[Tensor, Tensor]:
        """All layers on columns x (d, n), given how to apply a net and how to apply the law."""
        parts, ladj = list(x.split(self.sizes)), torch.zeros_like(x[0])
        each = len(weights) // max(len(self), 1)
        for k in range(len(self)):
            kept, moved = k % 2, 1 - k % 2
            steering = torch.cat([parts[kept], context])
            rows = net(steering, *weights[k * each : (k + 1) * each])
            rows = rows.unflatten(0, (self.sizes[moved], self.law.size)).transpose(0, 1)
            parts[moved], change = law(parts[moved], rows)
            ladj = ladj + change.sum(dim=0)
        return torch.cat(parts), ladj


def _recorded(fast: Callable, tape: list[Pullback]) -> Callable:
    """The function that `fast` computes, which also writes its pullback on the tape."""

    def function(*inputs: Tensor):
        outputs, pullback = fast(*inputs)
        tape.append(pullback)
        return outputs

    return function


def _coupling(mask: list[bool], law: Spline, hidden: Sequence[int], context: int) -> Coupling:
    kept, moved = sum(mask), len(mask) - sum(mask)
    net = perceptron(kept + context, moved * law.size, hidden)
    with torch.no_grad():
        for layer in [layer for layer in net if isinstance(layer, nn.Linear)][1:]:
            layer.weight *= STEEPER
    net.in_columns = True  # the two ways to compute it are known to agree
    return Coupling(len(mask), law, mask, context=context, net=net)


def _moments(data: Tensor, d: int) -> tuple[Tensor, Tensor]:
    """The mean and standard deviation of each coordinate, 1 for one that does not vary."""
    data = array("data", data)
    if data.ndim != 2 or data.shape[1] != d or len(data) < 2:
        raise ValueError(f"data must have shape (n, {d}) with n > 1, got {tuple(data.shape)}")
    std = data.std(dim=0)
    return data.mean(dim=0), std.where(std > 0, 1)
