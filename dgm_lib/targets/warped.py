"""Gaussians pushed through a smooth map of unit Jacobian or of one axis: still exact."""

from __future__ import annotations

import math

import torch
from scipy.optimize import brentq
from scipy.special import ndtr
from torch import Tensor

from dgm_lib.targets import arguments
from dgm_lib.targets.entropy import WINDOW, Entropy, quadrature, windows
from dgm_lib.targets.mixture import TAIL
from dgm_lib.targets.target import Target

_MOST_SLENDER = 25  # an arm whose lattice is of a reasonable size
_LOG_2PI = math.log(2 * math.pi)


class Pinwheel(Target):
    """Gaussian arms around 0, twisted: x = R(theta(|u|)) u; the label is the arm.

    Arm k of u is a Gaussian at distance `radius` in the direction 2 pi k / arms, with standard
    deviation `length` along that direction and `scale` across. The angle theta = twist (1 +
    |u|^2)^(1/2) depends on |u| alone, which |x| = |u| keeps: each circle turns as a whole. So the
    map preserves area, its inverse is the opposite turn, and p(x) = p_u(R(-theta(|x|)) x) with no
    Jacobian term. After Johnson et al., "Composing graphical models with neural networks" (2016).
    """

    def __init__(
        self,
        arms: int = 5,
        radius: float = 1.8,
        length: float = 0.45,
        scale: float = 0.15,
        twist: float = 0.7,
    ) -> None:
        self.arms = arguments.whole("arms", arms)
        self.radius = arguments.positive("radius", radius)
        self.length = arguments.positive("length", length)
        self.scale = arguments.positive("scale", scale)
        self.twist = arguments.finite("twist", twist)
        labels = torch.arange(self.arms)
        angle = 2 * math.pi * labels.double() / self.arms
        weights = torch.full((self.arms,), 1 / self.arms, dtype=torch.float64)
        super().__init__(2, weights, labels, cos=angle.cos(), sin=angle.sin())
        settings = ("arms", "radius", "length", "scale", "twist")
        self.named("pinwheel", **{name: getattr(self, name) for name in settings})

    def _component_log_prob(self, x: Tensor) -> Tensor:
        return self._arms_log_prob(_turned(x, -self.twist))

    def _arms_log_prob(self, u: Tensor) -> Tensor:
        """log p_k(u) of all arms before the twist."""
        p = self._at(u)
        u1, u2 = u[..., :1], u[..., 1:]
        along = (u1 * p.cos + u2 * p.sin - self.radius) / self.length
        across = (u2 * p.cos - u1 * p.sin) / self.scale
        return -0.5 * (along**2 + across**2) - math.log(self.length * self.scale) - _LOG_2PI

    def _component_sample(
        self, component: Tensor, like: Tensor, generator: torch.Generator | None
    ) -> Tensor:
        p = self._at(like)
        cos, sin = p.cos[component], p.sin[component]
        along = self.radius + self.length * _randn(len(component), like, generator)
        across = self.scale * _randn(len(component), like, generator)
        u = torch.stack([along * cos - across * sin, along * sin + across * cos], dim=-1)
        return _turned(u, self.twist)

    def _box(self) -> Tensor:
        # The noise has a norm below 4.9 max(length, scale) but for a mass of exp(-4.9^2 / 2).
        reach = self.radius + 4.9 * max(self.length, self.scale)
        return torch.tensor([[-reach, reach]] * 2, dtype=torch.float64)

    def _entropy(self) -> Entropy:
        """The twist preserves area, hence the entropy: integrate before it, where all is smooth."""
        fine, coarse = sorted([self.length, self.scale])
        if coarse / fine > _MOST_SLENDER:
            return super()._entropy()
        p, spacing = self._parameters, fine / 3
        arms = self.radius * torch.stack([p["cos"], p["sin"]], dim=-1)
        lattice = windows(arms, torch.full((self.arms,), WINDOW * coarse), spacing)
        log_weight = -math.log(self.arms)
        return quadrature(
            lambda u: self._arms_log_prob(u).logsumexp(dim=-1) + log_weight, lattice, spacing
        )

    def _starts(self) -> tuple[Tensor, float]:
        p = self._parameters
        arms = self.radius * torch.stack([p["cos"], p["sin"]], dim=-1)
        reach = min(self.length, self.scale)
        # The arms may meet in a mode at 0. From 0 itself no climb would ever leave, as by symmetry
        # the score is 0 there even where p has a minimum.
        near_0 = torch.full((1, 2), 0.1 * reach, dtype=torch.float64)
        return torch.cat([_turned(arms, self.twist), near_0]), reach

    def _mean(self) -> Tensor:
        if self.arms == 1:
            return super()._mean()
        return torch.zeros(2, dtype=torch.float64)  # a turn by 2 pi / arms changes nothing

    def _covariance(self) -> Tensor:
        if self.arms < 3:
            return super()._covariance()
        # From three arms on that symmetry leaves only a multiple of I, and |x|^2 = |u|^2.
        square = self.radius**2 + self.length**2 + self.scale**2
        return square / 2 * torch.eye(2, dtype=torch.float64)


class Banana(Target):
    """x1 ~ N(0, scale^2) and x2 | x1 ~ N(curvature (x1^2 - scale^2), 1): a bent Gaussian.

    Its entropy is that of the Gaussian before bending, log(2 pi e scale). Haario et al., "Adaptive
    proposal distribution for random walk Metropolis algorithm" (1999).
    """

    def __init__(self, curvature: float = 0.4, scale: float = 1.5) -> None:
        self.curvature = arguments.finite("curvature", curvature)
        self.scale = arguments.positive("scale", scale)
        super().__init__(2, torch.ones(1, dtype=torch.float64), None)
        self.named("banana", curvature=self.curvature, scale=self.scale)

    def _bend(self, x1: Tensor) -> Tensor:
        return self.curvature * (x1.square() - self.scale**2)

    def _component_log_prob(self, x: Tensor) -> Tensor:
        x1, x2 = x[..., :1], x[..., 1:]
        squares = (x1 / self.scale).square() + (x2 - self._bend(x1)).square()
        return -0.5 * squares - math.log(self.scale) - _LOG_2PI

    def score(self, x: Tensor, label: int | Tensor | None = None) -> Tensor:
        """The score in closed form: with g = x2 - bend(x1), (2 c x1 g - x1 / scale^2, -g)."""
        x, _ = self._matched(x, label)
        x1, x2 = x.unbind(dim=-1)
        gap = x2 - self._bend(x1)
        pull = x1 * (2 * self.curvature * gap - self.scale**-2)
        return torch.stack([pull, -gap], dim=-1)

    def _component_sample(
        self, component: Tensor, like: Tensor, generator: torch.Generator | None
    ) -> Tensor:
        x1 = self.scale * _randn(len(component), like, generator)
        x2 = self._bend(x1) + _randn(len(component), like, generator)
        return torch.stack([x1, x2], dim=-1)

    def _box(self) -> Tensor:
        reach = TAIL * self.scale
        bend = self._bend(torch.tensor([0.0, reach], dtype=torch.float64))
        x2 = torch.stack([bend.min() - TAIL, bend.max() + TAIL])
        return torch.stack([torch.tensor([-reach, reach], dtype=torch.float64), x2])

    def _entropy(self) -> Entropy:
        return Entropy(1 + _LOG_2PI + math.log(self.scale), how="closed form")

    def _modes(self) -> Tensor:
        return torch.tensor([[0.0, -self.curvature * self.scale**2]], dtype=torch.float64)

    def _mean(self) -> Tensor:
        return torch.zeros(2, dtype=torch.float64)

    def _covariance(self) -> Tensor:
        variance_2 = 1 + 2 * self.curvature**2 * self.scale**4
        return torch.tensor([self.scale**2, variance_2], dtype=torch.float64).diag()


class Funnel(Target):
    """v = x1 ~ N(0, scale^2) and the other d - 1 coordinates ~ N(0, e^v), independent given v.

    With scale 3 it is Neal's, whose neck is too narrow for any one step size. Neal, "Slice
    sampling" (2003), section 8.
    """

    def __init__(self, scale: float = 1.0, d: int = 2) -> None:
        self.scale, d = arguments.positive("scale", scale), arguments.whole("d", d, at_least=2)
        super().__init__(d, torch.ones(1, dtype=torch.float64), None)
        self.named("funnel", scale=self.scale, d=d)

    def _component_log_prob(self, x: Tensor) -> Tensor:
        v, rest = x[..., :1], x[..., 1:]
        # e^-v leaves the range of floats long before v does; there p is 0 but for rest = 0.
        narrow = v.clamp(min=-0.5 * math.log(torch.finfo(x.dtype).max))
        squares = (v / self.scale).square() + (rest.square() * (-narrow).exp()).sum(-1, True)
        return -0.5 * (squares + (self.d - 1) * v + self.d * _LOG_2PI) - math.log(self.scale)

    def _component_sample(
        self, component: Tensor, like: Tensor, generator: torch.Generator | None
    ) -> Tensor:
        v = self.scale * _randn(len(component), like, generator)[:, None]
        shape = (len(component), self.d - 1)
        noise = torch.randn(shape, generator=generator, dtype=like.dtype, device=like.device)
        return torch.cat([v, (0.5 * v).exp() * noise], dim=-1)

    def _box(self) -> Tensor:
        z = torch.linspace(-9, 9, 2001, dtype=torch.float64).numpy()
        weights = torch.tensor(z).square().mul(-0.5).softmax(dim=0).numpy()

        def excess(log_reach: float) -> float:
            """How much more than 5e-6 of the mass has some |x_i| above the reach, at most."""
            standard = math.e ** (log_reach - 0.5 * self.scale * z).clip(max=700)
            return 2 * (self.d - 1) * float(weights @ ndtr(-standard)) - 5e-6

        reach = math.exp(brentq(excess, 0, 10 + 5 * self.scale))
        rows = [[-TAIL * self.scale, TAIL * self.scale]] + [[-reach, reach]] * (self.d - 1)
        return torch.tensor(rows, dtype=torch.float64)

    def _entropy(self) -> Entropy:
        # E[v] = 0, so the varying widths of the other axes cancel on average.
        return Entropy(self.d / 2 * (1 + _LOG_2PI) + math.log(self.scale), how="closed form")

    def _modes(self) -> Tensor:
        mode = torch.zeros(1, self.d, dtype=torch.float64)
        mode[0, 0] = -0.5 * (self.d - 1) * self.scale**2
        return mode

    def _mean(self) -> Tensor:
        return torch.zeros(self.d, dtype=torch.float64)

    def _covariance(self) -> Tensor:
        variances = torch.full((self.d,), math.exp(0.5 * self.scale**2), dtype=torch.float64)
        variances[0] = self.scale**2
        return variances.diag()


def _turned(x: Tensor, twist: float) -> Tensor:
    """Every point of x (*batch, 2) turned about 0 by the angle twist (1 + |x|^2)^(1/2)."""
    angle = twist * (1 + x.square().sum(dim=-1)).sqrt()
    cos, sin = angle.cos(), angle.sin()
    x1, x2 = x.unbind(dim=-1)
    return torch.stack([cos * x1 - sin * x2, sin * x1 + cos * x2], dim=-1)


def _randn(n: int, like: Tensor, generator: torch.Generator | None) -> Tensor:
    return torch.randn(n, generator=generator, dtype=like.dtype, device=like.device)
