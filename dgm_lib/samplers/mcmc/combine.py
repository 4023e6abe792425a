"""Kernels made of kernels: each in turn, or one at random."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Generator

from dgm_lib.core import array
from dgm_lib.samplers.mcmc.kernel import Kernel
from dgm_lib.samplers.mcmc.state import State


def cycle(kernels: Sequence[Kernel]) -> Kernel:
    """One step of each kernel in turn: what all of them leave invariant stays invariant."""
    kernels = _kernels(kernels)

    def move(state: State, generator: Generator | None) -> State:
        for kernel in kernels:
            state = kernel(state, generator)
        return state

    return Kernel(kernels[0].law, move, gradients=kernels[0].gradients)


def mixture(kernels: Sequence[Kernel], weights: Sequence[float]) -> Kernel:
    """In each step one of the kernels, drawn with these weights, for all chains."""
    kernels, weights = _kernels(kernels), array("weights", weights)
    if weights.shape != (len(kernels),) or (weights < 0).any() or weights.sum() <= 0:
        raise ValueError(f"weights must be one for each of kernels, got {weights.tolist()}")

    def move(state: State, generator: Generator | None) -> State:
        device = generator.device if generator else None
        drawn = weights.to(device).multinomial(1, generator=generator)
        return kernels[int(drawn)](state, generator)

    return Kernel(kernels[0].law, move, gradients=kernels[0].gradients)


def _kernels(kernels: Sequence[Kernel]) -> list[Kernel]:
    found = list(kernels) if isinstance(kernels, Sequence) else []
    if not found or not all(isinstance(kernel, Kernel) for kernel in found):
        raise ValueError(f"kernels must be kernels, at least one, got {kernels!r}")
    return found
