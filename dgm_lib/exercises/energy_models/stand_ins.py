"""Small features, models and paths of laws that the exercises of this lecture are tried on."""

from collections.abc import Callable

import torch
from torch import Tensor, nn


class Named:
    """A function that a report shows by its formula."""

    def __init__(self, name: str, function: Callable) -> None:
        self.name, self.function = name, function

    def __call__(self, *args):
        """The function's value."""
        return self.function(*args)


# ------------------------------------------------------------------------ features


def _bent(x: Tensor) -> Tensor:
    first, second = x[..., 0], x[..., 1]
    return torch.stack(
        [first, second, first**2 / 2, first * second, (2 * second).sin() + 1.5], dim=-1
    )


def _waves(x: Tensor) -> Tensor:
    frequencies = torch.linspace(0.4, 1.3, 2 * x.shape[-1], dtype=x.dtype, device=x.device)
    return (x.sum(dim=-1, keepdim=True) * frequencies).sin() + 0.2 * x.repeat_interleave(2, dim=-1)


POWERS = Named("(x, x²)", lambda x: torch.cat([x, x**2], dim=-1))
BENT = Named("(x1, x2, x1²/2, x1·x2, sin 2·x2 + 1.5)", _bent)
WAVES = Named("waves", _waves)


# ------------------------------------------------------------------------ models


class Model(nn.Module):
    """An energy of some parameters, and nothing else: no log_prob, no forward."""

    def __init__(self, d: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.linspace(0.9, -0.4, d + 1, dtype=dtype)[1:])
        self.stiffness = nn.Parameter(torch.tensor(0.35, dtype=dtype))
        self.level = nn.Parameter(torch.tensor(-0.6, dtype=dtype))

    def energy(self, x: Tensor) -> Tensor:
        """E(x), (*batch, d) -> (*batch,)."""
        slope, stiffness, level = (p.to(x) for p in (self.slope, self.stiffness, self.level))
        bowl = (slope * x + 0.5 * stiffness * x**2 + 0.3 * (level * x).cos()).sum(dim=-1)
        return bowl + 0.1 * x[..., 0] + level


# ------------------------------------------------------------------------ paths of laws


def _start(x: Tensor) -> Tensor:
    return -0.5 * (x**2).sum(dim=-1) - 0.9


def _end(x: Tensor) -> Tensor:
    return (-0.7 * (x - 1.2) ** 2 + 0.8 * (3 * x).sin()).sum(dim=-1) + 1.7


def _mixed(beta):
    return lambda x: (1 - beta) * _start(x) + beta * _end(x)


def _narrowing(beta):
    return lambda x: beta * x.sum(dim=-1) - (0.5 + beta**2) * (x**2).sum(dim=-1) + 2 * beta


GEOMETRIC = Named("(1 − β)·log p0 + β·log p1", _mixed)
NARROWING = Named("β·Σx − (1/2 + β²)·‖x‖² + 2β", _narrowing)
