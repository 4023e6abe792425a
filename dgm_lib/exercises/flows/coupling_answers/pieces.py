"""A right affine coupling layer in pieces, and ways to replace some of them by wrong ones."""

from collections.abc import Callable

import torch
from torch import Tensor, nn


class Coupling(nn.Module):
    """A right layer in pieces, any of which can be replaced by a wrong one."""

    def __init__(self, net: nn.Module, mask: Tensor) -> None:
        super().__init__()
        self.net = net
        self.register_buffer("mask", mask)

    def chunks(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """s and t of all coordinates."""
        return self.net(x * self.mask).chunk(2, dim=-1)

    def pieces(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """s and t, zero where the mask is True."""
        s, t = self.chunks(x)
        return s * ~self.mask, t * ~self.mask

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x -> z, ladj."""
        s, t = self.pieces(x)
        return x * s.exp() + t, s.sum(dim=-1)

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """z -> x, ladj."""
        s, t = self.pieces(z)
        return (z - t) * (-s).exp(), -s.sum(dim=-1)


def with_methods(**methods: Callable) -> type[nn.Module]:
    """A layer with some methods replaced."""
    return type("AffineCoupling", (Coupling,), methods)


def with_ladj(change: Callable) -> type[nn.Module]:
    """A layer whose ladj is change(s, t, passes) in forward, and that of −s in inverse."""

    def forward(self, x):
        s, t = self.pieces(x)
        return x * s.exp() + t, change(s, t, self.mask)

    def inverse(self, z):
        s, t = self.pieces(z)
        return (z - t) * (-s).exp(), change(-s, -t, self.mask)

    return with_methods(forward=forward, inverse=inverse)


def with_map(there: Callable | None = None, back: Callable | None = None) -> type[nn.Module]:
    """A layer that gives there(x, s, t), back(z, s, t) where the mask is False."""
    there = there or (lambda x, s, t: x * s.exp() + t)
    back = back or (lambda z, s, t: (z - t) / s.exp())

    def forward(self, x):
        s, t = self.pieces(x)
        return torch.where(self.mask, x, there(x, s, t)), s.sum(dim=-1)

    def inverse(self, z):
        s, t = self.pieces(z)
        return torch.where(self.mask, z, back(z, s, t)), -s.sum(dim=-1)

    return with_methods(forward=forward, inverse=inverse)
