"""Checks of arguments: each returns the clean value or raises a `ValueError` that names it."""

from __future__ import annotations

import math
from numbers import Real

import numpy as np
import torch
from torch import Tensor

from dgm_lib.core import array, floating, shape, tensor, whole

__all__ = [
    "array", "finite", "floating", "generator", "integers", "points", "positive", "shape", "tensor",
    "thinned", "weights", "whole",
]


def positive(name: str, value: object) -> float:
    """A finite number above zero."""
    number = finite(name, value)
    if number <= 0:
        raise ValueError(f"{name} must be positive, got {number:g}")
    return number


def finite(name: str, value: object) -> float:
    """A finite number; an array of one is one."""
    if isinstance(value, (Tensor, np.ndarray)):
        numbers = array(name, value)
        value = numbers.item() if numbers.numel() == 1 else numbers
    if not isinstance(value, Real) or isinstance(value, bool):
        raise ValueError(f"{name} must be a number, got {value!r}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite, got {number:g}")
    return number


def integers(name: str, value: object) -> Tensor:
    """Integers, as a tensor on their own device."""
    found = tensor(name, value)
    if found.is_floating_point() or found.is_complex() or found.dtype == torch.bool:
        raise ValueError(f"{name} must hold integers, got {found.dtype}")
    return found.long()


def generator(name: str, value: object) -> torch.Generator | None:
    """A random generator, or None for torch's global one."""
    if value is None or isinstance(value, torch.Generator):
        return value
    raise ValueError(f"{name} must be a torch.Generator or None, got {value!r}")


def points(name: str, value: object, d: int | None = None) -> Tensor:
    """One or more points, `(n, d)`."""
    tensor = array(name, value)
    if tensor.ndim != 2 or 0 in tensor.shape or (d or tensor.shape[1]) != tensor.shape[1]:
        raise ValueError(f"{name} must have shape (n, {d or 'd'}), got {tuple(tensor.shape)}")
    return tensor


def weights(name: str, value: object | None, n: int) -> Tensor:
    """n probabilities that sum to one; equal ones for None."""
    if value is None:
        return torch.full((n,), 1 / n, dtype=torch.float64)
    tensor = array(name, value)
    if tensor.shape != (n,):
        raise ValueError(f"{name} must have shape ({n},), got {tuple(tensor.shape)}")
    # Single precision sums to one only within its rounding; the rest is taken out here.
    if (tensor < 0).any() or abs(tensor.sum().item() - 1) > 1e-5:
        raise ValueError(f"{name} must be >= 0 and sum to 1, got {tensor.tolist()}")
    return tensor / tensor.sum()


def thinned(rows: Tensor, n: int) -> Tensor:
    """At most n of these rows, evenly spaced from the first to the last."""
    if len(rows) <= n:
        return rows
    return rows[torch.linspace(0, len(rows) - 1, n, dtype=torch.float64).round().long()]
