"""How much memory a network's training takes."""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakSet

import torch
from torch import Tensor, nn

from dgm_lib.nets.inputs import network


class _Kept:
    """A tensor in autograd's graph; gone when the graph lets go of it."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor


def saved_bytes(function: Callable[..., Tensor], *args: object) -> int:
    """Bytes that autograd keeps for the backward pass of function(*args).

    Each piece of memory counts once, and not at all if it is an argument or a parameter, which
    are there anyway.

    >>> saved_bytes(torch.exp, torch.zeros(3, requires_grad=True))  # its output, 4 bytes each
    12
    """
    network("function", function)
    kept: WeakSet[_Kept] = WeakSet()

    def pack(tensor: Tensor) -> _Kept:
        token = _Kept(tensor.detach())  # which is no part of the graph: no cycle keeps it alive
        base = tensor if tensor._base is None else tensor._base
        if not (isinstance(base, nn.Parameter) or (base.is_leaf and base.requires_grad)):
            kept.add(token)
        return token

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda token: token.tensor):
        output = function(*args)  # which holds the graph while it is counted
    given = {arg.untyped_storage().data_ptr() for arg in args if isinstance(arg, Tensor)}
    storages = [token.tensor.untyped_storage() for token in kept]
    sizes = {s.data_ptr(): s.nbytes() for s in storages if s.data_ptr() not in given}
    del output
    return sum(sizes.values())
