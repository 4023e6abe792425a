"""Families that carry noise to data in many small steps: diffusion and flow matching."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor

from dgm_lib import objectives, paths
from dgm_lib.arena.families.trained import Trained, WithDensity, seeded
from dgm_lib.exercises.diffusion.ddim_step import ddim_step as course_ddim_step
from dgm_lib.models.diffusion import Denoiser, v, velocity
from dgm_lib.nets import TimeMLP
from dgm_lib.samplers import ode
from dgm_lib.targets import GaussianMixture

EVALUATIONS = 64  # of the network, for a sample
HIDDEN = (96, 96, 96)


class Carrier(Trained, WithDensity):
    """A velocity from noise at t = 1 to data at t = 0; its law is that of the flow along it."""

    likelihood = "by ODE"

    def density(self, x: Tensor) -> Tensor:
        """log q(x) by the probability-flow ODE with the exact divergence."""
        solver = partial(ode.adaptive, rtol=1e-4, atol=1e-4)
        noise, (low, high) = GaussianMixture([[0.0, 0.0]]), self.model.path.span
        return ode.Flow(self.model.velocity, noise, [low, high], solver=solver).log_prob(x)

    def noise(self, n: int) -> Tensor:
        """Where samples start."""
        return torch.randn(n, 2).to(self.mean)

    def times(self, steps: int) -> Tensor:
        """From noise to data, `(steps + 1,)`."""
        low, high = self.model.path.span
        return torch.linspace(high, low, steps + 1)


class Diffusion(Carrier):
    """v on the cosine path, sampled by DDIM.

    At half the rate some runs on the ring are still without its modes after ten seconds.
    """

    def __init__(self, ddim_step: Callable) -> None:
        model = Denoiser(paths.cosine(), TimeMLP(2, 2, HIDDEN), predicts=v)
        super().__init__(model, objectives.v_matching, lr=1e-2)
        self.ddim_step = ddim_step

    def draw(self, n: int) -> Tensor:
        """n draws by DDIM."""
        x, path = self.noise(n), self.model.path
        for t, s in pairwise(self.times(EVALUATIONS).to(x)[:, None, None]):
            alpha_bars = ((path.alpha(time) ** 2).expand(n, 1) for time in (t, s))
            x = self.ddim_step(x, self.model.eps(x, t), *alpha_bars)
        return x


class Matching(Carrier):
    """The velocity on straight paths, sampled by Heun's method."""

    def __init__(self) -> None:
        model = Denoiser(paths.straight(), TimeMLP(2, 2, HIDDEN), predicts=velocity)
        super().__init__(model, objectives.flow_matching, lr=5e-3)

    def draw(self, n: int) -> Tensor:
        """n draws by Heun's method, of two evaluations for each step."""
        times = self.times(EVALUATIONS // 2).tolist()
        *_, end = ode.solve(self.model.velocity, self.noise(n), times, ode.heun)
        return end.x


@seeded
def diffusion(seed: int, ddim_step: Callable = course_ddim_step) -> Diffusion:
    """A perceptron (96, 96, 96) of (x, t) for v on the cosine path; 64 steps of DDIM."""
    return Diffusion(ddim_step)


@seeded
def flow_matching(seed: int) -> Matching:
    """The same perceptron for the velocity on straight paths; 32 steps of Heun."""
    return Matching()
