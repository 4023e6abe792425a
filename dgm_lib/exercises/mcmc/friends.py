"""Four walkers for the "break it" cell of lecture 10a: only one of them samples the law."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

Walk = Callable[[Tensor, torch.Generator], Iterator[Tensor]]


def four_walkers(log_prob: Callable[[Tensor], Tensor], step: float) -> dict[str, Walk]:
    """Random walks `walk(x, generator)` that yield the draws `(k, d)` of each step.

    They are to sample p ∝ exp(log_prob), from the chains x `(n, d)`. Which do not, and why?
    """

    def proposal(x: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        noise = torch.randn(x.shape, generator=generator, dtype=x.dtype)
        log_u = torch.rand(x.shape[:-1], generator=generator, dtype=x.dtype).log()
        return noise, log_u

    def ada(x: Tensor, generator: torch.Generator) -> Iterator[Tensor]:
        while True:
            noise, log_u = proposal(x, generator)
            new = x + step * noise
            accepted = (log_u < log_prob(new) - log_prob(x))[:, None]
            x = torch.where(accepted, new, x)
            yield x[accepted[:, 0]]  # who has not moved is not counted

    def ben(x: Tensor, generator: torch.Generator) -> Iterator[Tensor]:
        while True:
            noise, log_u = proposal(x, generator)
            new = x + step * noise
            x = torch.where((log_u < log_prob(new) - log_prob(x))[:, None], new, x)
            yield x

    def cyd(x: Tensor, generator: torch.Generator) -> Iterator[Tensor]:
        while True:
            noise, log_u = proposal(x, generator)
            new = x + step * (noise + 0.25)  # leans to the right, and the way back does not
            x = torch.where((log_u < log_prob(new) - log_prob(x))[:, None], new, x)
            yield x

    def dee(x: Tensor, generator: torch.Generator) -> Iterator[Tensor]:
        while True:
            noise, log_u = proposal(x, generator)
            new = x + step * noise
            x = torch.where((log_u < 0.5 * (log_prob(new) - log_prob(x)))[:, None], new, x)
            yield x  # of the square root of p: accepts too readily

    return {"Ada": ada, "Ben": ben, "Cyd": cyd, "Dee": dee}
