"""Comparing gradients: what the tests of gradients by hand share."""

from __future__ import annotations

import torch
from torch import Tensor

from dgm_lib.core import generator


def grads(outputs: tuple[Tensor, ...], inputs: list[Tensor], seed: int = 5) -> tuple[Tensor, ...]:
    """The gradients of a random combination of the outputs."""
    rng = generator(seed)
    bars = [torch.randn(y.shape, generator=rng, dtype=y.dtype) for y in outputs]
    return torch.autograd.grad(outputs, inputs, bars, retain_graph=True)


def assert_alike(found, expected):
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, atol=1e-11, rtol=1e-9)
