"""Perceptrons: functions of a point, or of a point and a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from dgm_lib.core import whole
from dgm_lib.nets.inputs import (
    between,
    maker,
    require_floats,
    require_last,
    require_like,
    require_rank,
    widths,
)

Activation = Callable[[], nn.Module]


class MLP(nn.Sequential):
    """A multilayer perceptron, `(*batch, d_in) -> (*batch, d_out)`; `hidden=()` is affine.

    >>> MLP(2, 3, hidden=(16,))(torch.zeros(5, 7, 2)).shape
    torch.Size([5, 7, 3])
    """

    def __init__(
        self,
        d_in: int,
        d_out: int,
        hidden: Sequence[int] = (64, 64),
        activation: Activation = nn.SiLU,
    ) -> None:
        sizes = (whole("d_in", d_in), *widths(hidden))
        made = maker("activation", activation)
        inner = (layer for a, b in pairwise(sizes) for layer in (nn.Linear(a, b), made()))
        super().__init__(*inner, nn.Linear(sizes[-1], whole("d_out", d_out)))
        self.d_in, self.d_out = d_in, d_out

    def forward(self, x: Tensor) -> Tensor:
        require_like(x, self[-1].weight, "x")
        require_last(x, self.d_in, "x")
        return super().forward(x)


class TimeFeatures(nn.Module):
    """Sines and cosines of a time, `(*batch, 1) -> (*batch, features)`.

    The angles are t · ω for frequencies ω spaced geometrically from 1 to `fastest`: the slowest
    sees all of [0, 1] at once, the fastest resolves about 1/`fastest` of it. For times that
    count to T instead, `fastest=1` and t/T, or ω scaled likewise. (Vaswani et al., 2017.)
    """

    def __init__(self, features: int = 32, fastest: float = 100.0) -> None:
        super().__init__()
        if whole("features", features, at_least=2) % 2:
            raise ValueError(f"features must be even, got {features}")
        last = math.log10(between("fastest", fastest, 1, math.inf))
        self.register_buffer("omega", torch.logspace(0, last, features // 2))

    def forward(self, t: Tensor) -> Tensor:
        require_last(t, 1, "t"), require_floats(t, "t")
        angles = t * self.omega
        return torch.cat([angles.sin(), angles.cos()], dim=-1)


class TimeMLP(nn.Module):
    """A perceptron of a point and a time, `(*batch, d_in), (*batch, 1) -> (*batch, d_out)`.

    t has the rank of x; a size of 1 in its batch shape stands for all of x's, so that one time
    for everybody is `torch.full((1, 1), t)`. Anything else is an error, never broadcast.
    """

    def __init__(
        self,
        d_in: int,
        d_out: int,
        hidden: Sequence[int] = (64, 64),
        features: int = 32,
        activation: Activation = nn.SiLU,
    ) -> None:
        super().__init__()
        self.d_in, self.d_out = whole("d_in", d_in), d_out
        self.time = TimeFeatures(features)
        self.mlp = MLP(d_in + features, d_out, hidden, activation)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        require_last(x, self.d_in, "x")
        require_rank(x, t)
        return self.mlp(torch.cat([x, self.time(t).expand(*x.shape[:-1], -1)], dim=-1))
