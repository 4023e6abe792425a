"""The noise that a generator is fed, with a mesh of its plane or line."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from dgm_lib.core import shape as checked_shape
from dgm_lib.core import whole

EDGE = 0.005  # of the noise's mass, beyond the mesh on each side: all of it has no end


class Noise:
    """d independent numbers: standard normal ones here, uniform ones in (-1, 1) in `Uniform`."""

    def __init__(self, d: int) -> None:
        self.d = whole("d", d)

    def sample(self, shape: tuple[int, ...] = (), generator: Generator | None = None) -> Tensor:
        """Independent draws, `(*shape, d)`."""
        device = None if generator is None else generator.device
        u = torch.rand(*checked_shape("shape", shape), self.d, generator=generator, device=device)
        return self.quantile(u.clamp(1e-6, 1 - 1e-6))

    def quantile(self, u: Tensor) -> Tensor:
        """Where each number is below with probability u, of any shape."""
        return torch.special.ndtri(u)

    def mesh(self, n: int) -> Tensor:
        """Points (n, ..., n, d) of a lattice, all of whose cells are equally probable."""
        marks = self.quantile(torch.linspace(EDGE, 1 - EDGE, n))
        return torch.stack(torch.meshgrid(*[marks] * self.d, indexing="ij"), dim=-1)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} noise, d = {self.d}>"


class Uniform(Noise):
    """d independent uniform numbers in (-1, 1)."""

    def quantile(self, u: Tensor) -> Tensor:
        return 2 * u - 1


NOISES = {
    "2-D normal": Noise(2),
    "2-D uniform": Uniform(2),
    "1-D normal": Noise(1),
    "1-D uniform": Uniform(1),
}
