"""What a training run tells its consumer after every update."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from torch import nn


@dataclass(frozen=True)
class Step:
    """One update of a training run.

    `index` counts updates from 1; `loss`, `grad_norm` (before clipping) and `lr` are those this
    update was made from. `model` is the live model after it, and `averaged` the exponential
    moving average of its weights, in evaluation mode, or None. Of several processes one `leads`:
    it alone should print, plot and write.
    """

    index: int
    loss: float
    grad_norm: float
    lr: float
    model: nn.Module
    averaged: nn.Module | None
    _state: Callable[[int], dict] = field(repr=False)
    leads: bool = True

    def state(self) -> dict:
        """A copy of all that `train(..., resume=state)` needs to go on from here, to the bit.

        The run is live, so ask before it takes its next step.
        """
        return self._state(self.index)
