"""Four samplers for the "break it" cell of lecture 10b: only one gives what the loss asks for."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from dgm_lib.samplers import mcmc

Sampler = Callable[[torch.nn.Module, Tensor], Tensor]


def four_samplers(h: float, k: int) -> dict[str, Sampler]:
    """Samplers `(model, x) -> negatives (n, d)` of k Langevin steps of size h, from data x.

    They draw from torch's global generator. Which of them do not sample the model, and why?
    """

    def ada(model, x: Tensor) -> Tensor:
        kernel = mcmc.mala(lambda x: -model.energy(x), h, model.score)
        return mcmc.draws(kernel, x, 1, burn_in=k - 1)[-1]

    def ben(model, x: Tensor) -> Tensor:
        for _ in range(k):  # climbs the energy, away from the model's mass
            x = x - h * model.score(x).detach() + math.sqrt(2 * h) * torch.randn_like(x)
        return x

    def cyd(model, x: Tensor) -> Tensor:
        return ada(model, 3 * torch.randn_like(x))  # a fresh start, and too few steps from there

    def dee(model, x: Tensor) -> Tensor:
        for _ in range(k):  # rolls down into the nearest valley, and stays
            x = x + h * model.score(x).detach()
        return x

    return {"Ada": ada, "Ben": ben, "Cyd": cyd, "Dee": dee}
