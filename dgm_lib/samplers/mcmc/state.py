"""What a batch of Markov chains knows about itself."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class State:
    """A batch of chains, and the step that led there: `x` `(*chains, d)` is where they are.

    `log_p` `(*chains,)` and `score` `(*chains, d)` belong to x, up to the law's normaliser; kernels
    without gradients have no score. Of the step: `proposal` `(*chains, d)`, the probability
    `accept_prob` of keeping it, whether it was `accepted`, the `step` size, and what only some
    kernels have: the points of the `path` there `(n + 1, *chains, d)`, the number of `leapfrogs`
    `(*chains,)`, the `swaps` between temperatures, the `adaptation` of the step size.
    """

    x: Tensor
    log_p: Tensor
    score: Tensor | None
    proposal: Tensor
    accept_prob: Tensor
    accepted: Tensor
    step: float | Tensor | None = None
    path: Tensor | None = None
    leapfrogs: Tensor | None = None
    swaps: object | None = None
    adaptation: object | None = None

    @classmethod
    def fresh(cls, x: Tensor, log_p: Tensor, score: Tensor | None = None) -> State:
        """Chains that have not moved yet."""
        moved = torch.ones_like(log_p, dtype=torch.bool)
        return cls(x, log_p, score, x, torch.ones_like(log_p), moved)

    @property
    def averaged_step(self) -> float:
        """The step size that an adaptation has settled on, for `make(state.averaged_step)`."""
        if self.adaptation is None:
            raise ValueError("state must come from mcmc.adapting to have an averaged step")
        return self.adaptation.averaged_step

    def replace(self, **changes: object) -> State:
        """The same state but for these fields."""
        return dataclasses.replace(self, **changes)
