"""What all layers share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.artist import Artist
from matplotlib.axes import Axes

from dgm_lib.core import Grid
from dgm_lib.demo.run import Run

Source = str | Callable[[Run], Any] | Any
Box = Sequence[Sequence[float]]
PLANE = ((-4.0, 4.0), (-4.0, 4.0))


class NotYet(ValueError):
    """A source names something that the frame does not hold."""


class Layer:
    """One thing drawn on an axes.

    `setup` makes the artists, once; `update` brings them up to date with a run and says whether
    something outside of the artists has changed (limits, say), so that all must be drawn anew.
    A `static` layer is never updated, one that `covers` fills its axes. `memory` is the number of
    frames that it looks back on.
    """

    static = covers = False
    memory = 1
    noun = "layer"

    def __init__(self, label: str | None = None) -> None:
        self.label = label
        self.visible = True
        self.artists: list[Artist] = []

    @property
    def name(self) -> str:
        """What its check box says."""
        return self.label or self.noun

    def setup(self, ax: Axes) -> None:
        """Make `self.artists` on these axes."""

    def update(self, run: Run) -> bool:
        """Bring the artists up to date with the run; True when all must be drawn anew."""
        return False


def resolve(source: Source, run: Run) -> Any:
    """A source's present value: an entry of the frame, a function of the run, or itself."""
    if isinstance(source, str):
        if source not in run.frame:
            raise NotYet(f"source must be a key of the frame {sorted(run.frame)}, got {source!r}")
        return run.frame[source]
    return source(run) if is_function(source) else source


def is_function(source: Source) -> bool:
    """Whether a source is a function of the run; laws and models may be callable, too."""
    return callable(source) and not hasattr(source, "log_prob")


def is_constant(source: Source) -> bool:
    """Whether a source is the same at all times."""
    return not isinstance(source, str) and not is_function(source)


def bounds(box: Box | None, source: Source, d: int) -> tuple[tuple[float, float], ...]:
    """The box asked for, else the law's own, else 4 to either side, as d pairs of floats."""
    if box is None:
        box = getattr(source, "box", PLANE[:d])
    pairs = Grid(box, 1).box
    if len(pairs) != d:
        raise ValueError(f"box must have shape ({d}, 2), got {tuple(pairs.shape)}")
    return tuple((low, high) for low, high in pairs.tolist())


def finite_range(values: np.ndarray) -> tuple[float, float]:
    """The least and the largest finite value; from 0 to 1 where there is none."""
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)


def density_at(law: Any, points: torch.Tensor) -> np.ndarray:
    """`exp(law.log_prob(x))` at `points` (*batch, d), as an array (*batch,).

    Laws of `torch.distributions` without an event shape are taken as laws on the line.
    """
    flat = points.reshape(-1, points.shape[-1]).to(torch.get_default_dtype())
    with torch.no_grad():
        log_prob = law.log_prob(flat)
    if log_prob.numel() != len(flat):
        raise ValueError(
            f"log_prob must map {tuple(flat.shape)} to ({len(flat)},), got {tuple(log_prob.shape)}"
        )
    return log_prob.detach().cpu().double().exp().reshape(points.shape[:-1]).numpy()
