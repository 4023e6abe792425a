"""Layers that are invertible whatever the networks inside them: the blocks of `Reversible`."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from dgm_lib.core import whole
from dgm_lib.nets.inputs import network, require_floats


class ReversibleBlock(nn.Module):
    """y1 = x1 + F(x2), y2 = x2 + G(y1) on the halves of x: invertible, whatever F and G are.

    The halves are of the dimension `dim`, the last for vectors and -3 for images; f and g map a
    half to a half. Each step adds to one half what depends on the other alone, so the log-det is
    0. Gomez et al., "The reversible residual network" (2017).
    """

    def __init__(
        self, f: Callable[[Tensor], Tensor], g: Callable[[Tensor], Tensor], dim: int = -1
    ) -> None:
        super().__init__()
        self.f, self.g, self.dim = network("f", f), network("g", g), dim

    def forward(self, x: Tensor) -> Tensor:
        """y of the shape of x."""
        x1, x2 = self._halves("x", x)
        y1 = x1 + _of_shape(x1, "f", self.f(x2))
        y2 = x2 + _of_shape(x2, "g", self.g(y1))
        return torch.cat([y1, y2], dim=self.dim)

    def inverse(self, y: Tensor) -> Tensor:
        """x = (x1, x2), where x2 = y2 - G(y1) and x1 = y1 - F(x2)."""
        y1, y2 = self._halves("y", y)
        x2 = y2 - _of_shape(y2, "g", self.g(y1))
        x1 = y1 - _of_shape(y1, "f", self.f(x2))
        return torch.cat([x1, x2], dim=self.dim)

    def _halves(self, name: str, x: Tensor) -> tuple[Tensor, Tensor]:
        require_floats(x, name)
        size = x.shape[self.dim] if -x.ndim <= self.dim < x.ndim else 0
        if size == 0 or size % 2:
            raise ValueError(
                f"{name} must have an even size in dimension {self.dim}, got {tuple(x.shape)}"
            )
        return x.chunk(2, dim=self.dim)


def _of_shape(half: Tensor, name: str, value: Tensor) -> Tensor:
    if not isinstance(value, Tensor) or value.shape != half.shape:
        got = tuple(value.shape) if isinstance(value, Tensor) else repr(value)
        raise ValueError(f"{name} must keep the shape {tuple(half.shape)}, got {got}")
    return value


class SpaceToDepth(nn.Module):
    """Down-sampling that loses nothing: each s×s patch becomes s² channels.

    `(*batch, c, s h, s w) -> (*batch, c s², h, w)`, and `inverse` puts the patches back.
    """

    def __init__(self, s: int = 2) -> None:
        super().__init__()
        self.s = whole("s", s)

    def forward(self, x: Tensor) -> Tensor:
        """The image x `(*batch, c, s h, s w)` as `(*batch, c s², h, w)`."""
        if require_floats(x, "x").ndim < 3 or any(side % self.s for side in x.shape[-2:]):
            raise ValueError(
                f"x must have shape (*batch, c, h, w), h and w divisible by {self.s}, "
                f"got {tuple(x.shape)}"
            )
        # Not torch's pixel_unshuffle, which leaves an empty batch as it is.
        patches = x.unflatten(-1, (-1, self.s)).unflatten(-3, (-1, self.s))
        return patches.movedim((-3, -1), (-4, -3)).flatten(-5, -3)

    def inverse(self, y: Tensor) -> Tensor:
        """The image back from y `(*batch, c s², h, w)`."""
        if require_floats(y, "y").ndim < 3 or y.shape[-3] % self.s**2:
            raise ValueError(
                f"y must have shape (*batch, c, h, w), c divisible by {self.s**2}, "
                f"got {tuple(y.shape)}"
            )
        patches = y.unflatten(-3, (-1, self.s, self.s)).movedim((-4, -3), (-3, -1))
        return patches.flatten(-2, -1).flatten(-3, -2)
