"""The judge of an energy in one or two dimensions: its law, normalised over a grid."""

from __future__ import annotations

import math
from itertools import chain

import torch
from torch import Tensor, nn

from dgm_lib.core import Grid
from dgm_lib.core import shape as checked_shape
from dgm_lib.models.energy.draws import categorical, uniform
from dgm_lib.nets.inputs import holds, require_last


class OnGrid(nn.Module):
    """The law p(x) = exp(-E(x)) / Z of a model with `energy`, on the box of a `core.Grid`.

    Z = Σ_i exp(-E(x_i)) · cell is exact as far as the grid is fine and its box holds the mass:
    `judge.log_Z - judge.coarser().log_Z` shows the first. It is computed anew at each call,
    from the parameters that the model then has. The gradient of `log_prob` reaches them through E
    and through log Z, so that `objectives.nll(OnGrid(model, grid), x)` is maximum likelihood
    without any sampler: what contrastive divergence approximates.

    >>> class Gaussian:
    ...     def energy(self, x): return x.square().sum(-1) / 2
    >>> judge = OnGrid(Gaussian(), Grid([[-9, 9]]))
    >>> round(judge.log_Z, 12) == round(math.log(2 * math.pi) / 2, 12)
    True
    """

    def __init__(self, model, grid: Grid) -> None:
        super().__init__()
        if not callable(getattr(model, "energy", None)):
            raise ValueError(f"model must have an energy, got {model!r}")
        if not isinstance(grid, Grid):
            raise ValueError(f"grid must be a Grid, got {grid!r}")
        self.model, self.grid, self.d = model, grid, len(grid.box)

    @property
    def log_Z(self) -> float:
        """log Z = log ∫ exp(-E(x)) dx over the box."""
        return self._log_Z().item()

    def coarser(self) -> OnGrid:
        """The same law on a grid half as fine: compare to see the error of the grid."""
        return OnGrid(self.model, self.grid.coarser())

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x) = -E(x) - log Z, and -inf outside the box, `(*batch, d) -> (*batch,)`."""
        require_last(x, self.d, "x")
        if not holds(x.isfinite()):
            raise ValueError("x must be finite everywhere, got NaN or infinite values")
        low, high = self.grid.box.to(x).unbind(dim=1)
        inside = ((low <= x) & (x <= high)).all(dim=-1)
        log_p = -self._energy(x) - self._log_Z().to(x)
        return torch.where(inside, log_p, -math.inf)

    @torch.no_grad()
    def sample(
        self, shape: tuple[int, ...] = (), generator: torch.Generator | None = None
    ) -> Tensor:
        """Independent draws, `(*shape, d)`, in the grid's dtype and on its device.

        A cell by its probability and then a point of it, uniformly: exact but for the law's
        change within a cell.
        """
        sizes = checked_shape("shape", shape)
        cells = categorical(self._log_weights().flatten(), sizes.numel(), generator)
        centres = self.grid.points.reshape(-1, self.d)[cells]
        low, high = self.grid.box.to(centres).unbind(dim=1)
        within = (uniform(centres, generator) - 0.5) * (high - low) / self.grid.n
        return (centres + within).clamp(low, high).reshape(*sizes, self.d)

    @property
    @torch.no_grad()
    def entropy(self) -> float:
        """H(p) = -∫ p(x) log p(x) dx in nats."""
        log_p = self._log_weights() - self._log_Z()
        return -self.grid.integrate(torch.special.xlogy(p := log_p.exp(), p))

    def _log_Z(self) -> Tensor:
        return self._log_weights().logsumexp(dim=tuple(range(self.d))) + math.log(self.grid.cell)

    def _log_weights(self) -> Tensor:
        """-E at the grid's points, `(*grid.shape,)`."""
        log_w = -self._energy(self.grid.points)
        if not holds((log_w > -math.inf).any()):
            raise ValueError(f"model.energy must be finite somewhere on {self.grid!r}, got +inf")
        return log_w

    def _energy(self, x: Tensor) -> Tensor:
        """The energy at x by the model's own precision and device, given in those of x."""
        tensors = ()
        if isinstance(self.model, nn.Module):
            tensors = chain(self.model.parameters(), self.model.buffers())
        like = next((t for t in tensors if t.is_floating_point()), x)
        energy = self.model.energy(x.to(like.device, like.dtype)).to(x)
        if energy.shape != x.shape[:-1]:
            raise ValueError(
                f"model.energy must return one number per point, shape {tuple(x.shape[:-1])}, "
                f"got {tuple(energy.shape)}"
            )
        if not holds(energy > -math.inf):
            raise ValueError("model.energy must be a number or +inf, got NaN or -inf")
        return energy
