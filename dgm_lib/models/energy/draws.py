"""Random numbers from a generator that may live on another device than the model."""

from __future__ import annotations

import torch
from torch import Tensor

from dgm_lib.nets.inputs import drawing_device


def uniform(like: Tensor, generator: torch.Generator | None) -> Tensor:
    """Numbers uniform in [0, 1), of the shape, dtype and device of `like`."""
    device = drawing_device(generator, like.device)
    drawn = torch.rand(like.shape, generator=generator, dtype=like.dtype, device=device)
    return drawn.to(like.device)


def bernoulli(p: Tensor, generator: torch.Generator | None) -> Tensor:
    """Zeros and ones, each one with its probability p, of the shape, dtype and device of p."""
    return (uniform(p, generator) < p).to(p)


def categorical(log_p: Tensor, n: int, generator: torch.Generator | None) -> Tensor:
    """n independent indices (n,) of the unnormalised log-probabilities `(k,)`.

    By the inverse of the cumulated probabilities: `torch.multinomial` ends at 2^24 of them.
    """
    cumulated = log_p.double().softmax(dim=0).cumsum(dim=0)
    at = uniform(cumulated.new_empty(n), generator) * cumulated[-1]
    return torch.searchsorted(cumulated, at, right=True).clamp(max=len(log_p) - 1)
