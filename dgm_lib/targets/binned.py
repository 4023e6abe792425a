"""A continuous law seen through a grid of cells: a discrete law whose table is known."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from dgm_lib.nets.inputs import drawing_device
from dgm_lib.targets import arguments
from dgm_lib.targets.entropy import Entropy
from dgm_lib.targets.target import Target

_ENOUGH = 1e-10  # a change of the probabilities, below which more nodes are not worth their time
_OUTSIDE = 2e-5  # mass that may be missed: the box itself leaves out up to 1e-5
_MOST_NODES = 1024  # per axis: a million points in the plane


class Quantised:
    """The law of the cell y in {0, ..., levels - 1}^d of a point x of `target`, in 1D or 2D.

    The target's box is cut into `levels` equal cells per axis, of size `width` `(d,)`, and
    P(y) = P(x in cell y | x in the box): 1e-5 of the mass or less is outside. `table`
    `(levels,) * d` holds P. Its integrals are Gauss and Legendre's in each cell, with twice the
    nodes until nothing moves; `error` is the largest change of a probability at the last doubling.

    >>> from dgm_lib import targets
    >>> P = targets.quantised(targets.two_modes(), levels=4)
    >>> P.table, P.quantise(P.place(torch.tensor([2.5])))
    (tensor([0.0296, 0.3272, 0.5882, 0.0550], dtype=torch.float64), tensor([2]))
    """

    def __init__(self, target: Target, levels: int) -> None:
        if target.d > 2:
            raise ValueError(f"target must be a law in 1D or 2D, got d = {target.d}")
        self.target, self.d = target, target.d
        self.levels = arguments.whole("levels", levels, at_most=_MOST_NODES // 8)
        self.box = target.to("cpu", torch.float64).box
        self.width = (self.box[:, 1] - self.box[:, 0]) / self.levels
        masses, coarser = self._settled()
        self.error = (masses - coarser).abs().max().item()
        self.table = masses / masses.sum()
        change = abs(_entropy(masses) - _entropy(coarser))
        self.entropy = Entropy(_entropy(self.table), how="table, by quadrature", stderr=change)

    def log_prob(self, y: Tensor) -> Tensor:
        """log P(y) in nats, `(*batch, d) -> (*batch,)`; -inf for a y that is not a cell.

        The answer is in the precision of y, or torch's default one for integers.
        """
        y = self._points("y", y)
        is_cell = (y >= 0) & (y < self.levels) & (y == y.round())
        index = torch.where(is_cell, y, 0).long().unbind(dim=-1)
        log_p = self.table.log().to(y)[index]
        return log_p.masked_fill(~is_cell.all(dim=-1), -math.inf)

    def sample(
        self, shape: int | tuple[int, ...] = (), generator: torch.Generator | None = None
    ) -> Tensor:
        """Independent draws, integers `(*shape, d)` on the target's device."""
        shape = arguments.shape("shape", shape)
        weights = self.table.flatten().to(drawing_device(generator, "cpu"))
        # multinomial refuses to draw nothing.
        cell = weights.multinomial(max(shape.numel(), 1), replacement=True, generator=generator)
        y = torch.stack(torch.unravel_index(cell[: shape.numel()], self.table.shape), dim=-1)
        return y.reshape(*shape, self.d).to(self.target.device)

    def quantise(self, x: Tensor) -> Tensor:
        """The cell of x, the nearest one for x outside the box, `(*batch, d)` integers."""
        x = self._points("x", x)
        if x.isnan().any():
            raise ValueError("x must hold numbers, got NaN")
        cell = ((x - self.box[:, 0].to(x)) / self.width.to(x)).floor()
        return cell.clamp(0, self.levels - 1).long()

    def place(self, y: Tensor) -> Tensor:
        """Where in the box a point counted in levels lies, `(*batch, d)`; y + ½ is mid-cell."""
        y = self._points("y", y)
        return self.box[:, 0].to(y) + self.width.to(y) * y

    def _settled(self) -> tuple[Tensor, Tensor]:
        """The masses of the cells by enough nodes, and by half as many."""
        nodes = [2**k for k in range(2, 11) if 2**k * self.levels <= _MOST_NODES]
        for coarser, masses in pairwise(map(self._masses, nodes)):
            missed = abs(1 - masses.sum().item())
            if missed < _OUTSIDE and (masses - coarser).abs().max() < _ENOUGH:
                break
        if missed > _OUTSIDE:
            raise ValueError(
                f"target must be wide enough to integrate, {self.target!r} falls between "
                f"{_MOST_NODES} nodes per axis: {missed:.2g} of its mass is missed"
            )
        return masses, coarser

    def _masses(self, nodes: int) -> Tensor:
        """P(x in cell y) for every y, by a rule of so many nodes per cell and axis."""
        t, weights = (torch.from_numpy(a) for a in np.polynomial.legendre.leggauss(nodes))
        axis = (torch.arange(self.levels)[:, None] + (t + 1) / 2).flatten()
        y = torch.stack(torch.meshgrid(*[axis] * self.d, indexing="ij"), dim=-1)
        p = self.target.log_prob(self.place(y)).exp()
        for i, size in enumerate(self.width / 2):  # of the rule's own interval [-1, 1]
            p = p.unflatten(i, (self.levels, nodes)).movedim(i + 1, -1) @ weights * size
        return p

    def _points(self, name: str, value: Tensor) -> Tensor:
        value = arguments.tensor(name, value)
        if value.ndim == 0 or value.shape[-1] != self.d:
            raise ValueError(f"{name} must have shape (*batch, {self.d}), got {tuple(value.shape)}")
        return value if value.is_floating_point() else value.to(torch.get_default_dtype())

    def __repr__(self) -> str:
        return f"quantised({self.target!r}, levels={self.levels})"


def _entropy(table: Tensor) -> float:
    return torch.special.entr(table).sum().item()
