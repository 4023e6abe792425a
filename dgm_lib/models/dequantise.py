"""Noise laws q(u | y) on (0, 1)^d, which fill the cell of an integer y so that y + u is continuous.

A noise law is a conditional: called on y it returns a law of u with `rsample_with_log_prob` and
`log_prob`, which is what `objectives.dequantisation_bound` asks for. The y `(*batch, d)` may be
integers, which count in torch's default precision, or whole floating-point numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from dgm_lib.core import shape as checked_shape
from dgm_lib.core import tensor, whole
from dgm_lib.nets.inputs import drawing_device, holds, network, require_floats, require_last


class UniformNoise(nn.Module):
    """Uniform dequantisation: q(u | y) = 1 on (0, 1)^d, whatever y. Theis et al. (2016).

    >>> u, log_q = UniformNoise(2)(torch.zeros(5, 2)).rsample_with_log_prob()
    >>> u.shape, log_q
    (torch.Size([5, 2]), tensor([0., 0., 0., 0., 0.]))
    """

    def __init__(self, d: int) -> None:
        super().__init__()
        self.d = whole("d", d)

    def forward(self, y: Tensor) -> UniformCell:
        """The law of u `(*batch, d)` given y `(*batch, d)`."""
        require_last(y, self.d, "y")
        return UniformCell(_cells(y))


class FlowNoise(nn.Module):
    """Variational dequantisation: u = sigmoid(v) with v from a flow on R^d that is told y.

    `flow` is a conditional flow: `flow(context)` is a law of v with `rsample_with_log_prob` and
    `log_prob`. Its context is c = 2 y / (levels - 1) - 1, `(*batch, d)` within [-1, 1], because
    numbers up to 255 would saturate a network. Ho et al., "Flow++" (2019).
    """

    def __init__(self, flow: Callable[[Tensor], object], levels: int) -> None:
        super().__init__()
        self.flow, self.levels = network("flow", flow), whole("levels", levels, at_least=2)

    def forward(self, y: Tensor) -> SquashedCell:
        """The law of u `(*batch, d)` given y `(*batch, d)`."""
        return SquashedCell(self.flow(2 * _cells(y, self.levels) / (self.levels - 1) - 1))


class UniformCell:
    """The uniform law on (0, 1)^d, once for each point of a batch shaped like y `(*batch, d)`."""

    def __init__(self, y: Tensor) -> None:
        self._y = y

    def rsample_with_log_prob(
        self, shape: tuple[int, ...] = (), generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Draws of u, `(*shape, *batch, d)`, and log q(u | y), `(*shape, *batch)`."""
        y = self._y
        shape = checked_shape("shape", shape) + y.shape
        device = drawing_device(generator, y.device)
        u = torch.rand(shape, generator=generator, dtype=y.dtype, device=device).to(y.device)
        return u, torch.zeros_like(u[..., 0])

    def log_prob(self, u: Tensor) -> Tensor:
        """log q(u | y): 0 inside the cell, -inf outside, `(*batch, d) -> (*batch,)`."""
        require_last(u, self._y.shape[-1], "u"), require_floats(u, "u")
        return torch.zeros_like((u + self._y)[..., 0]).masked_fill(_outside(u), -math.inf)


class SquashedCell:
    """The law of u = sigmoid(v) on (0, 1)^d, where v follows a `law` on R^d.

    log q(u | y) = log q(v | y) - sum_i log sigmoid'(v_i).
    """

    def __init__(self, law) -> None:
        self._law = law

    def rsample_with_log_prob(
        self, shape: tuple[int, ...] = (), generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Draws of u, `(*shape, *batch, d)`, and log q(u | y), `(*shape, *batch)`."""
        v, log_q = self._law.rsample_with_log_prob(checked_shape("shape", shape), generator)
        return _inner(v.sigmoid()), log_q - _log_slope(v)

    def log_prob(self, u: Tensor) -> Tensor:
        """log q(u | y), -inf outside the cell, `(*batch, d) -> (*batch,)`."""
        v = _inner(require_floats(u, "u")).logit()
        return (self._law.log_prob(v) - _log_slope(v)).masked_fill(_outside(u), -math.inf)


def _cells(y: Tensor, levels: int | None = None) -> Tensor:
    """The argument `y` in floating-point numbers, once these are known to be whole and in range."""
    if (y := tensor("y", y)).is_complex() or not holds((y >= 0) & (y == y.round()) & y.isfinite()):
        raise ValueError("y must hold whole numbers of at least 0, which name its cells")
    if levels is not None and not holds(y < levels):
        raise ValueError(f"y must be less than levels, which is {levels}")
    return y if y.is_floating_point() else y.to(torch.get_default_dtype())


def _log_slope(v: Tensor) -> Tensor:
    return (logsigmoid(v) + logsigmoid(-v)).sum(dim=-1)


def _outside(u: Tensor) -> Tensor:
    return ~((0 <= u) & (u <= 1)).all(dim=-1)  # as NaN is too


def _inner(u: Tensor) -> Tensor:
    """u, with what rounding put on the border of the cell, or beyond, just inside."""
    finite = torch.finfo(u.dtype)
    return u.clamp(finite.tiny, 1 - finite.eps)
