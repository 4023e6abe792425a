"""The random numbers of a run: those of its batches, and those of its updates."""

from __future__ import annotations

import torch
from torch import Tensor

from dgm_lib.core import RandomStream, generator


def streams(seed: int, device: torch.device) -> tuple[RandomStream, RandomStream]:
    """The random numbers of the batches and those of the updates.

    They are two, so that the batches can be drawn once more without the updates between them.
    """
    another = torch.randint(2**31, (), generator=generator(seed)).item()
    return RandomStream(seed, device), RandomStream(another, device)


def fresh(device: torch.device, *name: int) -> RandomStream:
    """Random numbers that only this name has."""
    return RandomStream(hash(name), device)


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    """Whether two streams stand at the same place."""
    return a.keys() == b.keys() and all(torch.equal(a[kind], b[kind]) for kind in a)
