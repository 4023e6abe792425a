"""Families that say how likely a point is: a mixture, and flows."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from dgm_lib import objectives
from dgm_lib.arena.families.trained import Trained, WithDensity, seeded
from dgm_lib.exercises.flows.coupling import AffineCoupling
from dgm_lib.exercises.variational_inference.em_step import em_step as course_em_step
from dgm_lib.models import flow
from dgm_lib.models.vae import MixtureOfGaussians
from dgm_lib.nets import MLP

Loss = Callable[[nn.Module, Tensor], Tensor]


class Mixture(WithDensity):
    """Gaussians (mu_k, sigma_k² I), moved by one step of EM on the latest data for each batch."""

    components, latest = 32, 8192
    narrowest = 0.01  # of a sigma, in these units: one that closes on a point would end at 0

    def __init__(self, em_step: Callable) -> None:
        super().__init__()
        self.em_step = em_step
        self.data = torch.empty(0, 2, dtype=torch.float64)
        self.law = MixtureOfGaussians([1.0], [[0.0, 0.0]], 1.0)

    def learn(self, x: Tensor) -> None:
        """A step of EM, from a start by k-means++ on the first batch."""
        if not len(self.data):
            self.law = MixtureOfGaussians.start(x, self.components)
        self.data = torch.cat([self.data, x.cpu().double()])[-self.latest :]
        weights, means, sigma = self.em_step(self.data, *self.learned)
        self.law = MixtureOfGaussians(weights, means, sigma.clamp(min=self.narrowest))

    def density(self, x: Tensor) -> Tensor:
        """log q(x)."""
        return self.law.log_prob(x)

    def draw(self, n: int) -> Tensor:
        """n draws of the mixture."""
        return self.law.sample((n,)).to(self.mean)

    @property
    def parameters(self) -> int:
        """The weights, which sum to 1, the means and the sigmas."""
        return sum(p.numel() for p in self.learned) - 1

    @property
    def learned(self) -> tuple[Tensor, ...]:
        """Weights, means and sigmas."""
        return self.law.weights, self.law.means, self.law.sigma

    def finite(self) -> bool:
        """Whether all of them are numbers."""
        return all(p.isfinite().all() for p in self.learned)


class Flow(Trained, WithDensity):
    """A flow, by maximum likelihood."""

    def density(self, x: Tensor) -> Tensor:
        """log q(x)."""
        return self.model.log_prob(x)


class Steering(MLP):
    """A perceptron whose first half of outputs, log-scales, stays within ±2, however far x is."""

    def forward(self, x: Tensor) -> Tensor:
        s, t = super().forward(x).chunk(2, dim=-1)
        return torch.cat([2 * (s / 2).tanh(), t], dim=-1)


@seeded
def mixture(seed: int, em_step: Callable = course_em_step) -> Mixture:
    """32 Gaussians by EM on the latest 8,192 points: the yardstick, no network at all."""
    return Mixture(em_step)


@seeded
def spline_flow(seed: int, loss: Loss = objectives.nll) -> Flow:
    """3 couplings by rational-quadratic splines of 24 bins, the flow of lecture 05a."""
    return Flow(flow.spline(2), loss, lr=1e-2)


@seeded
def coupling_flow(seed: int, layer: Callable = AffineCoupling, loss: Loss = objectives.nll) -> Flow:
    """8 affine couplings of perceptrons (32, 32): RealNVP, with `layer(net, mask)` for each."""
    masks = torch.tensor([[True, False], [False, True]])
    layers = [layer(Steering(2, 4, (32, 32)), masks[k % 2]) for k in range(8)]
    return Flow(flow.Flow(flow.StandardNormal(2), layers), loss, lr=3e-3)


@seeded
def autoregressive_flow(seed: int, loss: Loss = objectives.nll) -> Flow:
    """2 autoregressive layers of splines of 16 bins: quick to score, d passes to sample."""
    orders = torch.tensor([[0, 1], [1, 0]])
    layers = [flow.Autoregressive(2, flow.Spline(16, 4.0), order) for order in orders]
    return Flow(flow.Flow(flow.StandardNormal(2), layers), loss, lr=1e-2)
