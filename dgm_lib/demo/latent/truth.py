"""What is known exactly about the law that a VAE is to learn, and the data that are watched."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from matplotlib.colors import hsv_to_rgb, to_rgba_array
from torch import Generator, Tensor

from dgm_lib import plot
from dgm_lib.demo.samplers.exact import on_grid, view

CELLS = 120  # per axis, of the exact density
COLORS = [plot.LABELS[k] for k in (0, 2, 3, 6, 4, 7)]  # without orange, which the model has


class Truth:
    """A law of the plane over a view of its box, computed once: its density and its entropy."""

    def __init__(self, law: Any) -> None:
        self.law, self.box = law, view(law)
        _, self.density = on_grid(law, self.box, CELLS)
        self.entropy = float(law.entropy)
        self.middle = torch.as_tensor(self.box, dtype=torch.float64).mean(1)

    def sample(self, n: int, rng: Generator) -> tuple[Tensor, np.ndarray]:
        """n points (n, 2) of the law, and a colour (n, 4) for each.

        It is that of the point's label, where there are labels for the colours there are; else a
        hue that goes around with the angle, so that neighbours look alike.
        """
        labels = getattr(self.law, "labels", None)
        if labels is not None and 1 < len(labels) <= len(COLORS):
            x, y = self.law.sample_labelled((n,), generator=rng)
            return x, to_rgba_array(COLORS)[y.numpy()]
        x = self.law.sample((n,), generator=rng)
        return x, hues(x - self.middle.to(x))


def hues(x: Tensor) -> np.ndarray:
    """Colours (n, 4) by the angles of points (n, 2) of the plane."""
    turns = (torch.atan2(x[:, 1], x[:, 0]) / (2 * math.pi) % 1).double().numpy()
    hsv = np.stack([turns, np.full_like(turns, 0.85), np.full_like(turns, 0.8)], -1)
    return to_rgba_array(hsv_to_rgb(hsv))
