"""What every metric asks of the samples and densities it is given."""

from __future__ import annotations

from itertools import chain

import torch
from torch import Tensor, nn


def real(name: str, x: object) -> Tensor:
    """The numbers as a tensor without a gradient, or a `ValueError` that names them.

    Python's own numbers come in float64, arrays and tensors in the type they have.
    """
    dtype = None if hasattr(x, "dtype") else torch.float64
    try:
        x = torch.as_tensor(x, dtype=dtype).detach()
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{name} must be a tensor of numbers, got {x!r}") from error
    if x.is_complex():
        raise ValueError(f"{name} must hold real numbers, got {x.dtype}")
    return x


def samples(name: str, x: Tensor, least: int = 2) -> Tensor:
    """The samples `(n, d)`, detached and in float64, or a `ValueError` that names them."""
    x = real(name, x)
    if x.ndim != 2 or x.shape[1] == 0:
        raise ValueError(f"{name} must have shape (n, d), got {tuple(x.shape)}")
    if len(x) < least:
        raise ValueError(f"{name} must hold at least {least} samples, got {len(x)}")
    if not x.isfinite().all():
        bad = (~x.isfinite().all(dim=1)).sum().item()
        raise ValueError(f"{name} must be finite, got {bad} of {len(x)} samples with NaN or inf")
    has_float64 = x.device.type != "mps"
    return x.to(x.device if has_float64 else "cpu", torch.float64)


def two_samples(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Two sets of samples from the same space, on the first one's device."""
    x, y = samples("x", x), samples("y", y)
    if x.shape[1] != y.shape[1]:
        raise ValueError(f"y must have the dimension of x, {x.shape[1]}, got {y.shape[1]}")
    return x, y.to(x.device)


def log_density(name: str, density, x: Tensor) -> Tensor:
    """log density(x), `(*batch, d) -> (*batch,)`, in float64 on the CPU and free of NaN.

    A module is asked in the precision and on the device of its own parameters, so that a model
    trained in float32 can be compared with a law known in float64.
    """
    if not callable(getattr(density, "log_prob", None)):
        raise ValueError(f"{name} must be a density with a log_prob, got {density!r}")
    log_p = density.log_prob(as_wanted_by(density, x)).detach().cpu().double()
    if log_p.shape != x.shape[:-1]:
        raise ValueError(
            f"{name}.log_prob must return one number per point, shape {tuple(x.shape[:-1])}, "
            f"got {tuple(log_p.shape)}"
        )
    if log_p.isnan().any() or log_p.isposinf().any():
        raise ValueError(f"{name}.log_prob must be a number or -inf, got NaN or +inf")
    return log_p


def as_wanted_by(density, x: Tensor) -> Tensor:
    """The points in the precision and on the device of a module's own parameters."""
    if not isinstance(density, nn.Module):
        return x
    tensors = chain(density.parameters(), density.buffers())
    like = next((t for t in tensors if t.is_floating_point()), x)
    return x.to(like.device, like.dtype)
