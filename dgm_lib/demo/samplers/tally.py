"""What is known so far about chains: counts of all they have visited, and a window of the past."""

from __future__ import annotations

from collections import deque
from itertools import islice

import numpy as np
import torch

from dgm_lib import metrics
from dgm_lib.demo.run import array
from dgm_lib.demo.samplers.exact import BINS, Exact

WINDOW = 1000  # steps that are remembered
CLOUD = 1000  # points, or all chains
TRACE = 200  # steps of the trace
LAGS = 50
CHAINS = 40  # whose autocorrelation is computed: more make the numbers no clearer to the eye
FEWEST = 20  # steps before there is an autocorrelation
FAR = np.finfo(np.float32).max  # as it is remembered, in single precision
SPACING = 1.05  # between the numbers of points at which the distance is noted


class Tally:
    """The record of chains on one law. Its memory is bounded, however long they run."""

    def __init__(self, exact: Exact) -> None:
        self.exact = exact
        self.counts = np.zeros((BINS + 2, BINS + 2))  # all around, what is outside of the box
        self.past: deque[np.ndarray] = deque(maxlen=WINDOW)
        self.n = self.steps = self.accepted = 0
        self.distances: list[tuple[float, float, float]] = []  # points, distance, floor

    def add(self, x: torch.Tensor, accepted: torch.Tensor) -> None:
        """Count one step of all chains: where they are, (chains, 2), and who accepted."""
        x = array(x)
        if not np.isfinite(x).all():
            raise ValueError("kernel must keep all chains at finite points, got NaN or inf")
        x = x.clip(-FAR, FAR).astype(np.float32)
        self.past.append(x)
        self.steps, self.n = self.steps + 1, self.n + len(x)
        self.accepted += int(accepted.sum())
        low, high = np.array(self.exact.box).T
        cell = np.clip(np.floor((x - low) / (high - low) * BINS) + 1, 0, BINS + 1).astype(int)
        flat = np.bincount(cell @ [BINS + 2, 1], minlength=self.counts.size)
        self.counts += flat.reshape(self.counts.shape)
        if not self.distances or self.n >= SPACING * self.distances[-1][0]:
            self.distances.append(self.distance())

    def distance(self) -> tuple[float, float, float]:
        """Points so far, their total variation from the exact law, and that of i.i.d. samples."""
        if not self.n:
            return 0, 1.0, 1.0
        return self.n, self.exact.distance(self.counts), self.exact.floor(self.n)

    def acceptance(self) -> float:
        """The share of the proposals accepted so far."""
        return self.accepted / max(self.n, 1)

    def marginals(self) -> list[tuple[np.ndarray, ...]]:
        """For each coordinate: edges and heights of the histogram, points and exact density."""
        exact = self.exact
        counts = [self.counts.sum(1 - k)[1:-1] for k in (0, 1)]
        heights = [c / (max(self.n, 1) * (e[1] - e[0])) for c, e in zip(counts, exact.edges)]
        return list(zip(exact.edges, heights, exact.axes, exact.marginals, strict=True))

    def window(self, steps: int, chains: int | None = None) -> np.ndarray:
        """The last states of the first chains, (up to `steps`, up to `chains`, 2)."""
        first = max(0, len(self.past) - steps)
        states = [x[:chains] for x in islice(self.past, first, None)]
        return np.stack(states) if states else np.empty((0, 1, 2), np.float32)

    def cloud(self) -> np.ndarray:
        """The last points (n, 2), of all chains."""
        chains = len(self.past[-1]) if self.past else 1
        return self.window(-(-CLOUD // chains)).reshape(-1, 2)

    def trace(self) -> tuple[np.ndarray, np.ndarray]:
        """How many steps ago, and where the first coordinate of the first chain was then."""
        x = self.window(TRACE, 1)[:, 0, 0]
        return np.arange(1 - len(x), 1), x

    def autocorrelation(self) -> tuple[np.ndarray, np.ndarray]:
        """The lags, and the autocorrelation of the first coordinate within the window."""
        if len(self.past) < FEWEST:
            return np.empty(0), np.empty(0)
        x = torch.from_numpy(self.window(WINDOW, CHAINS)[..., :1])
        rho = array(metrics.autocorrelation(x, lags=min(LAGS, len(x) // 2)))[:, 0]
        return np.arange(len(rho)), rho

    def ess_per_step(self) -> float:
        """Effective samples per step of a chain, of the worse coordinate, within the window."""
        if len(self.past) < FEWEST:
            return float("nan")
        x = torch.from_numpy(self.window(WINDOW, CHAINS))
        return float(metrics.ess(x).min()) / x[..., 0].numel()
