"""Where batches come from: an endless law, or epochs over a data set.

`train` takes any iterable of batches. One whose iterator has `state_dict` and `load_state_dict`
resumes from a checkpoint at once; any other is replayed from its start to the place where it
stood, for which it must draw random numbers from torch's global generator alone.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from dgm_lib.core import Density
from dgm_lib.training import inputs


class draws:  # noqa: N801 - reads as a verb, like `range`
    """Endless batches of fresh samples, each `density.sample((size,))`: no data set, no epochs."""

    def __init__(self, density: Density, size: int) -> None:
        if not hasattr(density, "sample"):
            raise ValueError(f"density must have sample(shape), got {density!r}")
        self.density, self.size = density, inputs.count("size", size)

    def __iter__(self) -> draws:
        return self

    def __next__(self) -> Tensor:
        return self.density.sample((self.size,))

    def state_dict(self) -> dict:
        """Nothing: all the state is in the random numbers."""
        return {}

    def load_state_dict(self, state: dict) -> None:
        if state:
            raise ValueError(f"state must be that of draws, which is empty, got {state.keys()}")


class epochs:  # noqa: N801
    """Endless minibatches of a data set `(n, ...)`, shuffled anew for every epoch.

    Each point comes once an epoch, so an epoch's last batch holds what is left. Data that belong
    together are given as a tuple, `epochs((x, y), 128)`, and come as one.
    """

    def __init__(self, data: Tensor | tuple[Tensor, ...], size: int) -> None:
        self.data, self.size = data, inputs.count("size", size)
        if not all(isinstance(part, Tensor) and part.ndim > 0 for part in self._parts):
            raise ValueError(f"data must be a tensor (n, ...) or a tuple of such, got {data!r}")
        lengths = {len(part) for part in self._parts}
        if len(lengths) != 1 or 0 in lengths:
            raise ValueError(f"data must hold parts of one length, not 0, got {sorted(lengths)}")

    @property
    def _parts(self) -> tuple[Tensor, ...]:
        return self.data if isinstance(self.data, tuple) else (self.data,)

    def __iter__(self) -> Iterator[Tensor | tuple[Tensor, ...]]:
        return _Epochs(self._parts, self.size)


class _Epochs:
    """The iterator of `epochs`: the order of this epoch, and how much of it is done."""

    def __init__(self, parts: tuple[Tensor, ...], size: int) -> None:
        self.parts, self.size = parts, size
        self.order, self.done = torch.empty(0, dtype=torch.long), 0

    def __iter__(self) -> _Epochs:
        return self

    def __next__(self) -> Tensor | tuple[Tensor, ...]:
        if self.done >= len(self.order):
            self.order, self.done = torch.randperm(len(self.parts[0])), 0
        chosen = self.order[self.done : self.done + self.size]
        self.done += self.size
        batch = tuple(part[chosen.to(part.device)] for part in self.parts)
        return batch if len(batch) > 1 else batch[0]

    def state_dict(self) -> dict:
        return {"order": self.order.clone(), "done": self.done}

    def load_state_dict(self, state: dict) -> None:
        if len(state["order"]) not in (0, len(self.parts[0])):
            raise ValueError(
                f"data must be those of the checkpoint, {len(state['order'])} points, "
                f"got {len(self.parts[0])}"
            )
        self.order, self.done = state["order"].clone(), state["done"]
