"""Checks of arguments: each returns the clean value or raises a `ValueError` that names it."""

from __future__ import annotations

import math
import operator

import torch
from torch import Tensor


def positive(name: str, value: object) -> float:
    """A finite number above zero."""
    number = finite(name, value)
    if number <= 0:
        raise ValueError(f"{name} must be positive, got {number:g}")
    return number


def finite(name: str, value: object) -> float:
    """A finite number."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be a number, got {value!r}") from None
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite, got {number:g}")
    return number


def whole(name: str, value: object, at_least: int = 1) -> int:
    """An integer, no smaller than `at_least`."""
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool) or number < at_least:
        raise ValueError(f"{name} must be an integer of at least {at_least}, got {value!r}")
    return number


def array(name: str, value: object) -> Tensor:
    """Finite numbers (a tensor, an array or nested lists), in double precision on the CPU."""
    try:
        tensor = torch.as_tensor(value, dtype=torch.float64, device="cpu").detach().clone()
    except (TypeError, ValueError, RuntimeError):
        raise ValueError(f"{name} must be an array of numbers, got {value!r}") from None
    if not tensor.isfinite().all():
        raise ValueError(f"{name} must be finite everywhere, got NaN or infinite values")
    return tensor


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


def shape(name: str, value: int | tuple[int, ...]) -> torch.Size:
    """A shape: integers of at least zero (a lone integer is a shape of one axis)."""
    try:
        sizes = (operator.index(value),)
    except TypeError:
        sizes = tuple(value) if isinstance(value, (tuple, list)) else (None,)
    if not all(isinstance(size, int) and size >= 0 for size in sizes):
        raise ValueError(f"{name} must hold integers of at least 0, got {value!r}")
    return torch.Size(sizes)


def thinned(rows: Tensor, n: int) -> Tensor:
    """At most n of these rows, evenly spaced from the first to the last."""
    if len(rows) <= n:
        return rows
    return rows[torch.linspace(0, len(rows) - 1, n, dtype=torch.float64).round().long()]
