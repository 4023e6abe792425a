"""Laws: invertible maps of one coordinate, steered by the numbers that a network puts out.

A law has a `size`, how many numbers it takes per coordinate, and two directions,
`forward(x, params) -> (z, ladj)` and `inverse(z, params) -> (x, ladj)`, with x, z and ladj
`(*batch, d)` and params `(*batch, d, size)`. With params = 0 it is the identity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from dgm_lib.models.flow.inputs import steered
from dgm_lib.nets.inputs import positive


class Law(Protocol):
    """What a coupling or an autoregressive layer asks of a law."""

    size: int

    def forward(self, x: Tensor, params: Tensor) -> tuple[Tensor, Tensor]:
        """z and log|∂z/∂x|, coordinate by coordinate."""

    def inverse(self, z: Tensor, params: Tensor) -> tuple[Tensor, Tensor]:
        """x and log|∂x/∂z|, coordinate by coordinate."""


def lawful(law: Law) -> Law:
    """The argument `law`, once it is known to be one."""
    if isinstance(law, type) or not isinstance(getattr(law, "size", None), int):
        raise ValueError(f"law must be a law such as flow.Affine(), got {law!r}")
    return law


@dataclass(frozen=True)
class Additive:
    """z = x + t: volumes do not change. (NICE: Dinh et al., 2015.)"""

    size: ClassVar[int] = 1

    def forward(self, x: Tensor, params: Tensor) -> tuple[Tensor, Tensor]:
        """z and log|∂z/∂x| = 0."""
        return x + steered("x", x, params, 1)[..., 0], torch.zeros_like(x)

    def inverse(self, z: Tensor, params: Tensor) -> tuple[Tensor, Tensor]:
        """x and log|∂x/∂z| = 0."""
        return z - steered("z", z, params, 1)[..., 0], torch.zeros_like(z)


@dataclass(frozen=True)
class Affine:
    """z = x · exp(s) + t, where s stays within ±`limit`, smoothly. (RealNVP: Dinh et al., 2017.)

    The limit keeps a deep stack invertible in single precision: exp(s) can neither vanish nor
    explode, while s is close to its parameter as long as that is small.
    """

    limit: float = 2.0
    size: ClassVar[int] = 2

    def __post_init__(self) -> None:
        positive("limit", self.limit)

    def forward(self, x: Tensor, params: Tensor) -> tuple[Tensor, Tensor]:
        """z and log|∂z/∂x| = s."""
        s, t = self._scale_and_shift(steered("x", x, params, 2))
        return torch.addcmul(t, x, s.exp()), s

    def inverse(self, z: Tensor, params: Tensor) -> tuple[Tensor, Tensor]:
        """x and log|∂x/∂z| = -s."""
        s, t = self._scale_and_shift(steered("z", z, params, 2))
        return (z - t) * (-s).exp(), -s

    def _scale_and_shift(self, params: Tensor) -> tuple[Tensor, Tensor]:
        s, t = params.unbind(dim=-1)
        return self.limit * torch.tanh(s / self.limit), t
