"""What the networks demand of their inputs, in words for the one who called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

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


def widths(hidden: Sequence[int]) -> tuple[int, ...]:
    """The argument `hidden`, the widths of a network's hidden layers."""
    if not isinstance(hidden, Iterable):
        raise ValueError(f"hidden must be a sequence of widths, such as (64, 64), got {hidden!r}")
    return tuple(whole("every width in hidden", width) for width in hidden)


def require_last(x: Tensor, d: int, name: str) -> None:
    """Raise unless `d` is the last dimension of the argument `name`."""
    if x.ndim == 0 or x.shape[-1] != d:
        raise ValueError(f"{name} must have {d} as its last dimension, got {tuple(x.shape)}")


def require_rank(x: Tensor, t: Tensor, name: str = "t") -> None:
    """Raise unless the times have the rank of the points x `(*batch, d)`, `(*batch, 1)`.

    A size of 1 in their batch shape stands for all of x's. Anything else is never broadcast.
    """
    batch = (*x.shape[:-1], 1)
    fits = isinstance(t, Tensor) and t.ndim == x.ndim
    if not (fits and all(a in (1, b) for a, b in zip(t.shape, batch))):
        got = tuple(t.shape) if isinstance(t, Tensor) else repr(t)
        raise ValueError(f"{name} must have shape {batch} to go with x, got {got}")


def require_time(x: Tensor, t: Tensor, name: str = "t") -> None:
    """Raise unless the times go with the points x, as above, and run from 0 (data) to 1 (noise)."""
    require_rank(x, t, name)
    if not holds((t > -_SLACK) & (t < 1 + _SLACK)):
        raise ValueError(f"{name} must be from 0 (data) to 1 (noise), got a time outside")


def with_context(x: Tensor, context: Tensor | None, size: int) -> Tensor:
    """The points with their context behind them, `(*batch, d) -> (*batch, d + size)`.

    For `size=0` that is the points as they are.
    """
    return torch.cat([x, expanded(context, size, x.shape[:-1])], dim=-1) if size else x


def expanded(context: Tensor | None, size: int, batch: torch.Size) -> Tensor:
    """The context, which must be there, as `(*batch, size)`.

    One of fewer batch dimensions, or of size 1 in some, stands for all of the points.
    """
    if context is None:
        raise ValueError(f"context must be given, with {size} as its last dimension")
    require_last(context, size, "context")
    if context.shape[:-1] == batch:
        return context
    try:
        return context.expand(*batch, size)
    except RuntimeError:
        raise ValueError(
            f"context must have shape {(*batch, size)}, or one that expands to it, "
            f"got {tuple(context.shape)}"
        ) from None
