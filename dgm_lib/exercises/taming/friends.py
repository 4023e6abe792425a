"""Four R1 penalties for the "break it" cell of lecture 07b: two of them do not do their work."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

Penalty = Callable[[nn.Module, Tensor, Tensor], Tensor]


def four_penalties(gamma: float) -> dict[str, Penalty]:
    """Penalties `(discriminator, x, fake) -> ()` that are to be R1. Which are not, and why?"""

    def slope(discriminator: nn.Module, x: Tensor, **options: bool) -> Tensor:
        x = x.detach().requires_grad_()
        return torch.autograd.grad(discriminator(x).sum(), x, **options)[0]

    def ada(discriminator: nn.Module, x: Tensor, fake: Tensor) -> Tensor:
        return gamma / 2 * slope(discriminator, x, create_graph=True).square().sum(dim=-1).mean()

    def ben(discriminator: nn.Module, x: Tensor, fake: Tensor) -> Tensor:
        # The right number, and a constant: without its graph it trains nothing.
        return gamma / 2 * slope(discriminator, x, retain_graph=True).square().sum(dim=-1).mean()

    def cyd(discriminator: nn.Module, x: Tensor, fake: Tensor) -> Tensor:
        norm = slope(discriminator, x, create_graph=True).norm(dim=-1)
        return (0.5 * gamma * norm**2).mean()

    def dee(discriminator: nn.Module, x: Tensor, fake: Tensor) -> Tensor:
        # At the fakes: that is R2, and D stays free to be steep where the data are.
        return gamma / 2 * slope(discriminator, fake, create_graph=True).square().sum(-1).mean()

    return {"Ada": ada, "Ben": ben, "Cyd": cyd, "Dee": dee}
