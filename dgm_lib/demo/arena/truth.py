"""What is exact about the law that two families learn, and how far samples are from it."""

from __future__ import annotations

import statistics
from typing import Any

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from dgm_lib.arena import Cells
from dgm_lib.core import generator
from dgm_lib.demo.samplers.exact import on_grid, view

POINTS = 120  # per axis, of the exact density
CELLS = 20  # per axis, of the divergence
PIXELS = 60  # per axis, of the picture of the samples' density
WIDTH = 1.0  # of its kernel, in pixels
SAMPLES = 2000  # of a snapshot
HELD_OUT = 500  # exact points at which a density is judged
NOWHERE = 1e6  # where a sample counts that is no number


class Truth:
    """A law of the plane over a view of its box, computed once.

    `floor` is the JSD that exact samples get, as many as a snapshot has.
    """

    def __init__(self, law: Any) -> None:
        self.law, self.box = law, view(law)
        _, self.density = on_grid(law, self.box, POINTS)
        self.cells, rng = Cells(law, CELLS), generator(2**31)
        draws = (law.sample((SAMPLES,), generator=rng) for _ in range(9))
        self.floor = statistics.median(map(self.jsd, draws))
        self.held_out = law.sample((HELD_OUT,), generator=rng)
        self.log_p = law.log_prob(self.held_out).double()

    def jsd(self, x: Tensor) -> float:
        """Of samples (n, 2), in coarse cells and one for all that is outside."""
        return self.cells.jsd(x.nan_to_num(NOWHERE, NOWHERE, -NOWHERE))

    def blurred(self, x: np.ndarray) -> np.ndarray:
        """The density (PIXELS, PIXELS) of samples (n, 2) over the view, by a narrow kernel."""
        counts = np.histogram2d(*x.T, bins=PIXELS, range=self.box)[0]
        (left, right), (bottom, top) = self.box
        pixel = (right - left) * (top - bottom) / PIXELS**2
        return gaussian_filter(counts, WIDTH) / (max(len(x), 1) * pixel)

    @torch.no_grad()
    def gap(self, contender: Any) -> float:
        """The nats that a contender's density loses on points that none has seen."""
        log_q = contender.log_prob(self.held_out).detach().cpu().double()
        return float((self.log_p - log_q).mean())
