"""Kernel densities whose samples are not quite right, as learners write them."""

import math

import torch

from dgm_lib.exercises.arena.kernel_mistakes import Base


class _Repeats(Base):
    def noise(self, chosen):
        return torch.zeros_like(chosen)


class _UnitNoise(Base):
    def noise(self, chosen):
        return torch.randn_like(chosen)


class _SquaredNoise(Base):
    def noise(self, chosen):
        return self.h**2 * torch.randn_like(chosen)


class _UniformNoise(Base):
    def noise(self, chosen):
        return self.h * (2 * torch.rand_like(chosen) - 1)


class _PositiveNoise(Base):
    def noise(self, chosen):
        return self.h * torch.rand_like(chosen)


class _OffCentre(Base):
    def noise(self, chosen):
        return self.h + self.h * torch.randn_like(chosen)


class _RootNoise(Base):
    def noise(self, chosen):
        return math.sqrt(self.h) * torch.randn_like(chosen)


class _SharedNoise(Base):
    def noise(self, chosen):
        return self.h * torch.randn_like(chosen[0])


class _OneNoise(Base):
    def noise(self, chosen):
        return self.h * torch.randn_like(chosen[:, :1])


class _InOrder(Base):
    def chosen(self, n):
        return self.kept[torch.arange(n) % len(self.kept)]


class _OneForAll(Base):
    def chosen(self, n):
        return self.kept[torch.randint(len(self.kept), (1,))].expand(n, -1)


class _NeverTheLast(Base):
    def chosen(self, n):
        return self.kept[torch.randint(len(self.kept) - 1, (n,))]


class _Rounded(Base):
    def chosen(self, n):
        return self.kept[(torch.rand(n) * (len(self.kept) - 1)).round().long()]


class _Shuffled(_InOrder):
    def chosen(self, n):
        return super().chosen(n)[torch.randperm(n)]


class _Once(Base):
    def chosen(self, n):
        return self.kept[torch.randperm(len(self.kept))[:n]]


class _AroundTheMean(Base):
    def chosen(self, n):
        return self.kept.mean(0).expand(n, -1)


_GAUSSIAN = "the noise must be Gaussian: torch.randn, and not torch.rand"
WRONG_SAMPLES = (
    ("repeats", _Repeats, "samples repeat the points that are kept: add Gaussian noise"),
    ("unit noise", _UnitNoise, "the noise of the samples has standard deviation 1: times h"),
    ("squared noise", _SquaredNoise, "the noise of the samples is scaled by h²: by h"),
    ("root noise", _RootNoise, "the noise of the samples is scaled by √h: by h"),
    ("uniform noise", _UniformNoise, _GAUSSIAN),
    ("positive noise", _PositiveNoise, _GAUSSIAN),
    ("off centre", _OffCentre, "the noise of the samples must have mean 0"),
    ("shared noise", _SharedNoise, "all samples of a call have the same noise: draw it for each"),
    ("one noise", _OneNoise, "the noise must be drawn for each coordinate by itself"),
    ("one for all", _OneForAll, "all samples of a call lie at one point: draw one for each sample"),
    ("never the last", _NeverTheLast, "the last of the points is never drawn"),
    ("rounded", _Rounded, "each of the points that are kept must be as likely"),
    ("in order", _InOrder, "the points are taken in an order: draw one for each sample anew"),
    ("shuffled", _Shuffled, "sample(1) prefers some of the points: draw one anew in each call"),
    ("once", _Once, "each point is drawn at most once: draw with repetition, torch.randint"),
    (
        "around the mean",
        _AroundTheMean,
        "samples lie between the points that are kept: around one of them each",
    ),
)
