"""What the models of this family ask of their arguments."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from dgm_lib.nets.inputs import holds, require_last


def data(model: nn.Module, x: Tensor, d: int | None) -> Tensor:
    """The argument `x`, finite points `(*batch, d)` in the dtype of the model's parameters."""
    if not (isinstance(x, Tensor) and x.is_floating_point() and x.ndim):
        raise ValueError(f"x must be a tensor of floating-point points (*batch, d), got {x!r}")
    dtype = next((p.dtype for p in model.parameters()), x.dtype)
    if x.dtype != dtype:
        raise ValueError(f"x must have the model's dtype {dtype}, got {x.dtype}")
    if d is not None:
        require_last(x, d, "x")
    if not x.numel():
        raise ValueError(f"x must hold at least one point, got shape {tuple(x.shape)}")
    if not holds(x.isfinite()):
        raise ValueError("x must be finite everywhere, got NaN or infinite values")
    return x


def as_parameters(model: nn.Module, z: Tensor) -> Tensor:
    """A draw of a prior, which need not be a module, where and as the model's parameters are."""
    like = next(model.parameters(), z)
    return z.to(like.device, like.dtype)


def double(x: Tensor, d: int) -> Tensor:
    """The argument `x`, points `(*batch, d)`, in double precision on the CPU."""
    if not (isinstance(x, Tensor) and x.is_floating_point()):
        raise ValueError(f"x must be a tensor of floating-point points (*batch, {d}), got {x!r}")
    require_last(x, d, "x")
    return x.to("cpu", torch.float64)


def prior_law(prior: object) -> object:
    """The argument `prior`, once it is known to be a law."""
    if isinstance(prior, type) or not (hasattr(prior, "log_prob") and hasattr(prior, "sample")):
        raise ValueError(f"prior must be a law, with log_prob and sample, got {prior!r}")
    return prior


def conditional(name: str, value: object) -> object:
    """The argument `name`, once it is known to be a conditional: something to call."""
    if isinstance(value, type) or not callable(value):
        raise ValueError(f"{name} must be a module that returns a law when called, got {value!r}")
    return value


def dimensions(prior: object, encoders: Sequence, decoders: Sequence) -> list[int | None]:
    """The dimensions of x = z_0, z_1, ..., z_L, as far as the parts know them and agree.

    encoders[l] is q(z_l+1 | z_l) and decoders[l] is p(z_l | z_l+1). A conditional may know the
    dimensions `d_in` of what it is told and `d_out` of what it is the law of; a flow, `d`.
    """
    found: list[set] = [set() for _ in range(len(encoders) + 1)]
    found[-1].add(getattr(prior, "d", None))
    for level, (encoder, decoder) in enumerate(zip(encoders, decoders)):
        found[level] |= {getattr(encoder, "d_in", None), _event(decoder)}
        found[level + 1] |= {getattr(decoder, "d_in", None), _event(encoder)}
    for level, sizes in enumerate(found):
        sizes.discard(None)
        if len(sizes) > 1:
            where = "of x" if level == 0 else "of z" if len(found) == 2 else f"of z{level}"
            raise ValueError(
                f"prior, encoder and decoder must agree on the dimension {where}, "
                f"got {' and '.join(map(str, sorted(sizes)))}"
            )
    return [sizes.pop() if sizes else None for sizes in found]


def _event(law: object) -> int | None:
    return getattr(law, "d_out", getattr(law, "d", None))
