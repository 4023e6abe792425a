"""Linear layers: their log-determinant is the same everywhere."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from dgm_lib.core import array, whole
from dgm_lib.models.flow.transform import Transform
from dgm_lib.nets.inputs import require_points
from dgm_lib.nets.masked import permutation


class LU(Transform):
    """z = P L U x + b with L unit lower and U upper triangular: log|det| is read off U's diagonal.

    The diagonal is positive and P a fixed permutation, P v = v[order] (none unless given), so the
    matrix is always invertible. It starts as z = P x. (Kingma and Dhariwal, 2018.)
    """

    context = 0

    def __init__(self, d: int, order: Tensor | Sequence[int] | None = None) -> None:
        super().__init__()
        self.d = whole("d", d)
        order = permutation(torch.arange(d) if order is None else order, d)
        self.register_buffer("P", torch.eye(d, device=order.device)[order])
        self.below, self.above = (nn.Parameter(torch.zeros(d, d)) for _ in range(2))
        self.log_scale, self.b = (nn.Parameter(torch.zeros(d)) for _ in range(2))

    @property
    def L(self) -> Tensor:
        """The lower factor, with ones on its diagonal `(d, d)`."""
        return self.below.tril(-1) + torch.ones_like(self.b).diag()

    @property
    def U(self) -> Tensor:
        """The upper factor, with a positive diagonal `(d, d)`."""
        return self.above.triu(1) + self.log_scale.exp().diag()

    def forward(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        require_points(x, self.d, "x")
        return linear(x, self.P @ self.L @ self.U, self.b), _everywhere(self.log_scale.sum(), x)

    def inverse(self, z: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        require_points(z, self.d, "z")
        columns = self.P.T @ (z - self.b).reshape(-1, self.d).T
        columns = torch.linalg.solve_triangular(self.L, columns, upper=False, unitriangular=True)
        columns = torch.linalg.solve_triangular(self.U, columns, upper=True)
        return columns.T.reshape(z.shape), _everywhere(-self.log_scale.sum(), z)


class Permute(Transform):
    """z = x[order]: the coordinates in another order. Volumes do not change."""

    context = 0

    def __init__(self, order: Tensor | Sequence[int]) -> None:
        super().__init__()
        order = permutation(order)
        self.d = len(order)
        self.register_buffer("order", order)

    def forward(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        require_points(x, self.d, "x")
        return x.index_select(-1, self.order), x.new_zeros(x.shape[:-1])

    def inverse(self, z: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        require_points(z, self.d, "z")
        return z.index_select(-1, self.order.argsort()), z.new_zeros(z.shape[:-1])


def reverse(d: int) -> Permute:
    """The transform that puts d coordinates in the opposite order."""
    return Permute(torch.arange(whole("d", d)).flip(0))


class Scale(Transform):
    """z = x · exp(s), coordinate by coordinate, for a learnt s `(d,)` that starts at 0.

    It closes a NICE, whose other layers change no volume. (Dinh et al., 2015.)
    """

    context = 0

    def __init__(self, d: int) -> None:
        super().__init__()
        self.d = whole("d", d)
        self.log_scale = nn.Parameter(torch.zeros(d))

    def forward(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        require_points(x, self.d, "x")
        return x * self.log_scale.exp(), _everywhere(self.log_scale.sum(), x)

    def inverse(self, z: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        require_points(z, self.d, "z")
        return z * (-self.log_scale).exp(), _everywhere(-self.log_scale.sum(), z)


class Standardise(Transform):
    """z = (x - mean) / std with a fixed mean and std `(d,)`, those of the data.

    >>> x = torch.tensor([[1.0, 5.0], [3.0, 9.0]])
    >>> z, ladj = Standardise(x.mean(0), x.std(0))(x)
    >>> z.std(0)
    tensor([1., 1.])
    """

    context = 0

    def __init__(self, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        mean, std = array("mean", mean), array("std", std)
        if mean.ndim != 1 or mean.shape != std.shape:
            raise ValueError(
                f"mean and std must both have shape (d,), got {tuple(mean.shape)} and "
                f"{tuple(std.shape)}"
            )
        dtype, device = torch.get_default_dtype(), torch.get_default_device()
        mean, std = array("mean", mean.to(dtype)), std.to(dtype)  # checked as they will be used
        if not ((std > 0) & std.isfinite()).all():
            raise ValueError(f"std must be positive and finite in {dtype}, got {std.tolist()}")
        self.d = len(mean)
        self.register_buffer("mean", mean.to(device, dtype))
        self.register_buffer("std", std.to(device))

    def forward(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        require_points(x, self.d, "x")
        return (x - self.mean) / self.std, _everywhere(-self.std.log().sum(), x)

    def inverse(self, z: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        require_points(z, self.d, "z")
        return self.std * z + self.mean, _everywhere(self.std.log().sum(), z)


def _everywhere(ladj: Tensor, x: Tensor) -> Tensor:
    """One log-determinant for all of the points."""
    return ladj.expand(x.shape[:-1])
