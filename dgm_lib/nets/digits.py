"""Convolutional networks from and to the 8×8 digits of `data.digits`, one image a row."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from dgm_lib.core import whole
from dgm_lib.nets.inputs import maker, require_last, require_like
from dgm_lib.nets.spectral import lipschitz_bound

Norm = Callable[[int], nn.Module]
"""From a number of channels to a layer that normalises them."""


class DigitGenerator(nn.Module):
    """From a code to an image with grey values in (0, 1), `(*batch, d_z) -> (*batch, 64)`.

    A deep convolutional GAN's: strided convolutions backwards, 2×2 to 4×4 to 8×8, batch
    normalisation and ReLU. In training mode a point of the batch depends on the others through
    the normalisation, which `nn.Identity` leaves out. Radford, Metz & Chintala, DCGAN (2016).

    >>> import torch
    >>> DigitGenerator(10)(torch.zeros(5, 10)).shape
    torch.Size([5, 64])
    """

    def __init__(self, d_z: int, width: int = 32, norm: Norm = nn.BatchNorm2d) -> None:
        super().__init__()
        self.d_z, width = whole("d_z", d_z), whole("width", width)
        norm = maker("norm", norm)
        self.layers = nn.Sequential(
            nn.Linear(d_z, 4 * width * 2 * 2),
            nn.Unflatten(-1, (4 * width, 2, 2)),
            norm(4 * width),
            nn.ReLU(),
            nn.ConvTranspose2d(4 * width, 2 * width, 4, stride=2, padding=1),  # 2×2 to 4×4
            norm(2 * width),
            nn.ReLU(),
            nn.ConvTranspose2d(2 * width, 1, 4, stride=2, padding=1),  # 4×4 to 8×8
            nn.Flatten(),
            nn.Sigmoid(),
        )

    def forward(self, z: Tensor) -> Tensor:
        require_last(z, self.d_z, "z")
        require_like(z, self.layers[0].weight, "z")
        batch = z.shape[:-1]
        return self.layers(z.reshape(batch.numel(), self.d_z)).reshape(*batch, 64)


class DigitDiscriminator(nn.Module):
    """From an image to a logit, `(*batch, 64) -> (*batch,)`; `features` is one layer before.

    A deep convolutional GAN's, 8×8 to 4×4 to 2×2, leaky ReLU. Without batch normalisation unless
    it is asked for: a penalty on the slope at a point needs an answer that is the point's alone.
    """

    def __init__(self, width: int = 32, norm: Norm = nn.Identity) -> None:
        super().__init__()
        width, norm = whole("width", width), maker("norm", norm)
        self.body = nn.Sequential(
            nn.Unflatten(-1, (1, 8, 8)),
            nn.Conv2d(1, width, 4, stride=2, padding=1),  # 8×8 to 4×4
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),  # 4×4 to 2×2
            norm(2 * width),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
        )
        self.d_features = 2 * width * 2 * 2
        self.head = nn.Linear(self.d_features, 1)

    def features(self, x: Tensor) -> Tensor:
        """What the last layer sees, `(*batch, 64) -> (*batch, 8 width)`."""
        require_last(x, 64, "x")
        require_like(x, self.head.weight, "x")
        batch = x.shape[:-1]
        return self.body(x.reshape(batch.numel(), 64)).reshape(*batch, self.d_features)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x)).squeeze(-1)

    def lipschitz_bound(self) -> float:
        """See `nets.lipschitz_bound`."""
        return lipschitz_bound(nn.Sequential(self.body, self.head))
