"""What networks, and others who are handed tensors, demand of them, in words for the caller."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from numbers import Real

import torch
from torch import Tensor, nn

from dgm_lib.core import whole

_SLACK = 1e-5  # what rounding may add to a time


def holds(condition: Tensor) -> bool:
    """Whether a condition holds everywhere; True where nobody can tell.

    Inside `torch.func.vmap` and on the device "meta" a tensor has no values of its own.
    """
    try:
        return bool(condition.all())
    except RuntimeError:
        return True


def between(name: str, value: float, low: float, high: float) -> float:
    """The argument `name`, a finite number from low to high."""
    if isinstance(value, Tensor) and value.numel() == 1:
        value = value.item()
    if not isinstance(value, Real) or not low <= value <= high or math.isinf(value):
        bounds = f"of at least {low}, and finite" if high == math.inf else f"from {low} to {high}"
        raise ValueError(f"{name} must be a number {bounds}, got {value!r}")
    return value


def positive(name: str, value: object) -> float:
    """The argument `name`, a finite number above 0."""
    if isinstance(value, Tensor) and value.numel() == 1:
        value = value.item()
    if not isinstance(value, Real) or isinstance(value, bool) or not 0 < value < math.inf:
        raise ValueError(f"{name} must be positive, got {value!r}")
    return float(value)


def widths(hidden: Sequence[int]) -> tuple[int, ...]:
    """The argument `hidden`, the widths of a network's hidden layers."""
    if not isinstance(hidden, Sequence):
        raise ValueError(f"hidden must be a sequence of widths, such as (64, 64), got {hidden!r}")
    return tuple(whole("every width in hidden", width) for width in hidden)


def module(name: str, value: object) -> nn.Module:
    """The argument `name`, once it is known to be a torch module."""
    if not isinstance(value, nn.Module):
        raise ValueError(f"{name} must be a torch module, got {value!r}")
    return value


def network(name: str, value: object) -> Callable:
    """The argument `name`, once it is known to be a module or a function."""
    if isinstance(value, type) or not callable(value):
        raise ValueError(f"{name} must be a module or a function, got {value!r}")
    return value


def maker(name: str, value: object) -> Callable:
    """The argument `name`, once it is known to be something that makes layers, and not a layer."""
    if not callable(value) or isinstance(value, nn.Module):
        raise ValueError(f"{name} must be a class of layers, such as nn.SiLU, got {value!r}")
    return value


def require_floats(x: Tensor, name: str) -> Tensor:
    """The argument `name`, once it is known to be a tensor of floating-point numbers."""
    if not (isinstance(x, Tensor) and x.is_floating_point()):
        got = x.dtype if isinstance(x, Tensor) else repr(x)
        raise ValueError(f"{name} must be a tensor of floating-point numbers, got {got}")
    return x


def under_autocast(x: Tensor) -> bool:
    """Whether products with x are computed in half precision just now."""
    device = x.device.type
    return torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)


def require_like(x: Tensor, parameter: Tensor, name: str) -> None:
    """Raise unless the argument `name` is a tensor of the type of a parameter, on its device."""
    require_floats(x, name)
    if under_autocast(x):
        return  # which brings them together
    if (x.dtype, x.device.type) != (parameter.dtype, parameter.device.type):
        raise ValueError(
            f"{name} must have the network's dtype and device, {parameter.dtype} on "
            f"{parameter.device}, got {x.dtype} on {x.device}"
        )


def require_last(x: Tensor, d: int, name: str) -> None:
    """Raise unless `d` is the last dimension of the argument `name`."""
    if not isinstance(x, Tensor):
        raise ValueError(f"{name} must be a tensor with {d} as its last dimension, got {x!r}")
    if x.ndim == 0 or x.shape[-1] != d:
        raise ValueError(f"{name} must have {d} as its last dimension, got {tuple(x.shape)}")


def require_points(x: Tensor, d: int, name: str) -> None:
    """Raise unless the argument `name` is floating-point points `(*batch, d)`."""
    require_last(x, d, name)
    require_floats(x, name)


def require_rank(x: Tensor, t: Tensor, name: str = "t") -> None:
    """Raise unless the times have the rank of the points x `(*batch, d)`, `(*batch, 1)`.

    A size of 1 in their batch shape stands for all of x's. Anything else is never broadcast.
    """
    require_floats(x, "x")
    batch = (*x.shape[:-1], 1)
    fits = isinstance(t, Tensor) and t.ndim == x.ndim
    if not (fits and all(a in (1, b) for a, b in zip(t.shape, batch))):
        got = tuple(t.shape) if isinstance(t, Tensor) else repr(t)
        raise ValueError(f"{name} must have shape {batch} to go with x, got {got}")
    if t.is_complex():
        raise ValueError(f"{name} must hold real numbers, got {t.dtype}")


def require_beside(x: Tensor, other: Tensor, name: str) -> None:
    """Raise unless the argument `name` has the rank and the last dimension of the points x.

    A size of 1 in either's batch shape stands for all of the other's, as with times.
    """
    require_floats(x, "x")
    fits = isinstance(other, Tensor) and other.shape[-1:] == x.shape[-1:] and other.ndim == x.ndim
    if not (fits and all(a == b or 1 in (a, b) for a, b in zip(other.shape, x.shape))):
        got = tuple(other.shape) if isinstance(other, Tensor) else repr(other)
        raise ValueError(f"{name} must have shape {tuple(x.shape)} to go with x, got {got}")
    require_floats(other, name)


def require_time(x: Tensor, t: Tensor, name: str = "t") -> None:
    """Raise unless the times go with the points x, as above, and run from 0 (data) to 1 (noise)."""
    require_rank(x, t, name)
    if not holds((t > -_SLACK) & (t < 1 + _SLACK)):
        raise ValueError(f"{name} must be from 0 (data) to 1 (noise), got a time outside")


def drawing_device(
    generator: torch.Generator | None, otherwise: torch.device | str
) -> torch.device | str:
    """Where random numbers are drawn: a generator may live elsewhere than what they are for."""
    if not (generator is None or isinstance(generator, torch.Generator)):
        raise ValueError(f"generator must be a torch.Generator or None, got {generator!r}")
    return otherwise if generator is None else generator.device


def with_context(x: Tensor, context: Tensor | None, size: int) -> Tensor:
    """The points with their context behind them, `(*batch, d) -> (*batch, d + size)`.

    For `size=0` that is the points as they are.
    """
    return torch.cat([x, expanded(context, size, x)], dim=-1) if size else x


def expanded(context: Tensor | None, size: int, x: Tensor) -> Tensor:
    """The context, which must be there, as `(*batch, size)` beside the points `(*batch, d)`.

    One of fewer batch dimensions, or of size 1 in some, stands for all of the points.
    """
    if context is None:
        raise ValueError(f"context must be given, with {size} as its last dimension")
    require_last(context, size, "context")
    require_like(context, x, "context")
    batch = x.shape[:-1]
    if context.shape[:-1] == batch:
        return context
    try:
        return context.expand(*batch, size)
    except RuntimeError:
        raise ValueError(
            f"context must have shape {(*batch, size)}, or one that expands to it, "
            f"got {tuple(context.shape)}"
        ) from None
