"""The record of a run: where the points have been, and how far that was from the truth."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from dgm_lib.demo.diffusion.sliced import sliced
from dgm_lib.demo.diffusion.truth import Moment, Truth
from dgm_lib.samplers.fields import column

ARROWS = 13  # per axis
BINS = 40  # per axis, of the histograms
FEW, TRAIL = 10, 10  # points that leave trails, and over how many steps


class Numbers(NamedTuple):
    """At the time t: the sliced distance from the exact law, that of exact samples, and the
    learned model's root mean squared error in ε at the points, NaN without one.
    """

    t: float
    distance: float
    floor: float
    error: float


class Walk:
    """Points x (n, 2) that go through `times`; `learned` is a model to compare, if there is one."""

    def __init__(self, truth: Truth, times: list[float], x: Tensor, learned: Any = None) -> None:
        self.truth, self.times, self.learned = truth, times, learned
        self.begun = 0  # where the points have last been put to
        self.states: list[Tensor] = []
        self.numbers: list[Numbers] = []
        self._seen: Seen | None = None
        self.add(x)

    @property
    def i(self) -> int:
        """At which of the times the points have arrived."""
        return len(self.states) - 1

    @property
    def t(self) -> float:
        """The time at which the points have arrived."""
        return self.times[self.i]

    @property
    def arrived(self) -> bool:
        """Whether that is the last of the times."""
        return self.i == len(self.times) - 1

    def add(self, x: Tensor) -> None:
        """The points at the next of the times."""
        self.states.append(x)
        self._seen = None
        moment = self.truth.moment(self.t)
        distance = sliced(x / moment.unit, moment.quantiles)
        self.numbers.append(Numbers(self.t, distance, moment.floor, self._error(x)))

    def go_to(self, i: int) -> None:
        """Forget what came after the time i; if that is to come, exact samples are put there."""
        del self.states[i + 1 :], self.numbers[i + 1 :]
        self._seen = None
        self.begun = self.i + 1 if self.i < i else min(self.begun, i)
        while self.i < i:
            self.add(self.truth.samples(self.times[self.i + 1])[0])

    def nearest(self, t: float) -> int:
        """Which of the times is the nearest to t."""
        return min(range(len(self.times)), key=lambda i: abs(self.times[i] - t))

    def at(self, t: float) -> Seen:
        """What there is to see at the nearest time: exact samples where it is not reached."""
        i = self.nearest(t)
        if self._seen is None or self._seen.i != i:
            self._seen = Seen(self, i)
        return self._seen

    @torch.no_grad()
    def _error(self, x: Tensor) -> float:
        if self.learned is None:
            return math.nan
        t = column(self.t, x)
        wrong = self.learned.eps(x, t) - self.truth.exact.eps(x, t)
        return wrong.square().sum(-1).mean().sqrt().item()


class Seen:
    """A walk at one of its times, in units of √(alpha² + sigma²)."""

    def __init__(self, walk: Walk, i: int) -> None:
        self.walk, self.i, self.live = walk, i, i <= walk.i
        self.truth: Truth = walk.truth
        self.moment: Moment = self.truth.moment(walk.times[i])
        x = walk.states[i] if self.live else self.truth.samples(self.moment.t)[0]
        self.x = (x / self.moment.unit).double().numpy()

    @cached_property
    def trails(self) -> np.ndarray:
        """The last steps of a few points, (FEW, up to TRAIL, 2)."""
        if not self.live or self.i <= self.walk.begun:
            return np.empty((0, 2, 2))
        steps = range(max(self.walk.begun, self.i - TRAIL), self.i + 1)
        units = [self.truth.unit(self.walk.times[j]) for j in steps]
        paths = [self.walk.states[j][:FEW] / unit for j, unit in zip(steps, units, strict=True)]
        return torch.stack(paths, 1).double().numpy()

    @cached_property
    def marginals(self) -> list[tuple[np.ndarray, ...]]:
        """For each coordinate: edges and heights of a histogram, points and exact density."""
        rows = []
        for k, (low, high) in enumerate(self.truth.box):
            edges = np.linspace(low, high, BINS + 1)
            counts, _ = np.histogram(self.x[:, k], edges)
            heights = counts / (len(self.x) * (edges[1] - edges[0]))
            # A point nowhere, as high as the data's own curve: it keeps the axes as they are.
            x = np.append(self.truth.axes[k], math.nan)
            exact = np.append(self.moment.marginals[k], self.truth.top)
            rows.append((edges, heights, x, exact))
        return rows

    def arrows(self, model: Any) -> tuple[np.ndarray, np.ndarray]:
        """The score by a model at a mesh of points: starts and arrows, which saturate.

        Not cached: a model in training changes.
        """
        sides = [np.linspace(low, high, 2 * ARROWS + 1)[1::2] for low, high in self.truth.box]
        start = np.stack(np.meshgrid(*sides, indexing="ij"), -1).reshape(-1, 2)
        x = torch.from_numpy(start * self.moment.unit).to(torch.get_default_dtype())
        with torch.no_grad():
            score = model.score(x, column(self.moment.t, x)).double().numpy()
        pull = self.moment.unit * self.moment.scales.min() * score  # of order 1 on the law itself
        length = np.linalg.norm(pull, axis=1, keepdims=True)
        return start, (sides[0][1] - sides[0][0]) * pull / (1 + length)
