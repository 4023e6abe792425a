"""The law that a flow starts from."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from dgm_lib.core import shape as checked_shape
from dgm_lib.core import whole
from dgm_lib.nets.inputs import require_points


class StandardNormal(nn.Module):
    """The standard Gaussian law N(0, I) in d dimensions, on the device and in the dtype of `.to`.

    >>> StandardNormal(2).log_prob(torch.zeros(5, 2)).shape
    torch.Size([5])
    """

    def __init__(self, d: int) -> None:
        super().__init__()
        self.d = whole("d", d)
        self.register_buffer("mean", torch.zeros(d), persistent=False)

    def log_prob(self, z: Tensor) -> Tensor:
        """log p(z) = -‖z‖²/2 - d/2 · log 2π, `(*batch, d) -> (*batch,)`."""
        require_points(z, self.d, "z")
        return -0.5 * z.square().sum(dim=-1) - 0.5 * self.d * math.log(2 * math.pi)

    def sample(
        self, shape: tuple[int, ...] = (), generator: torch.Generator | None = None
    ) -> Tensor:
        """Independent draws, `(*shape, d)`."""
        sizes = checked_shape("shape", shape)
        like = dict(dtype=self.mean.dtype, device=self.mean.device)
        return torch.randn(*sizes, self.d, generator=generator, **like)

    rsample = sample  # there is no parameter for a gradient to flow to
