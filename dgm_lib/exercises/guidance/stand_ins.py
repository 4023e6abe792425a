"""A small classifier that the loss is tried on, and what it was asked."""

import contextlib
import math
from collections.abc import Callable

import torch
from torch import Tensor, nn


class Network(nn.Module):
    """x (n, d), t (n, 1) -> logits (n, k), bent in x and t."""

    name = "a classifier"

    def __init__(self, d: int, k: int, dtype: torch.dtype) -> None:
        super().__init__()
        count = torch.arange((d + 1) * k, dtype=torch.float64)
        self.weight = nn.Parameter((0.7 + 1.7 * count).sin().reshape(d + 1, k).to(dtype))
        self.bias = nn.Parameter((0.2 + 1.3 * count[:k]).cos().to(dtype))

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """The logits."""
        bent = torch.cat([x, 2 * t], dim=-1) @ self.weight + self.bias
        return 2 * bent + bent.sin()


class Spy(Network):
    """A classifier that keeps the point x and the time t that it was asked about last."""

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """The logits."""
        self.x, self.t = x, t
        return super().forward(x, t)

    @classmethod
    def of(cls, loss: Callable) -> "Spy":
        """A spy that a loss has asked, in vain or not."""
        spy = cls(2, 3, torch.float64)
        with contextlib.suppress(RuntimeError, IndexError):
            loss(spy, *batch())
        return spy


def batch() -> tuple[Tensor, ...]:
    """Three data of the plane, of classes 2, 0, 1, at three times."""
    x0 = torch.tensor([[0.3, -1.1], [1.4, 0.2], [-0.7, 0.9]], dtype=torch.float64)
    t = torch.tensor([[0.2], [0.5], [0.7]], dtype=torch.float64)
    alpha, sigma = (math.pi / 2 * t).cos(), (math.pi / 2 * t).sin()
    return x0, torch.tensor([2, 0, 1]), t, x0.flip(0) - 0.4, alpha, sigma


def gradients(loss: Callable) -> list[Tensor]:
    """Gradients of loss(network, *batch()) in its parameters, zeros where none arrives."""
    network = Network(2, 3, torch.float64)
    value, leaves = loss(network, *batch()), list(network.parameters())
    if not value.requires_grad:
        return [torch.zeros_like(leaf) for leaf in leaves]
    options = {"allow_unused": True, "materialize_grads": True}
    return list(torch.autograd.grad(value, leaves, **options))
