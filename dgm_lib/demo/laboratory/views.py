"""What is drawn of a match: D's surface, G's manifold, arrows on the fakes, the best D."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from dgm_lib.core import Grid
from dgm_lib.demo.laboratory.match import Match

PIXELS = 48  # per axis, of D's surface
LINES = 19  # of the mesh, each way
CURVE = 200  # points of the mesh of a line
LENGTH, LONGEST = 0.06, 0.08  # of an arrow for a slope of 1, and the longest: shares of the view


@torch.no_grad()
def surface(match: Match) -> np.ndarray:
    """σ(D(x)) on a grid (PIXELS, PIXELS) of the view.

    A critic's values mean nothing but in comparison: they are taken from the middle between its
    means on data and on fakes.
    """
    logits = match.d(Grid(match.truth.box, PIXELS, match.like.dtype).points.to(match.like.device))
    if match.is_critic:
        logits = logits - (match.d(match.x).mean() + match.d(match.g(match.z)).mean()) / 2
    return torch.sigmoid(logits).nan_to_num(0.5).double().cpu().numpy()


def optimum(match: Match) -> np.ndarray:
    """D* = p / (p + q̂) on the view."""
    return match.truth.optimum(match.judged)


@torch.no_grad()
def fakes(match: Match) -> Tensor:
    """G(z) of the watched noise, (n, 2)."""
    return match.g(match.z)


def slopes(match: Match) -> tuple[Tensor, Tensor]:
    """The fakes (n, 2), and for each the direction down G's loss, n times as the loss is a mean."""
    with torch.enable_grad():
        x = fakes(match).detach().requires_grad_()
        (slope,) = torch.autograd.grad(match.loss_of_g(x), x, materialize_grads=True)
    return x.detach(), -len(x) * slope.nan_to_num(0, 0, 0)


def arrows(match: Match) -> tuple[Tensor, Tensor]:
    """The fakes and their slopes, as long as they are to be drawn."""
    x, down = slopes(match)
    (left, right), _ = match.truth.box
    length = down.norm(dim=-1, keepdim=True)
    drawn = (LENGTH * length).clamp(max=LONGEST) * (right - left)
    return x, down * drawn / length.clamp(min=1e-12)


@torch.no_grad()
def manifold(match: Match) -> tuple[np.ndarray, np.ndarray]:
    """A mesh of the noise carried by G, and how dense the samples are in each of its cells.

    The mesh is (n, n, 2) with (n - 1, n - 1) densities in units of the data's highest, or for
    noise of one dimension (n, 2) with n - 1 densities along the line, in units of a straight line
    through the view.
    """
    prior = match.g.prior
    if not hasattr(prior, "mesh") or prior.d > 2:
        return np.zeros((0, 2)), np.zeros(0)
    n = LINES if prior.d == 2 else CURVE
    x = match.g(prior.mesh(n).to(match.like)).double().cpu().numpy()
    mass = 1 / (n - 1) ** prior.d
    if prior.d == 1:
        length = np.linalg.norm(np.diff(x, axis=0), axis=-1)
        (left, right), _ = match.truth.box
        return x, mass * (right - left) / length.clip(1e-9)
    one, other = x[1:, 1:] - x[:-1, :-1], x[1:, :-1] - x[:-1, 1:]
    area = 0.5 * np.abs(one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0])
    return x, mass / area.clip(1e-9) / match.truth.density.max()
