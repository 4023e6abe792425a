"""Reversible networks: bijections that train in memory that does not grow with their depth.

What back-propagation needs of a layer is its input, and a bijection can find that from its output:
so only the last output is kept, at the cost of computing each block anew. A network from an image
to features that loses nothing (i-RevNet; Jacobsen et al., 2018) is a few lines:

>>> from dgm_lib.nets import ReversibleBlock, SpaceToDepth
>>> conv = lambda c: nn.Conv2d(c, c, 3, padding=1)
>>> block = lambda c: ReversibleBlock(conv(c), conv(c), dim=-3)
>>> net = Reversible([SpaceToDepth(), block(2), block(2), SpaceToDepth(), block(8)])
>>> net(torch.zeros(1, 8, 8)).shape, net.inverse(torch.zeros(16, 2, 2)).shape
(torch.Size([16, 2, 2]), torch.Size([1, 8, 8]))
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from dgm_lib.nets.inputs import require_floats


class Reversible(nn.ModuleList):
    """Bijections one after the other, of which back-propagation keeps the last output only.

    A block is a module with `inverse`. The gradients are those of the plain chain, for about two
    more forward passes. What a block does is computed again, and so must follow from its input
    and its parameters alone: dropout, and batch normalisation in training mode, are errors.
    Second derivatives and `torch.func` need the plain chain, `nn.Sequential(*blocks)`.
    """

    def __init__(self, blocks: Iterable[nn.Module] = ()) -> None:
        blocks = list(blocks) if isinstance(blocks, Iterable) else [blocks]
        for block in blocks:
            if not isinstance(block, nn.Module) or not hasattr(block, "inverse"):
                raise ValueError(f"blocks must have an inverse, {type(block).__name__} has none")
        super().__init__(blocks)

    def forward(self, x: Tensor) -> Tensor:
        """The last block's output."""
        require_floats(x, "x")
        if not torch.is_grad_enabled():
            return _chained(self, x)
        with _nothing_changes(self, x.device):
            return _Recomputed.apply(self, x, *self.parameters())

    def inverse(self, y: Tensor) -> Tensor:
        """The x that `forward` maps to y."""
        for block in reversed(self):
            y = block.inverse(y)
        return y


class _Recomputed(torch.autograd.Function):
    """The chain of blocks as one node of autograd's graph, which saves its output alone.

    The parameters are arguments so that autograd knows of them; the blocks have them already.
    """

    @staticmethod
    def forward(ctx, blocks: Reversible, x: Tensor, *parameters: Tensor) -> Tensor:
        y = _chained(blocks, x)
        ctx.blocks, ctx.parameters = blocks, _versions(parameters)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        (y,) = ctx.saved_tensors
        total = dict.fromkeys(ctx.blocks.parameters())
        if _versions(total) != ctx.parameters:
            raise RuntimeError("a parameter of Reversible changed between forward and backward")
        with _nothing_changes(ctx.blocks, y.device):
            for block in reversed(ctx.blocks):
                y = block.inverse(y)
                trained = [p for p in block.parameters() if p.requires_grad]
                gradient, *gradients = _pulled_back(block, y, trained, gradient)
                for p, g in zip(trained, gradients):
                    total[p] = g if total[p] is None else total[p] + g
        return None, gradient, *total.values()


def _pulled_back(
    block: nn.Module, x: Tensor, parameters: list[Tensor], gradient: Tensor
) -> tuple[Tensor, ...]:
    """From the gradient at block(x) to those at x and at the parameters."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        y = block(x)
    wanted = (x, *parameters)
    if not {id(leaf) for leaf in _leaves(y)} <= {id(tensor) for tensor in wanted}:
        raise RuntimeError(
            "a block of Reversible trains a tensor that is not one of its parameters, and would "
            "get no gradient: make the networks in it modules, not functions that call them"
        )
    return torch.autograd.grad(y, wanted, gradient, allow_unused=True)


def _leaves(y: Tensor) -> Iterator[Tensor]:
    """The tensors at the ends of the graph of y."""
    ahead, seen = [y.grad_fn], {None}
    while ahead:
        node = ahead.pop()
        if node not in seen:
            seen.add(node)
            ahead += [following for following, _ in node.next_functions]
            if hasattr(node, "variable"):
                yield node.variable


def _chained(blocks: Reversible, x: Tensor) -> Tensor:
    for block in blocks:
        x = block(x)
    return x


def _versions(tensors: Iterable[Tensor]) -> list[tuple[int, int]]:
    return [(id(tensor), tensor._version) for tensor in tensors]


@contextmanager
def _nothing_changes(blocks: Reversible, device: torch.device) -> Iterator[None]:
    """Raise if what runs inside draws random numbers or changes a buffer."""
    numbers, buffers = _random_state(device), _versions(blocks.buffers())
    yield
    if not torch.equal(numbers, _random_state(device)):
        raise RuntimeError(
            "a block of Reversible drew random numbers (dropout?), so that it cannot be computed "
            "again: take them out, or call eval() first"
        )
    if buffers != _versions(blocks.buffers()):
        raise RuntimeError(
            "a block of Reversible changed its buffers (batch normalisation?), so that it cannot "
            "be computed again: use another normalisation, or call eval() first"
        )


def _random_state(device: torch.device) -> Tensor:
    if device.type in ("cpu", "meta"):
        return torch.get_rng_state()
    # MPS has one device, and its function takes it by another type than CUDA's and XPU's.
    which = () if device.type == "mps" else (device,)
    return torch.get_device_module(device).get_rng_state(*which)
