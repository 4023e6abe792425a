"""Exponential families, and how they are fitted: by matching moments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import combinations_with_replacement
from typing import NamedTuple

import torch
from torch import Tensor, nn

from dgm_lib.core import Grid, array, whole
from dgm_lib.nets.inputs import network, require_floats, require_last

Features = Callable[[Tensor], Tensor]
"""From points `(*batch, d)` to their features `(*batch, k)`."""

MOST_STEPS = 200
CONVERGED = 1e-18  # twice the log-likelihood, in nats, that a Newton step would still gain
MISSED = 1e-6  # standard deviations that a moment may be off at the end


class MomentStep(NamedTuple):
    """θ before a Newton step, and by how much the moments miss: target - E_p[f], both `(k,)`."""

    theta: Tensor
    gap: Tensor


class ExponentialFamily(nn.Module):
    """The law p(x) ∝ exp(θ·f(x)) of features f: its energy is -θ·f(x), and linear in θ.

    The mean log-likelihood's gradient is mean f(x) - E_p[f(x)]: data moments minus model moments;
    its Hessian is -Cov_p[f(x)], so it is concave and Newton's method finds the one maximum. θ
    starts at 0, in float64. (Wainwright & Jordan, 2008, §3.)

    >>> family = ExponentialFamily(polynomial(2), d=1)
    >>> for step in family.fit_moments([1.0, 1.25], Grid([[-9, 9]])):
    ...     pass
    >>> [round(t, 6) for t in family.theta.tolist()]  # of N(1, 1/4): μ/σ² and -1/(2σ²)
    [4.0, -2.0]
    """

    def __init__(self, features: Features, d: int) -> None:
        super().__init__()
        self.features, self.d = network("features", features), whole("d", d)
        shape = features(torch.zeros(3, self.d, dtype=torch.float64)).shape
        if len(shape) != 2 or shape[0] != 3:
            raise ValueError(
                f"features must map (*batch, {d}) to (*batch, k), got {tuple(shape)} for (3, {d})"
            )
        self.theta = nn.Parameter(torch.zeros(shape[1], dtype=torch.float64))

    def energy(self, x: Tensor) -> Tensor:
        """E(x) = -θ·f(x), `(*batch, d) -> (*batch,)`."""
        require_last(x, self.d, "x")
        f = self.features(x)
        return -(f @ self.theta.to(f))

    @torch.no_grad()
    def moments(self, grid: Grid) -> Tensor:
        """E_p[f(x)] over the box of a grid, `(k,)`."""
        f = self._features(grid)
        return _probabilities(f, self.theta) @ f

    @torch.no_grad()
    def covariance(self, grid: Grid) -> Tensor:
        """Cov_p[f(x)] over the box of a grid, `(k, k)`."""
        f = self._features(grid)
        return _covariance(_probabilities(f, self.theta), f)

    def fit_moments(self, target_moments: Tensor, grid: Grid) -> Iterator[MomentStep]:
        """Newton's steps θ ← θ + Cov_p[f]⁻¹ (m - E_p[f]) until the moments are m, `(k,)`.

        Yields before each step and once at the end, with θ in place. A step that does not
        raise the likelihood is halved until it does. A law of moments m must exist: those of
        points inside the box always do, unless they lie on its edge or are too few.
        """
        target = array("target_moments", target_moments).to(grid.device)
        if target.shape != self.theta.shape:
            raise ValueError(
                f"target_moments must have shape {tuple(self.theta.shape)}, "
                f"got {tuple(target.shape)}"
            )
        f = self._features(grid)
        theta = self.theta.detach().to(f, copy=True)
        for _ in range(MOST_STEPS):
            p = _probabilities(f, theta)
            gap = target - p @ f
            yield MomentStep(theta, gap)
            direction = _newton_direction(_covariance(p, f), gap)
            gain = gap @ direction
            if gain < CONVERGED:
                break
            theta = theta + _step_size(f, theta, target, direction, gain) * direction
            with torch.no_grad():
                self.theta.copy_(theta)
        std = _covariance(p, f).diagonal().sqrt()
        if (gap.abs() > MISSED * std).any():
            raise ValueError(
                f"target_moments must be those of a law with a density on the grid's box, got "
                f"{target.tolist()}, and Newton's method stopped at {(target - gap).tolist()}"
            )

    @torch.no_grad()
    def _features(self, grid: Grid) -> Tensor:
        """f at all points of a grid, in float64, `(n, k)`."""
        if not isinstance(grid, Grid) or len(grid.box) != self.d:
            raise ValueError(f"grid must be a Grid in {self.d} dimensions, got {grid!r}")
        f = self.features(grid.points.reshape(-1, self.d)).double()
        if not f.isfinite().all():
            raise ValueError("features must be finite all over the grid, got NaN or inf")
        return f


def polynomial(degree: int) -> Features:
    """All monomials of degree 1 to `degree`: in the plane x₁, x₂, x₁², x₁x₂, x₂², x₁³, ...

    Degree 2 makes the family of all Gaussians.

    >>> polynomial(2)(torch.tensor([2.0, 3.0]))
    tensor([2., 3., 4., 6., 9.])
    """
    return partial(_monomials, whole("degree", degree))  # which can be pickled


def _monomials(degree: int, x: Tensor) -> Tensor:
    d = require_floats(x, "x").shape[-1]
    factors = (
        list(chosen)
        for order in range(1, degree + 1)
        for chosen in combinations_with_replacement(range(d), order)
    )
    return torch.stack([x[..., chosen].prod(dim=-1) for chosen in factors], dim=-1)


def _probabilities(f: Tensor, theta: Tensor) -> Tensor:
    """The probability of each point of the grid, `(n, k), (k,) -> (n,)`."""
    return (f @ theta.to(f)).softmax(dim=0)


def _covariance(p: Tensor, f: Tensor) -> Tensor:
    """Σ_i p_i (f_i - E f)(f_i - E f)ᵀ, `(k, k)`."""
    centred = f - p @ f
    return centred.T @ (p[:, None] * centred)


def _newton_direction(covariance: Tensor, gap: Tensor) -> Tensor:
    """Cov⁻¹ gap, by way of the correlations: features may be of very different sizes.

    Where they are redundant many θ give the same law, and the shortest step will do.
    """
    std = covariance.diagonal().sqrt().clamp(min=torch.finfo(gap.dtype).tiny ** 0.25)
    correlation = covariance / torch.outer(std, std)
    return torch.linalg.pinv(correlation, hermitian=True) @ (gap / std) / std


def _step_size(f: Tensor, theta: Tensor, target: Tensor, direction: Tensor, slope: Tensor) -> float:
    """The largest of 1, 1/2, 1/4, ... that raises the mean log-likelihood as its slope promises."""

    def log_likelihood(at: Tensor) -> Tensor:
        return at @ target - (f @ at).logsumexp(dim=0)

    here, size = log_likelihood(theta), 1.0
    # Gains below 1e-8 drown in rounding; so close to the maximum a whole step is right.
    while size * slope > 1e-8:
        if log_likelihood(theta + size * direction) >= here + size * slope / 4:
            break
        size /= 2
    return size
