"""The perceptrons of `conditioner` on points in columns, `(d, n)`, with their gradient by hand."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dgm_lib.models.flow.by_hand import Pullback


def weights_of(net: nn.Sequential) -> list[Tensor]:
    """Weight and bias of each layer, from first to last."""
    layers = [layer for layer in net if isinstance(layer, nn.Linear)]
    return [parameter for layer in layers for parameter in (layer.weight, layer.bias)]


def plain(x: Tensor, *weights: Tensor) -> Tensor:
    """The output of the perceptron with these weights and biases, `(d_in, n) -> (d_out, n)`."""
    for k, (weight, bias) in enumerate(_pairs(weights)):
        x = torch.addmm(bias.unsqueeze(1), weight, x.sigmoid() - 0.5 if k else x)
    return x


def fast(x: Tensor, *weights: Tensor) -> tuple[Tensor, Pullback]:
    """`plain`, and its gradient by hand: see `by_hand`."""
    inputs, out = [], x  # of each layer
    for weight, bias in _pairs(weights):
        inputs.append(out.sigmoid_().sub_(0.5) if inputs else x)
        out = torch.addmm(bias.unsqueeze(1), weight, inputs[-1])

    def pullback(bar: Tensor) -> tuple[Tensor, ...]:
        found = []
        for k in reversed(range(len(inputs))):
            a = inputs[k]
            found += [bar.sum(dim=1), bar @ a.t()]
            bar = weights[2 * k].t() @ bar
            if k:  # a = σ - ½ has the derivative ¼ - a²
                bar = torch.addcmul(bar, bar * a, a, value=-4).mul_(0.25)
        return bar, *reversed(found)

    return out, pullback


def _pairs(weights: tuple[Tensor, ...]) -> list[tuple[Tensor, Tensor]]:
    return list(zip(weights[::2], weights[1::2]))
