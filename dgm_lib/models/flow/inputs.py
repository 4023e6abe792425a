"""What flows ask of their arguments."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dgm_lib.nets.inputs import holds, require_floats


def usable(name: str, value: Tensor, dtype: torch.dtype | None) -> None:
    """Raise unless the argument `name` is a tensor of finite numbers, of this dtype if one."""
    if not (isinstance(value, Tensor) and value.is_floating_point()):
        kind = value.dtype if isinstance(value, Tensor) else type(value).__name__
        raise ValueError(f"{name} must be a tensor of floating-point numbers, got {kind}")
    if dtype not in (None, value.dtype):
        raise ValueError(f"{name} must have the flow's dtype {dtype}, got {value.dtype}")
    if not holds(value.isfinite()):
        raise ValueError(f"{name} must be finite everywhere, got NaN or infinite values")


def steered(name: str, x: Tensor, params: Tensor, size: int) -> Tensor:
    """The argument `params` as `(*batch, d, size)`, beside the points `name`, `(*batch, d)`."""
    require_floats(x, name), require_floats(params, "params")
    shape = (*x.shape, size)
    try:
        return params.expand(shape)
    except RuntimeError:
        raise ValueError(
            f"params must have shape {shape} to go with {name}, got {tuple(params.shape)}"
        ) from None


def dtype_of(module: nn.Module) -> torch.dtype | None:
    """The dtype of the first parameter, which is that of all; None where there are none."""
    first = next(module.parameters(), None)
    return None if first is None else first.dtype
