"""Four samplers for the "break it" cell of lecture 10b: only one gives what the loss asks for."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

Sampler = Callable[[torch.nn.Module, Tensor], Tensor]


def four_samplers(h: float, k: int) -> dict[str, Sampler]:
    """Samplers `(model, batch) -> negatives (n, d)` of k Langevin steps of size h.

    They draw from torch's global generator. Which of them do not sample the model, and why?
    """

    def walk(model, x: Tensor, uphill: float = 1.0, noise: float = 1.0) -> Tensor:
        for _ in range(k):
            x = x + uphill * h * model.score(x) + noise * math.sqrt(2 * h) * torch.randn_like(x)
            x = x.detach()
        return x

    chains: dict[int, Tensor] = {}  # where the persistent ones are, for each model

    def ada(model, batch: Tensor) -> Tensor:
        chains[id(model)] = walk(model, chains.get(id(model), torch.randn_like(batch)))
        return chains[id(model)]

    def ben(model, batch: Tensor) -> Tensor:
        return walk(model, batch, uphill=-1.0)  # climbs the energy: away from the model's mass

    def cyd(model, batch: Tensor) -> Tensor:
        return walk(model, 2 * torch.randn_like(batch))  # a fresh start, and too few steps

    def dee(model, batch: Tensor) -> Tensor:
        return walk(model, batch, noise=0.0)  # rolls down into the nearest valley, and stays

    return {"Ada": ada, "Ben": ben, "Cyd": cyd, "Dee": dee}
