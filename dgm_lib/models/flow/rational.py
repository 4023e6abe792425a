"""Monotone rational-quadratic splines on the square [-½, ½]²: the formulas, both ways.

Differentiable to any order, for any number of points at once. A point's parameters stand in the
first dimension, `(3K - 1, *batch)` for K bins, so that each operation runs along neighbouring
points: log-slopes at the K - 1 inner knots, K logits of widths, and the K bins' log-slopes h/w.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Bins(NamedTuple):
    """The bins of a batch of splines, and the ones that are hit; pairs are (width, height)-wise."""

    shares: Tensor  # (2, K, *batch): widths and heights, each of which sums to 1
    below: Tensor  # (2, K - 1, *batch): the same for bins wholly below the point, 0 for the others
    bend: Tensor  # (2K, *batch), of the last 2K rows: see `bent`
    ends: Tensor  # (2, *batch): the numbers of the bin's two knots, from 0 to K
    end_bend: Tensor  # (2, *batch)
    corner: Tensor  # (2, *batch): where the bin starts
    w: Tensor  # its width
    h: Tensor  # its height
    e: Tensor  # (2, *batch): the derivatives at its ends, in units of its slope h/w


class Piece(NamedTuple):
    """The map inside a bin: y = h r with r = (θ² + e₀θu) / D, and dr/dθ = slope / D²."""

    theta: Tensor  # the place in the bin, from 0 to 1
    u: Tensor  # 1 - θ
    excess: Tensor  # e₀ + e₁ - 2
    D: Tensor  # 1 + (e₀ + e₁ - 2) θu
    r: Tensor
    slope: Tensor  # e₁θ² + 2θu + e₀u²


def find(at: Tensor, rows: Tensor, limit: float, axis: int) -> Bins:
    """The bins that the numbers `at` (*batch) hit, along the widths (axis 0) or heights (1)."""
    count = (len(rows) + 1) // 3
    bend = bent(rows[count - 1 :], limit)
    widths, slopes = (rows[count - 1 :] * bend).split(count)
    shares = torch.stack([widths, widths + slopes]).softmax(dim=1)
    knots = shares.detach()[axis, :-1].cumsum(dim=0)
    is_below = (at.detach() + 0.5 - knots).sign().clamp(min=0)
    index = is_below.sum(dim=0, keepdim=True).long()
    below = shares[:, :-1] * is_below
    w, h = shares.gather(1, index.expand(2, *index.shape)).squeeze(1)
    # The outermost derivatives are 1, where the identity goes on.
    edge, ends = torch.zeros_like(rows[:1]), torch.cat([index, index + 1])
    log_slopes = torch.cat([edge, rows[: count - 1], edge]).gather(0, ends)
    end_bend = bent(log_slopes, limit)
    e = (log_slopes * end_bend).exp() * (w / h)
    # Rounding is least where most points are when the middle is 0.
    corner = below.sum(dim=1) - 0.5
    return Bins(shares, below, bend, ends, end_bend, corner, w, h, e)


def bent(v: Tensor, limit: float) -> Tensor:
    """The factor that keeps v within ±limit, smoothly: v · bent(v) = v / √(1 + v²/limit²)."""
    return torch.addcmul(torch.ones_like(v), v, v, value=limit**-2).rsqrt()


def forward(t: Tensor, bins: Bins) -> tuple[Tensor, Tensor, Piece]:
    """The height at t and log dy/dt there, for t (*batch) in [-½, ½]."""
    x_0, y_0 = bins.corner
    piece = inside((t - x_0) / bins.w, bins.e)
    return torch.addcmul(y_0, bins.h, piece.r), log_slope(bins, piece), piece


def inverse(y: Tensor, bins: Bins) -> tuple[Tensor, Tensor]:
    """The place t with height y and log dt/dy there, for y (*batch) in [-½, ½].

    With r = (y - y₀)/h, θ is a root of a θ² + b θ = r, where a = 1 - b. Of the two ways to write
    it, the one that subtracts nothing is taken.
    """
    x_0, y_0 = bins.corner
    r, (e_0, e_1) = ((y - y_0) / bins.h).clamp(0, 1), bins.e
    b = e_0 - r * (e_0 + e_1 - 2)
    root = (b.square() + 4 * (1 - b) * r).sqrt()
    up = b > 0
    theta = torch.where(up, 2 * r, root - b) / torch.where(up, root + b, 2 - 2 * b)
    return torch.addcmul(x_0, bins.w, theta), -log_slope(bins, inside(theta, bins.e))


def inside(theta: Tensor, e: Tensor) -> Piece:
    """The map at θ of bins with these derivatives at their ends."""
    e_0, e_1 = e
    one = torch.ones_like(theta)  # operations of two tensors are faster than with a number
    u = one - theta
    both, square = theta * u, theta * theta
    excess = torch.sub(e_0 + e_1, one, alpha=2)
    D = torch.addcmul(one, excess, both)
    r = torch.addcmul(square, e_0, both) / D
    slope = torch.addcmul(torch.addcmul(both + both, e_1, square), e_0, u * u)
    return Piece(theta, u, excess, D, r, slope)


def log_slope(bins: Bins, piece: Piece) -> Tensor:
    """log dy/dt = log (h/w · dr/dθ)."""
    return (bins.h / bins.w * piece.slope / piece.D / piece.D).log()


def pull(y_bar: Tensor, log_bar: Tensor, bins: Bins, piece: Piece) -> tuple[Tensor, Tensor]:
    """The gradients of a loss with respect to t and the rows, from those to y and log dy/dt.

    A bar marks the gradient with respect to what it stands on. Nothing here is differentiable.
    """
    theta, u, excess, D, r, slope = piece
    e_0, e_1 = bins.e
    h_y, log_over, slope_bar = bins.h * y_bar, log_bar / D, log_bar / slope
    r_over = h_y / D
    # log e_0, log e_1 and log h/w.
    both = theta * u
    D_both = torch.addcmul(r_over * r, log_over, torch.ones_like(D), value=2).mul_(both).neg_()
    e_0_bar = torch.addcmul(D_both, r_over, both).addcmul_(slope_bar, u * u)
    e_1_bar = torch.addcmul(D_both, slope_bar, theta * theta)
    e_bar = torch.stack([e_0_bar, e_1_bar]).mul_(bins.e)
    s_bar = log_bar - e_bar.sum(dim=0)
    # The place in the bin. It moves D by excess · tilt and the slope by 2 bow.
    tilt = u - theta
    bow = torch.addcmul(tilt, e_1, theta).addcmul_(e_0, u, value=-1)
    theta_bar = torch.addcmul(r_over * slope / D, slope_bar, bow, value=2)
    theta_bar.addcmul_(log_over * excess, tilt, value=-2)
    t_bar = theta_bar / bins.w
    # Where the bin starts, and the logs of its width and height.
    start_bar = torch.stack([-t_bar, y_bar])
    w_bar = torch.addcmul(s_bar, theta_bar, theta).neg_()
    size_bar = torch.stack([w_bar, torch.addcmul(s_bar, h_y, r)])
    return t_bar, _pull_rows(start_bar, size_bar, e_bar, bins)


def _pull_rows(start_bar: Tensor, size_bar: Tensor, e_bar: Tensor, bins: Bins) -> Tensor:
    """From the corner, the logs of the size, and log e, to the rows."""
    mean = torch.addcmul(size_bar, start_bar, bins.corner + 0.5)
    shares_bar = bins.shares * mean.neg_().unsqueeze(1)  # before the softmax
    shares_bar[:, :-1].addcmul_(bins.below, start_bar.unsqueeze(1))
    index = bins.ends[:1].expand(2, *bins.ends[:1].shape)
    shares_bar.scatter_add_(1, index, size_bar.unsqueeze(1))
    # The first row is spare: it takes what would go to the fixed derivative at the lower bound,
    # and what would go to that at the upper one is written over.
    count, batch = bins.shares.shape[1], bins.shares.shape[2:]
    rows_bar = bins.shares.new_empty(3 * count, *batch)
    rows_bar[: count + 1] = 0
    bend = bins.end_bend
    rows_bar.scatter_(0, bins.ends, e_bar * bend * bend * bend)
    torch.add(shares_bar[0], shares_bar[1], out=rows_bar[count : 2 * count])
    rows_bar[2 * count :] = shares_bar[1]
    rows_bar[count:].mul_(bins.bend).mul_(bins.bend).mul_(bins.bend)
    return rows_bar[1:]
