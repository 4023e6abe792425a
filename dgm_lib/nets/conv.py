"""Convolutional networks from and to 8×8 images."""

from __future__ import annotations

from torch import Tensor, nn

from dgm_lib.core import whole
from dgm_lib.nets.inputs import maker, require_last, require_like
from dgm_lib.nets.mlp import Activation


class ConvEncoder(nn.Module):
    """A convolutional network from 8×8 images, `(*batch, channels, 8, 8) -> (*batch, d_out)`."""

    def __init__(
        self, d_out: int, channels: int = 1, width: int = 32, activation: Activation = nn.SiLU
    ) -> None:
        super().__init__()
        self.image, self.d_out = (whole("channels", channels), 8, 8), whole("d_out", d_out)
        width, activation = whole("width", width), maker("activation", activation)
        self.layers = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1),
            activation(),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),  # 8×8 to 4×4
            activation(),
            nn.Flatten(),
            nn.Linear(2 * width * 4 * 4, d_out),
        )

    def forward(self, x: Tensor) -> Tensor:
        require_like(x, self.layers[0].weight, "x")
        if tuple(x.shape[-3:]) != self.image:
            raise ValueError(f"x must end in the shape {self.image}, got {tuple(x.shape)}")
        batch = x.shape[:-3]
        return self.layers(x.reshape(batch.numel(), *self.image)).reshape(*batch, self.d_out)


class ConvDecoder(nn.Module):
    """The way back to 8×8 images, `(*batch, d_in) -> (*batch, channels, 8, 8)`."""

    def __init__(
        self, d_in: int, channels: int = 1, width: int = 32, activation: Activation = nn.SiLU
    ) -> None:
        super().__init__()
        self.d_in, self.image = whole("d_in", d_in), (whole("channels", channels), 8, 8)
        width, activation = whole("width", width), maker("activation", activation)
        self.layers = nn.Sequential(
            nn.Linear(d_in, 2 * width * 4 * 4),
            nn.Unflatten(-1, (2 * width, 4, 4)),
            activation(),
            nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1),  # 4×4 to 8×8
            activation(),
            nn.Conv2d(width, channels, 3, padding=1),
        )

    def forward(self, z: Tensor) -> Tensor:
        require_last(z, self.d_in, "z")
        require_like(z, self.layers[0].weight, "z")
        batch = z.shape[:-1]
        return self.layers(z.reshape(batch.numel(), self.d_in)).reshape(*batch, *self.image)
