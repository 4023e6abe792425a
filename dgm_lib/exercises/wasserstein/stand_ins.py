"""Small networks that the exercises of this lecture are tried on."""

import torch
from torch import Tensor, nn


def _numbers(*shape: int, start: float, dtype: torch.dtype) -> nn.Parameter:
    """Weights between -1 and 1, no two alike."""
    count = torch.arange(torch.Size(shape).numel(), dtype=torch.float64)
    return nn.Parameter((start + 1.7 * count).sin().reshape(shape).to(dtype))


class Generator(nn.Module):
    """z (*batch, d_z) -> x (*batch, d), by one bent layer."""

    name = "a generator"

    def __init__(self, d_z: int, d: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.weight = _numbers(d_z, d, start=0.4, dtype=dtype)
        self.bias = _numbers(d, start=2.1, dtype=dtype)

    def forward(self, z: Tensor) -> Tensor:
        """G(z), (*batch, d_z) -> (*batch, d)."""
        moved = z @ self.weight + self.bias
        return moved + 0.4 * moved.sin()


class Critic(nn.Module):
    """x (*batch, d) -> score (*batch,), bent in every direction, and steep by the scale."""

    name = "a critic"

    def __init__(self, d: int, dtype: torch.dtype, scale: float = 1.0) -> None:
        super().__init__()
        self.weight = _numbers(d, 4, start=1.3, dtype=dtype)
        self.last = _numbers(4, start=0.2, dtype=dtype)
        self.bias = nn.Parameter(torch.tensor(0.8, dtype=dtype))
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        """The score of x, (*batch, d) -> (*batch,)."""
        return self.scale * ((x @ self.weight).tanh() @ self.last + self.bias)
