"""The generator: a law that can be sampled, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from dgm_lib.core import whole
from dgm_lib.models.gan.prior import StandardNormal, draw
from dgm_lib.nets import MLP
from dgm_lib.nets.inputs import network, require_last


class Generator(nn.Module):
    """The law of x = G(z) for z from a prior: by default N(0, I) and a perceptron.

    `net` maps `(*batch, d_z)` to `(*batch, d)`; `prior` is any law of z. There is no `log_prob`:
    the density is that of no formula, and where d_z < d there is none. Goodfellow et al. (2014).

    >>> model = Generator(d_z=2, d=3)
    >>> model.sample((5, 7)).shape
    torch.Size([5, 7, 3])
    """

    def __init__(
        self,
        d_z: int = 2,
        d: int = 2,
        hidden: Sequence[int] = (128, 128),
        net: nn.Module | None = None,
        prior=None,
    ) -> None:
        super().__init__()
        self.d_z, self.d = whole("d_z", d_z), whole("d", d)
        self.net = MLP(d_z, d, hidden, nn.ReLU) if net is None else network("net", net)
        self.prior = StandardNormal(d_z) if prior is None else prior
        if not hasattr(self.prior, "sample") or getattr(self.prior, "d", d_z) != d_z:
            raise ValueError(f"prior must be a law of z in d_z = {d_z} dimensions, got {prior!r}")

    def forward(self, z: Tensor) -> Tensor:
        """x = G(z), `(*batch, d_z) -> (*batch, d)`."""
        require_last(z, self.d_z, "z")
        x = self.net(z)
        if x.shape != (*z.shape[:-1], self.d):
            raise ValueError(
                f"net must return shape {(*z.shape[:-1], self.d)} for z of shape "
                f"{tuple(z.shape)}, got {tuple(x.shape)}"
            )
        return x

    def latent(
        self, shape: tuple[int, ...] = (), generator: torch.Generator | None = None
    ) -> Tensor:
        """Draws z of the prior, `(*shape, d_z)`, as the parameters are and where they are."""
        like = next(self.parameters(), torch.empty(0))
        return draw(self.prior, shape, generator).to(like)

    def rsample(
        self, shape: tuple[int, ...] = (), generator: torch.Generator | None = None
    ) -> Tensor:
        """Independent draws, `(*shape, d)`, through which gradients flow to G."""
        return self(self.latent(shape, generator))

    @torch.no_grad()
    def sample(
        self, shape: tuple[int, ...] = (), generator: torch.Generator | None = None
    ) -> Tensor:
        """Independent draws, `(*shape, d)`."""
        return self.rsample(shape, generator)
