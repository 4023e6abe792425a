"""A small discriminator, and a small game, that the exercises of this lecture are tried on."""

import torch
from torch import Tensor, nn


class Discriminator(nn.Module):
    """x (*batch, d) -> logit (*batch,), bent in every direction."""

    name = "a discriminator"

    def __init__(self, d: int, dtype: torch.dtype) -> None:
        super().__init__()
        count = torch.arange(4 * d, dtype=torch.float64)
        self.weight = nn.Parameter((1.3 + 1.7 * count).sin().reshape(d, 4).to(dtype))
        self.last = nn.Parameter((0.2 + 1.7 * count[:4]).sin().to(dtype))
        self.bias = nn.Parameter(torch.tensor(0.3, dtype=dtype))

    def forward(self, x: Tensor) -> Tensor:
        """The logit of D(x), (*batch, d) -> (*batch,)."""
        return (x @ self.weight).tanh() @ self.last + self.bias


class Loss:
    """A smooth function of the discriminator's parameters phi and of the generator's, theta."""

    def __init__(self, name: str, theta: Tensor, pull: float, twist: float) -> None:
        self.name, self.theta, self.pull, self.twist = name, theta, pull, twist

    def __call__(self, phi: dict[str, Tensor]) -> Tensor:
        """phi: tensors by name -> ()."""
        weight, bias = phi["weight"], phi["bias"]
        bowl = 0.5 * self.pull * (weight - self.theta).square().sum()
        wave = (self.twist * weight * self.theta + bias).sin().sum()
        return bowl + wave + 0.3 * bias * weight.sum() + 0.2 * bias**2


def game(dtype: torch.dtype, k: int = 2) -> tuple[Loss, Loss, dict[str, Tensor], Tensor]:
    """The losses of both players, the discriminator's parameters, and the generator's."""
    count = torch.arange(k, dtype=torch.float64)
    theta = (0.8 + count).cos().to(dtype).requires_grad_()
    phi = {"weight": (0.3 + 1.4 * count).sin().to(dtype), "bias": torch.tensor(0.45, dtype=dtype)}
    for tensor in phi.values():
        tensor.requires_grad_()
    loss_d = Loss("D's loss", theta, pull=0.9, twist=1.3)
    return loss_d, Loss("G's loss", theta, pull=-0.4, twist=0.7), phi, theta
