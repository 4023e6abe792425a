"""The modes of a smooth density, found from starting points.

Every start climbs to a peak by Newton's method. On a ridge (an arc of the moons) that leaves many
points at all but the same height, so the peaks are then told apart by persistence: lower a
water level; two islands that meet at once were one mode, and two are only counted where the
ground between them dips (Edelsbrunner & Harer, "Computational Topology", 2010, chapter VII).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial import KDTree
from scipy.spatial.distance import cdist
from torch import Tensor

from dgm_lib.targets.arguments import thinned

Function = Callable[[Tensor], Tensor]

DIP = 0.01  # nats: the density must fall by 1 % between two peaks for them to be two modes
_NEIGHBOURS = 4
_MOST_STOPS = 65  # where a segment is looked at; an odd number, for a gap in the middle
_MOST_STARTS = 300  # of those that do not stand alone
_TO_RIDGE, _TO_PEAK = 4, 60  # steps


def find(log_prob: Function, score: Function, starts: Tensor, reach: float) -> Tensor:
    """The modes (k, d) that can be climbed to from starts (n, d), in the order of the starts.

    `score` must be differentiable; `reach` is the longest step, about the smallest feature's size.
    """
    starts = starts[_worthwhile(log_prob, starts, reach)]
    ridge = climb(log_prob, score, starts, reach, _TO_RIDGE)
    peaks = climb(log_prob, score, ridge, reach, _TO_PEAK)
    nodes = torch.cat([ridge, peaks])
    heights = log_prob(nodes).numpy()
    edges, passes = _paths(log_prob, nodes, heights, reach)
    tops = np.array(persistent(heights, edges, passes))
    # Of starts that climbed to one peak, rounding says whose is on top: the first stands for all.
    same = cdist(peaks[tops % len(starts)], peaks) < 1e-3 * reach
    tops = tops[np.argsort(same.argmax(axis=1))]
    return climb(log_prob, score, nodes[tops], reach, _TO_PEAK)


def _worthwhile(log_prob: Function, starts: Tensor, reach: float) -> np.ndarray:
    """Which starts (n, d) to climb from: all those that stand alone, and enough of the others.

    One stands alone if the density dips on the way to its nearest neighbour, as it does between
    separate Gaussians; along a chain of Gaussians it does not.
    """
    if len(starts) <= _MOST_STARTS:
        return np.arange(len(starts))
    apart = _apart(starts.numpy(), reach)
    kept = starts[apart]
    nearest = KDTree(kept).query(kept, k=[min(2, len(kept))])[1][:, 0]
    middles = (kept + kept[nearest]) / 2
    alone = (log_prob(middles) < log_prob(kept) - DIP).numpy()
    return np.sort(np.concatenate([apart[alone], thinned(apart[~alone], _MOST_STARTS)]))


def _apart(x: np.ndarray, distance: float) -> np.ndarray:
    """Indices of points, no two of them closer than this, near which are all the others."""
    tree, left, kept = KDTree(x), np.ones(len(x), dtype=bool), []
    for i in range(len(x)):
        if left[i]:
            kept.append(i)
            left[tree.query_ball_point(x[i], distance)] = False
    return np.array(kept)


def climb(log_prob: Function, score: Function, x: Tensor, reach: float, steps: int) -> Tensor:
    """Newton's method uphill from all x (n, d); a step that would lead down is shortened."""
    height, radius = log_prob(x), torch.full(x.shape[:1], reach / 4, dtype=x.dtype)
    for _ in range(steps):
        step = _newton_step(score, x, radius)
        new_height = log_prob(x + step)
        up = new_height > height
        x = torch.where(up[:, None], x + step, x)
        height = torch.where(up, new_height, height)
        radius = torch.where(up, (2 * radius).clamp(max=reach), step.norm(dim=-1) / 4)
        if (radius < 1e-10 * reach).all():
            break
    return x


def _newton_step(score: Function, x: Tensor, radius: Tensor) -> Tensor:
    """|H|^-1 s: Newton's step with the Hessian's eigenvalues made positive, so that it leads up.

    Each axis is shortened to the radius (n,) by itself: a long step along a ridge must not keep
    the step across it from being exact.
    """
    x = x.detach().requires_grad_()
    with torch.enable_grad():
        s = score(x)
        rows = [torch.autograd.grad(s_i.sum(), x, retain_graph=True)[0] for s_i in s.unbind(-1)]
    curvature, axes = torch.linalg.eigh(torch.stack(rows, dim=-2))
    along = torch.einsum("nij,ni->nj", axes, s.detach()) / curvature.abs().clamp(min=1e-12)
    along = along.minimum(radius[:, None]).maximum(-radius[:, None])
    return torch.einsum("nij,nj->ni", axes, along)


def _paths(
    log_prob: Function, nodes: Tensor, heights: np.ndarray, reach: float
) -> tuple[np.ndarray, np.ndarray]:
    """Paths between nodes, (m, 2) pairs of indices, and the height of each one's lowest point.

    The second half of the nodes are the peaks that the first half lead to.
    """
    n = len(nodes) // 2
    climbs = np.stack([np.arange(n), np.arange(n) + n], axis=1)  # they never go down
    distance = cdist(nodes, nodes)
    # A distance of 0 would say "no edge", so that all are raised by next to nothing.
    tree = np.stack(minimum_spanning_tree(distance + 1e-6 * reach).nonzero(), axis=1)
    nearest = np.argsort(distance[:n, :n], axis=1)[:, 1 : 1 + _NEIGHBOURS]
    near = np.stack([np.repeat(np.arange(n), nearest.shape[1]), nearest.ravel()], axis=1)
    straight = np.unique(np.sort(np.concatenate([tree, near]), axis=1), axis=0)
    a, b = nodes[straight[:, 0]], nodes[straight[:, 1]]
    longest = (b - a).norm(dim=-1).max().item()
    stops = min(2 * int(2 * longest / reach) + 9, _MOST_STOPS)
    t = torch.linspace(0, 1, stops + 2, dtype=nodes.dtype)[1:-1, None, None]
    inside = torch.stack([log_prob(stop) for stop in a + t * (b - a)]).numpy().min(axis=0)
    lowest = np.minimum(inside, heights[straight].min(axis=1))
    return np.concatenate([climbs, straight]), np.concatenate([heights[:n], lowest])


def persistent(heights: np.ndarray, edges: np.ndarray, passes: np.ndarray) -> list[int]:
    """The nodes that top an island for longer than `DIP` while the water falls."""
    top = list(range(len(heights)))  # of its island: a forest, in which a root is a top

    def find_top(node: int) -> int:
        while top[node] != node:
            top[node] = top[top[node]]
            node = top[node]
        return node

    modes = []
    for edge in np.argsort(-passes, kind="stable"):
        low, high = sorted((find_top(node) for node in edges[edge]), key=heights.__getitem__)
        if low != high:
            top[low] = high
            if heights[low] - passes[edge] > DIP:
                modes.append(low)
    return modes + [find_top(0)]
