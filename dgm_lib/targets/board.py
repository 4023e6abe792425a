"""The checkerboard, its edges blurred so that the density is smooth and nowhere zero."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from dgm_lib.core import Grid
from dgm_lib.targets import arguments
from dgm_lib.targets.entropy import Entropy
from dgm_lib.targets.mixture import TAIL
from dgm_lib.targets.target import Target

_MAX_CELLS = 4000  # per axis of the integral: the finest board it resolves to four digits
_SATURATED = 8.0  # Phi(8) is 1 in double precision, and beyond it erfcx would overflow


class Checkerboard(Target):
    """Every other square of a cells x cells board on [-size/2, size/2]^2; the label is the square.

    A point is uniform in its square plus Gaussian noise of standard deviation `scale`, so along
    each axis its density is (Phi((x - a) / scale) - Phi((x - b) / scale)) / (b - a) on the side
    [a, b].
    """

    def __init__(self, cells: int = 4, scale: float = 0.05, size: float = 6.0) -> None:
        self.cells = arguments.whole("cells", cells)
        self.scale = arguments.positive("scale", scale)
        self.size = arguments.positive("size", size)
        self.side = self.size / self.cells
        index = torch.arange(self.cells)
        column, row = torch.meshgrid(index, index, indexing="ij")
        column, row = torch.stack([column, row])[:, (column + row) % 2 == 0]
        k = len(column)
        super().__init__(
            2,
            torch.full((k,), 1 / k, dtype=torch.float64),
            torch.arange(k),
            middles=self.side * (index.double() - (self.cells - 1) / 2),
        )
        self._squares = torch.stack([column, row])
        self.named("checkerboard", cells=self.cells, scale=self.scale, size=self.size)

    def _sides_log_prob(self, x: Tensor) -> Tensor:
        """The log density of every blurred side at numbers x, `(*batch,) -> (*batch, cells)`."""
        # Seen from the side's middle, both ends are where Phi is small, and so precise. By `where`,
        # as `abs` has a slope of 0 in the middle, which would hide the curvature there.
        off = x[..., None] - self._at(x).middles
        off = torch.where(off < 0, -off, off)
        near = torch.special.log_ndtr(((self.side / 2 - off) / self.scale).clamp(max=_SATURATED))
        far = torch.special.log_ndtr((-self.side / 2 - off) / self.scale)
        return near + (-torch.expm1(far - near)).log() - math.log(self.side)

    def _component_log_prob(self, x: Tensor) -> Tensor:
        column, row = self._squares.to(x.device)
        precise = x.to(torch.promote_types(x.dtype, torch.float32))  # log_ndtr refuses 16 bits
        x1, x2 = (self._sides_log_prob(x_i) for x_i in precise.unbind(dim=-1))
        return (x1[..., column] + x2[..., row]).to(x.dtype)

    def _component_sample(
        self, component: Tensor, like: Tensor, generator: torch.Generator | None
    ) -> Tensor:
        squares = self._squares.to(like.device)[:, component].T
        draw = dict(generator=generator, dtype=like.dtype, device=like.device)
        inside = self.side * (torch.rand(squares.shape, **draw) - 0.5)
        return self._at(like).middles[squares] + inside + self.scale * torch.randn(
            squares.shape, **draw
        )

    def _box(self) -> Tensor:
        reach = self.size / 2 + TAIL * self.scale
        return torch.tensor([[-reach, reach]] * 2, dtype=torch.float64)

    def _entropy(self) -> Entropy:
        reach = self.size / 2 + 7 * self.scale
        n = min(math.ceil(8 * reach / self.scale), _MAX_CELLS)
        grid = Grid([[-reach, reach]], n)
        fine, coarse = self._entropy_on(grid), self._entropy_on(grid.coarser())
        return Entropy(fine, how="quadrature", stderr=abs(fine - coarse) + 1e-8)

    def _entropy_on(self, grid: Grid) -> float:
        """The mid-point rule on the square of a 1D grid, where p is a product of matrices."""
        sides = self._sides_log_prob(grid.points[:, 0]).exp()
        board = torch.zeros(self.cells, self.cells, dtype=torch.float64)
        board[tuple(self._squares)] = self._parameters["weights"]
        return torch.special.entr(sides @ board @ sides.T).sum().item() * grid.cell**2

    def _starts(self) -> tuple[Tensor, float]:
        return self._parameters["middles"][self._squares.T], min(self.scale, self.side)

    def _mean(self) -> Tensor:
        return self._parameters["middles"][self._squares].mean(dim=1)

    def _covariance(self) -> Tensor:
        within = self.side**2 / 12 + self.scale**2
        apart = self._parameters["middles"][self._squares] - self._mean()[:, None]
        return within * torch.eye(2, dtype=torch.float64) + apart @ apart.T / apart.shape[1]
