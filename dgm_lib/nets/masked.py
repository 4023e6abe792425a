"""Masked networks: each output sees only the coordinates that come before its own."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from dgm_lib.core import tensor, whole
from dgm_lib.nets.fixed import fix
from dgm_lib.nets.inputs import maker, require_last, require_like, widths, with_context
from dgm_lib.nets.mlp import Activation


def made_masks(order: Tensor, hidden: Sequence[int], context: int = 0) -> list[Tensor]:
    """Which weights of an autoregressive perceptron may be other than 0: a mask for each layer.

    `order` (d,) says which coordinate comes first, second, ...: order[k] is the k-th. A hidden
    unit of degree m sees the first m coordinates; so it may read the coordinates among them, and
    the units of its own degree or less. The output of the coordinate with k before it reads units
    of degree k or less. The masks are `(n_out, n_in)` from first layer to last. The inputs are the
    d coordinates and then `context` numbers that everybody may see. (Germain et al., 2015.)

    >>> first, last = made_masks(torch.tensor([0, 1, 2]), hidden=[4])
    >>> (last.int() @ first.int() > 0).int()
    tensor([[0, 0, 0],
            [1, 0, 0],
            [1, 1, 0]], dtype=torch.int32)
    """
    order, context = permutation(order), whole("context", context, at_least=0)
    before = order.argsort()  # how many coordinates come before each
    # Only a context gives a unit that sees no coordinate something to say.
    smallest = 0 if context or len(order) == 1 else 1
    degrees = [
        torch.cat([before + 1, before.new_zeros(context)]),
        *(_spread(width, smallest, len(order) - 1, before.device) for width in widths(hidden)),
        before,
    ]
    return [after[:, None] >= earlier for earlier, after in pairwise(degrees)]


class MaskedMLP(nn.Module):
    """A perceptron that is autoregressive, MADE: `(*batch, d) -> (*batch, d, out)`.

    The `out` numbers of coordinate i depend on the coordinates that come strictly before i in
    `order`, and on all of the context `(*batch, context)`. (Germain et al., 2015.)

    >>> MaskedMLP(3, 2, hidden=(16,))(torch.zeros(5, 7, 3)).shape
    torch.Size([5, 7, 3, 2])
    """

    def __init__(
        self,
        d: int,
        out: int,
        hidden: Sequence[int] = (64, 64),
        order: Tensor | None = None,
        context: int = 0,
        activation: Activation = nn.SiLU,
    ) -> None:
        super().__init__()
        self.d, self.out = whole("d", d), whole("out", out)
        self.context = whole("context", context, at_least=0)
        order = permutation(torch.arange(d) if order is None else order, d)
        fix(self, "order", order)
        *inner, last = made_masks(order, hidden, context)
        layers = [MaskedLinear(last.repeat_interleave(out, dim=0))]
        for mask in reversed(inner):
            layers = [MaskedLinear(mask), maker("activation", activation)(), *layers]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        require_last(x, self.d, "x")
        require_like(x, self.layers[-1].weight, "x")
        outputs = self.layers(with_context(x, context, self.context))
        return outputs.reshape(*x.shape, self.out)


class MaskedLinear(nn.Linear):
    """An affine layer whose weights are 0 where the mask `(n_out, n_in)` is False."""

    def __init__(self, mask: Tensor) -> None:
        n_out, n_in = mask.shape
        super().__init__(n_in, n_out)
        self.register_buffer("mask", mask.to(self.weight))

    def forward(self, x: Tensor) -> Tensor:
        return linear(x, self.weight * self.mask, self.bias)


def permutation(order: Tensor | Sequence[int], d: int | None = None) -> Tensor:
    """The argument `order` as a LongTensor `(d,)`, once it is known to be a permutation."""
    order = tensor("order", order)
    n = order.numel() if d is None else d
    # The comparison of values is left out where there are none (the device "meta").
    if (
        tuple(order.shape) != (n,)
        or order.dtype.is_floating_point
        or order.dtype in (torch.bool, torch.complex64, torch.complex128)
        or not (order.is_meta or sorted(order.tolist()) == list(range(n)))
    ):
        raise ValueError(f"order must be a permutation of 0, ..., {n - 1}, got {order.tolist()}")
    return order.long()


def _spread(width: int, smallest: int, largest: int, device: torch.device) -> Tensor:
    """The degrees of `width` units: in turn, or, where these are too few, evenly spread."""
    span = largest - smallest + 1
    units = torch.arange(width, device=device)
    return smallest + (units % span if width >= span else (units + 1) * span // width - 1)
