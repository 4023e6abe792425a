"""The earth mover's distance W₁ between discrete laws: a plan of transport, and its dual."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import linprog
from scipy.sparse import eye_array, kron, vstack
from torch import Tensor

from dgm_lib.core import Estimate, tensor
from dgm_lib.metrics.inputs import real, samples
from dgm_lib.nets.inputs import require_last

LARGEST = 250_000  # pairs, as of 500 and 500 points: ten seconds


@dataclass(frozen=True)
class EarthMovers:
    """What `earth_movers` finds: the distance, and the two sides that prove it.

    `distance` is the cost of the `plan` (n, m), whose rows sum to x's weights a and its columns to
    y's weights b. `dual` is Σ a_i f(x_i) - Σ b_j f(y_j) for a function f of slope at most 1, the
    `critic`: no plan costs less and no such f scores more, so where they agree both are best.
    """

    distance: Estimate
    dual: float
    plan: Tensor
    x: Tensor
    y: Tensor
    _offsets: Tensor

    def critic(self, points: Tensor) -> Tensor:
        """The best critic f(x) = min_j ‖x - y_j‖ - v_j, anywhere, `(*batch, d) -> (*batch,)`.

        Its slope is at most 1 everywhere, and 1 along every ray from a y_j that mass is moved to.
        """
        points = tensor("points", points).to(self.y)
        require_last(points, self.y.shape[1], "points")
        values = _critic(points.reshape(-1, self.y.shape[1]), self.y, self._offsets)
        return values.reshape(points.shape[:-1])


@torch.no_grad()
def earth_movers(
    x: Tensor, y: Tensor, a: Tensor | None = None, b: Tensor | None = None
) -> EarthMovers:
    """W₁ = min Σ_ij P_ij ‖x_i - y_j‖ over all plans P ≥ 0 that move x `(n, d)` to y `(m, d)`.

    A linear programme, solved exactly with its dual (Kantorovich, 1942). `a` (n,) and `b` (m,) are
    weights that sum to 1: of two discrete laws, between which the distance has no error. Without
    them the points are draws of two laws, and count alike: the standard error is then that of
    the mean of the critic, and the distance is biased upwards, for draws of one law are some way
    apart. (Peyré & Cuturi, 2019; del Barrio & Loubes, 2019.)

    >>> found = earth_movers([[0.0], [1.0]], [[3.0], [5.0]])
    >>> [round(side, 9) for side in (found.distance.value, found.dual)]
    [3.5, 3.5]
    """
    x, y = samples("x", x, least=1), samples("y", y, least=1)
    if x.shape[1] != y.shape[1]:
        raise ValueError(f"y must have the dimension of x, {x.shape[1]}, got {y.shape[1]}")
    if len(x) * len(y) > LARGEST:
        raise ValueError(
            f"x and y must have at most {LARGEST} pairs of points, got {len(x)} and {len(y)} "
            f"points: pass fewer, or use sliced_wasserstein"
        )
    y, drawn = y.to(x.device), a is None and b is None
    a, b = _weights("a", a, x), _weights("b", b, y)
    costs = _distances(x, y)
    plan, offsets = _solved(costs, a, b)
    on_x, on_y = _critic(x, y, offsets), _critic(y, y, offsets)
    stderr = math.hypot(_stderr(on_x), _stderr(on_y)) if drawn else 0.0
    distance = Estimate((plan * costs).sum().item(), stderr)
    return EarthMovers(distance, (a @ on_x - b @ on_y).item(), plan, x, y, offsets)


def _solved(costs: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """The plan, `(n, m)`, and what the dual programme credits to each y, `(m,)`."""
    n, m = costs.shape
    rows = kron(eye_array(n), np.ones((1, m)))
    columns = kron(np.ones((1, n)), eye_array(m))
    sums = torch.cat([a, b]).cpu().numpy()
    found = linprog(
        costs.flatten().cpu().numpy(),
        A_eq=vstack([rows, columns]).tocsr(),
        b_eq=sums,
        method="highs-ipm",
    )
    if not found.success:
        raise RuntimeError(f"the linear programme was not solved: {found.message}")
    plan = torch.from_numpy(found.x).reshape(n, m)
    return plan.to(costs), torch.from_numpy(found.eqlin.marginals[n:].copy()).to(costs)


def _critic(points: Tensor, y: Tensor, offsets: Tensor) -> Tensor:
    """min_j ‖x - y_j‖ - v_j: at least what the dual programme says at x, at most -v_j at y_j."""
    return (_distances(points, y) - offsets).min(dim=1).values


def _distances(x: Tensor, y: Tensor) -> Tensor:
    return torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist")


def _stderr(values: Tensor) -> float:
    return Estimate.of(values).stderr if len(values) > 1 else 0.0


def _weights(name: str, weights: Tensor | None, points: Tensor) -> Tensor:
    """The weights, in float64 and scaled to sum to 1 to the last bit, or all alike."""
    if weights is None:
        return points.new_full((len(points),), 1 / len(points))
    weights = real(name, weights).to(points)
    if weights.shape != points.shape[:1]:
        raise ValueError(f"{name} must have shape {(len(points),)}, got {tuple(weights.shape)}")
    if not (weights >= 0).all() or not math.isclose(weights.sum().item(), 1, abs_tol=1e-5):
        raise ValueError(f"{name} must be at least 0 and sum to 1, got a sum of {weights.sum()}")
    return weights / weights.sum()
