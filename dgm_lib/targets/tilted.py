"""A labelled law tilted towards a label: what guidance with a weight aims at."""

from __future__ import annotations

import math
from functools import cached_property

import torch
from torch import Tensor

from dgm_lib.core import Grid
from dgm_lib.nets.inputs import drawing_device
from dgm_lib.targets import arguments

_CELLS = {1: 4000, 2: 500}  # per axis, by the number of axes
_MOST_ROUNDS = 500
_BATCH = 4096  # draws in a round


class Tilted:
    """The law p(x) p(y | x)^w / Z of a labelled target, for a label y and a weight w >= 0.

    It is p for w = 0 and p(x | y) for w = 1; above, it keeps away from the other labels. Energy,
    score and samples are exact in any dimension; Z is found on a grid, in 1D or 2D.
    Dhariwal & Nichol (2021); Ho & Salimans (2022).

    >>> from dgm_lib import targets
    >>> p = targets.ring()
    >>> x = p.sample((5,))
    >>> torch.allclose(p.tilted(3, w=1).log_prob(x), p.log_prob(x, label=3), atol=1e-3)
    True
    """

    def __init__(self, target, label: int, w: float) -> None:
        if getattr(target, "labels", None) is None:
            raise ValueError(f"target must have labels, got {target!r}")
        self.target, self.d, self.w = target, target.d, arguments.finite("w", w)
        if self.w < 0:
            raise ValueError(f"w must be at least 0, got {self.w:g}")
        self.label = arguments.whole("label", label, at_least=0, at_most=len(target.labels) - 1)
        weight = target.to(dtype=torch.float64).label_weights[self.label].item()
        if weight == 0:
            raise ValueError(f"label must have a weight above 0, label {label} has none")
        self._log_prior = math.log(weight)

    def log_posterior(self, x: Tensor) -> Tensor:
        """log p(y | x) by Bayes' rule, `(*batch, d) -> (*batch,)`."""
        log_p = self.target.log_prob(x, self.label) + self._log_prior - self.target.log_prob(x)
        return log_p.clamp(max=0)  # what rounding puts above

    def energy(self, x: Tensor) -> Tensor:
        """E(x) = -log p(x) - w log p(y | x), `(*batch, d) -> (*batch,)`."""
        return -self.target.log_prob(x) - self.w * self.log_posterior(x)

    def score(self, x: Tensor) -> Tensor:
        """∇ log p(x) + w (∇ log p(x | y) - ∇ log p(x)), `(*batch, d)`."""
        whole = self.target.score(x)
        return whole + self.w * (self.target.score(x, self.label) - whole)

    @cached_property
    def log_Z(self) -> float:
        """log Z = log E_p[p(y | x)^w], on a grid over the target's box."""
        if self.d not in _CELLS:
            raise ValueError(f"target must be a law in 1D or 2D to find Z, got d = {self.d}")
        grid = Grid(self.target.to(dtype=torch.float64).box, _CELLS[self.d])
        log_total = (-self.energy(grid.points)).flatten().logsumexp(dim=0).item()
        return log_total + math.log(grid.cell)

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x) + w log p(y | x) - log Z in nats, `(*batch, d) -> (*batch,)`."""
        return -self.energy(x) - self.log_Z

    def sample(
        self, shape: int | tuple[int, ...] = (), generator: torch.Generator | None = None
    ) -> Tensor:
        """Independent draws, `(*shape, d)`, by rejection: exact.

        A draw of p(x | y) is kept with the probability p(y | x)^(w - 1); for w < 1, a draw of p
        with p(y | x)^w.
        """
        sizes = arguments.shape("shape", shape)
        label, power = (self.label, self.w - 1) if self.w >= 1 else (None, self.w)
        kept, missing = [self.target.sample((0,))], sizes.numel()
        for _ in range(_MOST_ROUNDS):
            if missing <= 0:
                break
            x = self.target.sample((_BATCH,), generator, label)
            device = drawing_device(generator, x.device)
            u = torch.rand(_BATCH, generator=generator, dtype=torch.float64, device=device)
            kept.append(x[u.to(x.device).log() < power * self.log_posterior(x.double())])
            missing -= len(kept[-1])
        if missing > 0:
            raise ValueError(f"w must leave some of the draws to be kept, got {self.w:g}")
        return torch.cat(kept)[: sizes.numel()].reshape(*sizes, self.d)

    def __repr__(self) -> str:
        return f"{self.target!r}.tilted(label={self.label}, w={self.w:g})"
