"""Wasserstein distances: how far, and by the shortest way, one sample must be moved to another.

Both are biased upwards: two samples of the same law are some distance apart, so compare with the
distance between two exact samples of the same size. Their standard errors are right when the laws
differ, and cautious when they agree: 1.3 times the spread for a Gaussian, 1.7 times for a law of
two modes far apart. (Peyré & Cuturi, 2019.)
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from dgm_lib.core import Estimate, whole
from dgm_lib.metrics.inputs import two_samples
from dgm_lib.nets.inputs import drawing_device

Statistic = Callable[[Tensor, Tensor], float]

LARGEST = 2000  # takes half a minute with its error, and eight times as long for twice as many
GROUPS = 10


@torch.no_grad()
def wasserstein2(x: Tensor, y: Tensor) -> Estimate:
    """The 2-Wasserstein distance between two samples `(n, d)`, exactly, by optimal assignment.

    W₂ = (min over permutations π of mean_i |x_i - y_π(i)|²)^½, not squared.
    """
    x, y = two_samples(x, y)
    if len(x) != len(y):
        raise ValueError(f"y must hold as many samples as x, {len(x)}, got {len(y)}")
    if len(x) > LARGEST:
        raise ValueError(
            f"x must hold at most {LARGEST} samples, got {len(x)}: the exact distance takes n³ "
            f"steps; pass x[:{LARGEST}], y[:{LARGEST}], or use sliced_wasserstein"
        )
    return Estimate(_assigned(x, y), _jackknife(_assigned, x, y))


@torch.no_grad()
def sliced_wasserstein(
    x: Tensor, y: Tensor, projections: int = 128, generator: torch.Generator | None = None
) -> Estimate:
    """The sliced 2-Wasserstein distance between samples `(m, d)` and `(n, d)`, not squared.

    SW₂ = (E_u W₂²(u·x, u·y))^½ over random directions u, each a sorting problem. The standard
    error covers the samples and the directions. (Bonneel et al., 2015.)
    """
    x, y = two_samples(x, y)
    projections = whole("projections", projections)
    directions = _directions(projections, x, generator)
    x, y = x @ directions, y @ directions
    squares = _quantile_distance2(x, y)
    value = squares.mean().sqrt().item()
    of_samples = _jackknife(lambda a, b: _quantile_distance2(a, b).mean().sqrt().item(), x, y)
    of_directions = Estimate.of(squares).stderr / (2 * value) if value and projections > 1 else 0.0
    return Estimate(value, math.hypot(of_samples, of_directions))


def _assigned(x: Tensor, y: Tensor) -> float:
    costs = torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist").square().cpu().numpy()
    return math.sqrt(costs[linear_sum_assignment(costs)].mean())


def _directions(count: int, like: Tensor, generator: torch.Generator | None) -> Tensor:
    """Unit vectors, uniform on the sphere, `(d, count)`."""
    device = drawing_device(generator, "cpu")
    normal = torch.randn(like.shape[1], count, generator=generator, device=device).to(like)
    return normal / normal.norm(dim=0)


def _quantile_distance2(x: Tensor, y: Tensor) -> Tensor:
    """W₂² between the columns of `(m, k)` and `(n, k)`: optimal transport on a line is sorted."""
    m, n = len(x), len(y)
    x, y = x.sort(dim=0).values, y.sort(dim=0).values
    if m == n:
        return (x - y).square().mean(0)
    # Both quantile functions are constant between these levels, in units of 1 / (m n).
    levels = torch.cat([torch.arange(0, m * n, n), torch.arange(0, m * n, m)]).unique()
    widths = torch.diff(levels, append=torch.tensor([m * n])).to(x) / (m * n)
    i, j = (levels // n).to(x.device), (levels // m).to(x.device)
    return widths @ (x[i] - y[j]).square()


def _jackknife(statistic: Statistic, x: Tensor, y: Tensor) -> float:
    """The standard error from leaving out one tenth of the samples at a time (Efron, 1982)."""
    groups = min(GROUPS, len(x), len(y))
    a, b = (torch.arange(len(z), device=z.device) % groups for z in (x, y))
    left = [statistic(x[a != g], y[b != g]) for g in range(groups)]
    return math.sqrt((groups - 1) * torch.tensor(left, dtype=torch.float64).var(correction=0))
