"""Which modes of a mixture a sampler reaches, and how many of its samples lie near one."""

from __future__ import annotations

import math
from numbers import Real
from typing import NamedTuple

import torch
from scipy.special import bdtrc
from torch import Tensor

from dgm_lib.core import Estimate, whole
from dgm_lib.metrics.inputs import real, samples


class Coverage(NamedTuple):
    """How many modes are covered, and the share of high-quality samples."""

    modes: Estimate
    high_quality: Estimate


@torch.no_grad()
def coverage(
    x: Tensor, modes: Tensor, scale: float | Tensor, within: float = 3.0, at_least: int = 1
) -> Coverage:
    """Count the modes `(k, d)` that the samples `(n, d)` cover.

    A sample is of high quality when it lies within 3 standard deviations (`within`) of the mode
    nearest to it; a mode is covered when at least one such sample (`at_least`) is nearest to it.
    `scale` is the standard deviation of a mode, one for all or `(k,)`. Exact samples of a 2D
    mixture score 1 - exp(-9/2) = 0.989 and no more. The standard error of that share is
    smoothed, so it is not 0 where all samples are good. (Lin, Khetan, Fanti & Oh, PacGAN, 2018.)
    """
    x = samples("x", x)
    modes = samples("modes", modes, least=1).to(x.device)
    if modes.shape[1] != x.shape[1]:
        raise ValueError(f"modes must have the dimension of x, {x.shape[1]}, got {modes.shape[1]}")
    scale = real("scale", scale).to(x)
    if scale.shape not in ((), (len(modes),)) or not (scale > 0).all():
        raise ValueError(f"scale must be positive, a number or {len(modes)} of them, got {scale}")
    if not isinstance(within, Real) or not within > 0:
        raise ValueError(f"within must be a positive number, got {within!r}")
    at_least = whole("at_least", at_least)
    distances = torch.cdist(x, modes, compute_mode="donot_use_mm_for_euclid_dist")
    distance, nearest = distances.min(dim=1)
    good = distance <= within * scale.expand(len(modes))[nearest]
    counts = nearest[good].bincount(minlength=len(modes)).cpu()
    # How often each mode would be covered by other samples like these.
    chance = bdtrc(at_least - 1, len(x), counts.numpy() / len(x))
    covered = (counts >= at_least).sum().item()
    stderr = (chance * (1 - chance)).sum() ** 0.5
    return Coverage(Estimate(float(covered), float(stderr)), _share(good))


def _share(good: Tensor) -> Estimate:
    """The share of true values, with a standard error that is not 0 when they are all alike.

    It is that of Agresti & Coull (1998), as if two more had been true and two more false: 20
    good samples of 20 do not prove that the share is 1.
    """
    n, hits = len(good), good.sum().item()
    smoothed = (hits + 2) / (n + 4)
    return Estimate(hits / n, math.sqrt(smoothed * (1 - smoothed) / (n + 4)))
