"""Between all of R^d and the open unit cube."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import softplus

from dgm_lib.models.flow.transform import Inverse, Transform
from dgm_lib.nets.inputs import holds, require_floats


class Sigmoid(Transform):
    """z = 1 / (1 + exp(-x)) in (0, 1), coordinate by coordinate: ladj = Σ log z (1 - z)."""

    context = 0

    def forward(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return require_floats(x, "x").sigmoid(), _log_slope(x)

    def inverse(self, z: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        if not holds((0 <= require_floats(z, "z")) & (z <= 1)):
            raise ValueError("z must lie between 0 and 1 in every coordinate")
        # At the very edge, where rounding puts some points, the logit would be infinite.
        finite = torch.finfo(z.dtype)
        x = z.clamp(finite.tiny, 1 - finite.eps).logit()
        return x, -_log_slope(x)


class Logit(Inverse):
    """z = log x / (1 - x), from data in (0, 1) to all of R: the first layer for such data."""

    def __init__(self) -> None:
        super().__init__(Sigmoid())


def _log_slope(x: Tensor) -> Tensor:
    # As it stands, log z (1 - z) would be log 0 where the sigmoid rounds to 0 or 1.
    return -(softplus(x) + softplus(-x)).sum(dim=-1)
