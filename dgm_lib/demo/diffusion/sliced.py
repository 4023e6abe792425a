"""The sliced distance of points of the plane from a law of which all projections are known."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

SLICES = 12  # directions, evenly over half a turn: the plane needs no random ones
SETS = 4  # of exact samples: the floor is their mean
_ANGLES = math.pi * (np.arange(SLICES) + 0.5) / SLICES
DIRECTIONS = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)])


def middles(n: int) -> np.ndarray:
    """The middles of n equal parts of [0, 1], (n,)."""
    return (np.arange(n) + 0.5) / n


def quantiles(values: np.ndarray, cdf: np.ndarray, n: int) -> np.ndarray:
    """The quantiles of n equal shares, (n, SLICES), of laws with this cdf (m, SLICES) at values."""
    at = middles(n)
    return np.stack([np.interp(at, *pair) for pair in zip(cdf.T, values.T, strict=True)], 1)


def sliced(x: Tensor, quantiles: np.ndarray) -> float:
    """(mean over directions u of W₂²(u·x, the law's projection))^½ of points x (n, 2).

    On a line the i-th smallest of n points belongs to the quantile (i - ½)/n. Bonneel et al.,
    "Sliced and Radon Wasserstein barycenters of measures" (2015).
    """
    projected = np.sort(x.double().numpy() @ DIRECTIONS, axis=0)
    return float(np.sqrt(np.square(projected - quantiles).mean()))


def floor(samples: Tensor, quantiles: np.ndarray) -> float:
    """The mean distance of samples (m, n, 2) of the law itself: what no sampler falls below."""
    return sum(sliced(x, quantiles) for x in torch.unbind(samples)) / len(samples)
