"""What diffusion models are made with and told: a path, and labels."""

from __future__ import annotations

import torch
from torch import Tensor

from dgm_lib.nets.inputs import holds


def on_path(path):
    """The argument `path`, once it is known to be one."""
    if not all(hasattr(path, name) for name in ("alpha", "sigma", "noised")):
        raise ValueError(f"path must be one of dgm_lib.paths, got {path!r}")
    return path


def class_of(y: int | Tensor, k: int, x: Tensor) -> Tensor:
    """The argument `y`, one of k classes for each of the points x `(*batch, d)`, as `(*batch,)`."""
    batch = x.shape[:-1]
    try:
        y = torch.as_tensor(y, device=x.device)
        expanded = y.expand(batch)
    except (TypeError, ValueError, RuntimeError):
        got = tuple(y.shape) if isinstance(y, Tensor) else repr(y)
        raise ValueError(f"y must be a label, or have shape {tuple(batch)}, got {got}") from None
    if y.is_floating_point() or y.is_complex() or y.dtype == torch.bool:
        raise ValueError(f"y must hold integers, got {y.dtype}")
    if not holds((y >= 0) & (y < k)):
        raise ValueError(f"y must be from 0 to {k - 1}, got {y.min()} to {y.max()}")
    return expanded.long()
