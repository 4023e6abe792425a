"""The prior that a VAE starts with."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.distributions import Independent, Normal

from dgm_lib.core import shape as checked_shape
from dgm_lib.core import whole
from dgm_lib.nets.inputs import drawing_device, require_points


class StandardNormal(nn.Module):
    """The prior N(0, I) of a latent code in d_z dimensions, where `.to` puts it.

    `law` is the same as one of `torch.distributions`, which know its KL divergences.

    >>> StandardNormal(2).log_prob(torch.zeros(5, 2)).shape
    torch.Size([5])
    """

    def __init__(self, d_z: int) -> None:
        super().__init__()
        self.d = whole("d_z", d_z)
        self.register_buffer("mean", torch.zeros(self.d), persistent=False)

    @property
    def law(self) -> Independent:
        """N(0, I) as one of `torch.distributions`."""
        return Independent(Normal(self.mean, torch.ones_like(self.mean), validate_args=False), 1)

    def log_prob(self, z: Tensor) -> Tensor:
        """log p(z) = -‖z‖²/2 - d_z/2 · log 2π, `(*batch, d_z) -> (*batch,)`."""
        require_points(z, self.d, "z")
        return -0.5 * z.square().sum(dim=-1) - 0.5 * self.d * math.log(2 * math.pi)

    def sample(
        self, shape: tuple[int, ...] = (), generator: torch.Generator | None = None
    ) -> Tensor:
        """Independent draws, `(*shape, d_z)`."""
        sizes = (*checked_shape("shape", shape), self.d)
        device = drawing_device(generator, self.mean.device)
        z = torch.randn(sizes, generator=generator, dtype=self.mean.dtype, device=device)
        return z.to(self.mean.device)

    rsample = sample  # there is no parameter for a gradient to flow to
