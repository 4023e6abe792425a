"""A law as the masses of coarse cells, which samples can be counted in: a fair measure for all."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.special import xlogy

from dgm_lib.core import Grid, whole
from dgm_lib.nets.inputs import require_floats, require_last

FINE = 16  # points per side of a cell, for its exact mass


class Cells:
    """n cells per axis over the target's box, and one more for all that is outside.

    `mass` (k,) are the exact masses of the cells, by the mid-point rule.
    """

    def __init__(self, target, n: int = 30) -> None:
        self.box, self.n, d = target.box.cpu().double(), whole("n", n), target.d
        fine = Grid(self.box, n * FINE)
        inside = target.to("cpu").log_prob(fine.points).exp() * fine.cell
        for axis in range(d):
            inside = inside.unflatten(axis, (n, FINE)).sum(dim=axis + 1)
        self.mass = torch.cat([inside.flatten(), (1 - inside.sum()).clamp(min=0)[None]])
        self.mass /= self.mass.sum()

    def counts(self, x: Tensor) -> Tensor:
        """How many of the samples `(m, d)` each cell holds, `(k,)`."""
        low, high = self.box.unbind(dim=1)
        require_last(require_floats(x, "x"), len(self.box), "x")
        if not x.isfinite().all():
            raise ValueError("x must be finite everywhere, got NaN or infinite values")
        place = ((x.cpu().double() - low) / (high - low) * self.n).floor()
        outside = ((place < 0) | (place >= self.n)).any(dim=-1)
        strides = self.n ** torch.arange(len(self.box) - 1, -1, -1)
        index = (place.clamp(0, self.n - 1).long() * strides).sum(dim=-1)
        index[outside] = len(self.mass) - 1
        return index.flatten().bincount(minlength=len(self.mass)).double()

    def jsd(self, x: Tensor) -> float:
        """The Jensen–Shannon divergence of the cells' masses and the samples' shares, in nats."""
        p, q = self.mass, self.counts(x) / len(x)
        m = (p + q) / 2
        return ((xlogy(p, p / m) + xlogy(q, q / m.clamp(min=1e-300))).sum() / 2).item()

    def kl(self, x: Tensor) -> float:
        """KL(p ‖ q) of the cells' masses, q being the samples' shares with half a sample more each.

        That keeps it finite where no sample is (Krichevsky & Trofimov, 1981).
        """
        p, counts = self.mass, self.counts(x) + 0.5
        return xlogy(p, p * counts.sum() / counts).sum().item()
