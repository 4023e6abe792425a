"""A small game that the exercises of this lecture are tried on."""

import torch
from torch import Tensor


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
