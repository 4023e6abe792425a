"""Gradients by hand: one node of autograd's graph in place of the many that a formula makes.

On a small model autograd's own work, node by node, takes longer than the arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import torch
from torch import Tensor

from dgm_lib.nets.inputs import under_autocast

Tensors = tuple[Tensor, ...]
Pullback = Callable[..., tuple[Tensor | None, ...]]


def by_hand(
    fast: Callable[..., tuple[Tensors, Pullback]], plain: Callable[..., Tensors], *inputs: Tensor
) -> Tensors:
    """`plain(*inputs)`, as computed and differentiated by `fast`.

    `fast(*inputs)` returns the outputs, and a function from the loss's gradients with respect to
    them to those with respect to the inputs. It need not be differentiable itself: where there is
    more to differentiate than once, `plain` takes its place. Neither is for half precision: under
    autocast the inputs keep the precision of the widest.
    """
    if under_autocast(inputs[0]):
        widest = reduce(torch.promote_types, (x.dtype for x in inputs))
        with torch.autocast(inputs[0].device.type, enabled=False):
            return by_hand(fast, plain, *(x.to(widest) for x in inputs))
    if torch._C._are_functorch_transforms_active():
        return plain(*inputs)
    return _ByHand.apply(fast, plain, *inputs)


class _ByHand(torch.autograd.Function):
    @staticmethod
    def forward(ctx, fast: Callable, plain: Callable, *inputs: Tensor) -> Tensors:
        outputs, ctx.pullback = fast(*inputs)
        ctx.plain = plain
        ctx.save_for_backward(*inputs)
        return outputs

    @staticmethod
    def backward(ctx, *bars: Tensor) -> tuple[Tensor | None, ...]:
        inputs = ctx.saved_tensors  # looked at in any case: torch checks that nobody wrote to them
        if torch.is_grad_enabled():
            return None, None, *_differentiable(ctx.plain, inputs, ctx.needs_input_grad[2:], bars)
        return None, None, *ctx.pullback(*bars)


def _differentiable(
    plain: Callable[..., Tensors], inputs: Tensors, needed: tuple[bool, ...], bars: Tensors
) -> list[Tensor | None]:
    wanted = [x for x, need in zip(inputs, needed) if need]
    outputs = plain(*inputs)
    outputs = (outputs,) if isinstance(outputs, Tensor) else outputs
    pairs = [(y, bar) for y, bar in zip(outputs, bars) if y.requires_grad]
    outputs, bars = zip(*pairs)
    found = iter(torch.autograd.grad(outputs, wanted, bars, create_graph=True, allow_unused=True))
    return [next(found) if need else None for need in needed]
