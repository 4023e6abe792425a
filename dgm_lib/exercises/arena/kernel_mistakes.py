"""Kernel densities that are not quite right, as learners write them."""

import math

import torch
from torch import Tensor


class Base:
    """The right one in pieces, for wrong ones to change."""

    def __init__(self, h: float, most: int) -> None:
        self.h, self.most, self.kept = h, most, None

    def step(self, x: Tensor) -> None:
        """A batch (n, d)."""
        kept = x.clone() if self.kept is None else torch.cat([self.kept, x])
        self.kept = self.remembered(kept)

    def remembered(self, kept: Tensor) -> Tensor:
        """Of all points (n, d) those that are kept."""
        return kept[-self.most :]

    def log_prob(self, x: Tensor) -> Tensor:
        """log q(x), (n, d) -> (n,)."""
        return self.average(self.exponents(x) - self.log_norm(x.shape[1]))

    def exponents(self, x: Tensor) -> Tensor:
        """Of all Gaussians at all points, (n, m)."""
        return -self.squares(x) / (2 * self.h**2)

    def squares(self, x: Tensor) -> Tensor:
        """The squared distances (n, m)."""
        return (x[:, None] - self.kept).square().sum(-1)

    def log_norm(self, d: int) -> float:
        """The logarithm of (2π h²)^(d/2)."""
        return d * math.log(self.h * math.sqrt(2 * math.pi))

    def average(self, log_parts: Tensor) -> Tensor:
        """The log of the mean over the Gaussians, (n, m) -> (n,)."""
        return log_parts.logsumexp(1) - math.log(log_parts.shape[1])

    def sample(self, n: int) -> Tensor:
        """n draws (n, d)."""
        chosen = self.chosen(n)
        return chosen + self.noise(chosen)

    def chosen(self, n: int) -> Tensor:
        """The points to draw around, (n, d)."""
        return self.kept[torch.randint(len(self.kept), (n,))]

    def noise(self, chosen: Tensor) -> Tensor:
        """What is added to them."""
        return self.h * torch.randn_like(chosen)


class _ForgetsNothing(Base):
    def remembered(self, kept):
        return kept


class _KeepsTheFirst(Base):
    def remembered(self, kept):
        return kept[: self.most]


class _InFront(Base):
    def step(self, x):
        kept = x.clone() if self.kept is None else torch.cat([x, self.kept])
        self.kept = self.remembered(kept)


class _InFrontCut(_InFront):
    def remembered(self, kept):
        return kept[: self.most]


class _CutBefore(Base):
    def step(self, x):
        kept = x.clone() if self.kept is None else torch.cat([self.remembered(self.kept), x])
        self.kept = kept


class _LastBatch(Base):
    def step(self, x):
        self.kept = x.clone()[-self.most :]


class _NoMean(Base):
    def average(self, log_parts):
        return log_parts.logsumexp(1)


class _BySize(Base):
    def average(self, log_parts):
        return log_parts.logsumexp(1) - math.log(self.most)


class _MeanOfLogs(Base):
    def average(self, log_parts):
        return log_parts.mean(1)


class _Nearest(Base):
    def average(self, log_parts):
        return log_parts.amax(1)


class _Underflows(Base):
    def average(self, log_parts):
        return log_parts.exp().mean(1).log()


class _Density(Base):
    def average(self, log_parts):
        return super().average(log_parts).exp()


class _OverThePoints(Base):
    def average(self, log_parts):
        return log_parts.logsumexp(0) - math.log(log_parts.shape[0])


class _NoConstant(Base):
    def log_norm(self, d):
        return 0.0


class _ConstantOnce(Base):
    def log_norm(self, d):
        return math.log(self.h * math.sqrt(2 * math.pi))


class _ConstantTwice(Base):
    def log_norm(self, d):
        return 2 * super().log_norm(d)


class _ConstantRootH(Base):
    def log_norm(self, d):
        return d * math.log(math.sqrt(2 * math.pi * self.h))


class _NoPi(Base):
    def log_norm(self, d):
        return d * math.log(self.h)


class _NoH(Base):
    def log_norm(self, d):
        return d * math.log(math.sqrt(2 * math.pi))


class _ConstantAdded(Base):
    def log_norm(self, d):
        return -super().log_norm(d)


class _NotSquared(Base):
    def exponents(self, x):
        return -self.squares(x) / (2 * self.h)


class _NoHalf(Base):
    def exponents(self, x):
        return -self.squares(x) / self.h**2


class _HAsVariance(Base):
    def __init__(self, h, most):
        super().__init__(math.sqrt(h), most)


class _MeanSquares(Base):
    def squares(self, x):
        return super().squares(x) / x.shape[1]


class _Distances(Base):
    def squares(self, x):
        return super().squares(x).sqrt()


class _AView(Base):
    def step(self, x):
        kept = x if self.kept is None else torch.cat([self.kept, x])
        self.kept = self.remembered(kept)


def shared() -> type:
    """A class whose objects keep their points in the class."""

    class Shared(Base):
        points: list = []  # noqa: RUF012  (the mistake)

        def __init__(self, h, most):
            self.h, self.most = h, most
            self.points.append(None)
            self.points[0] = None if len(self.points) == 1 else self.points[0]

        def step(self, x):
            old = self.points[0]
            kept = x.clone() if old is None else torch.cat([old.to(x), x])
            self.points[0] = kept[-self.most :]

        @property
        def kept(self):
            return self.points[0]

    return Shared


_CONSTANT = "the constant of the Gaussian is (2π h²)^(−d/2)"
WRONG = (
    ("forgets nothing", _ForgetsNothing, "nothing is forgotten: keep the last `most` points"),
    ("keeps the first", _KeepsTheFirst, "the first points are kept: keep the last `most`"),
    ("in front", _InFront, "new points come in front, so that [-most:] keeps the oldest"),
    ("in front, cut", _InFrontCut, "batches are put in front, and of the oldest the wrong ones go"),
    ("cut before", _CutBefore, "more than `most` are kept: forget after the batch is added"),
    ("last batch", _LastBatch, "only the last batch is kept: add it to those before"),
    ("no mean", _NoMean, "the Gaussians are added up: average them, less log m"),
    ("by size", _BySize, "the sum is divided by `most`: by the number of points that are kept"),
    ("mean of logs", _MeanOfLogs, "the logs are averaged: q is the mean of densities, logsumexp"),
    ("nearest", _Nearest, "only the nearest point counts: all of them do, logsumexp"),
    ("underflow", _Underflows, "exp underflows far from all points: use logsumexp"),
    ("density", _Density, "this is q(x): its log is asked for"),
    ("over the points", _OverThePoints, "the sum runs over the x: sum over the points kept"),
    ("no constant", _NoConstant, f"the density is not normalised: {_CONSTANT}"),
    ("constant once", _ConstantOnce, f"the constant is that of the line: {_CONSTANT}"),
    ("no half in it", _ConstantTwice, f"the constant counts twice: {_CONSTANT}"),
    ("root of h", _ConstantRootH, f"h is not squared in the constant: {_CONSTANT}"),
    ("no pi", _NoPi, f"2π is missing: {_CONSTANT}"),
    ("no h", _NoH, f"h is missing in the constant, so that it integrates to h^d: {_CONSTANT}"),
    ("constant added", _ConstantAdded, f"the log of the constant has the wrong sign: {_CONSTANT}"),
    ("not squared", _NotSquared, "the exponent is −‖x − x_i‖² / 2h²: h is squared"),
    ("no half", _NoHalf, "the exponent is −‖x − x_i‖² / 2h²: the 2 is missing"),
    ("h as variance", _HAsVariance, "h is taken for the variance: it is the standard deviation"),
    ("mean of squares", _MeanSquares, "the squares are averaged over coordinates: sum them"),
    ("distances", _Distances, "the distances are not squared: −‖x − x_i‖² / 2h²"),
    ("a view", _AView, "the density changes when the batch is written to later: keep a copy of it"),
    ("shared", shared(), "two densities share their points: keep them in `self`"),
)
