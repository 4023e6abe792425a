"""The racers of `benchmarks.diffusion`: velocities that carry noise (t = 1) to data (t = 0)."""

from __future__ import annotations

import importlib
import math
from functools import partial
from types import ModuleType

import torch
from torch import Tensor, nn

from dgm_lib import objectives, paths
from dgm_lib.models.diffusion import Denoiser, v, velocity
from dgm_lib.nets import MLP
from dgm_lib.samplers import ode
from dgm_lib.targets import GaussianMixture
from dgm_lib.training import cosine

TOLERANCE = 1e-4  # of the adaptive solver: relative, and absolute in the units of the model
CHUNK = 5000  # points that are carried at once: what the cache can hold


class Carrier:
    """A velocity and the law that it makes of N(0, I) at t = 1, in the units (x - mean) / scale."""

    mean: Tensor | float = 0.0
    scale: Tensor | float = 1.0

    def velocity(self, x: Tensor, t: Tensor) -> Tensor:
        """dx/dt at (x, t), `(n, d), (n, 1) -> (n, d)`."""
        raise NotImplementedError

    def flow(self, tolerance: float = TOLERANCE) -> ode.Flow:
        """The law in these units, by the probability-flow ODE with the exact divergence."""
        solver = partial(ode.adaptive, rtol=tolerance, atol=tolerance)
        return ode.Flow(self.velocity, GaussianMixture([[0.0, 0.0]]), [0, 1], solver=solver)

    def likelihood(self, x: Tensor, tolerance: float = TOLERANCE) -> Tensor:
        """log q(x), `(n, d) -> (n,)`."""
        q, z = self.flow(tolerance), (x - self.mean) / self.scale
        log_q = torch.cat([q.log_prob(part) for part in z.split(CHUNK)])
        return log_q - x.shape[-1] * torch.as_tensor(self.scale).log()


class Carried(Carrier):
    """A velocity in training as a racer; `net` is what is trained."""

    def __init__(
        self, net: nn.Module, lr: float, betas: tuple[float, float] = (0.9, 0.999)
    ) -> None:
        self.net, self.lr, self.done = net, lr, 0.0
        self.optimizer = torch.optim.Adam(net.parameters(), lr=lr, betas=betas, fused=True)

    def loss(self, x: Tensor) -> Tensor:
        """What a step makes smaller, of a batch of data `(n, d)`."""
        raise NotImplementedError

    def rate(self) -> float:
        """The learning rate now: half a cosine, down to 0."""
        return self.lr * cosine(self.done)

    def progress(self, done: float) -> None:
        """The share of the budget that is spent, for the schedule."""
        self.done = done

    def step(self, x: Tensor) -> None:
        """One step of Adam."""
        self.optimizer.param_groups[0]["lr"] = self.rate()
        self.loss(x).backward()
        self.optimizer.step()
        self.optimizer.zero_grad()

    def log_prob(self, x: Tensor) -> Tensor:
        """log q(x), `(n, d) -> (n,)`; NaN once training has ended so."""
        return self.likelihood(x) if self.finite() else torch.full_like(x[:, 0], math.nan)

    def sample(self, n: int) -> Tensor:
        """n draws, `(n, d)`."""
        if not self.finite():
            return torch.full((n, 2), math.nan)
        z = torch.cat([self.flow().sample((len(part),)) for part in torch.arange(n).split(CHUNK)])
        return self.mean + self.scale * z

    def finite(self) -> bool:
        """Whether all weights are numbers."""
        return all(p.isfinite().all() for p in self.net.parameters())


# --------------------------------------------------------------------------- ours


class Diffusion(Carried):
    """Our best: `Denoiser` of v on the cosine path of standardised data, with pooled targets.

    Pooled are x_0 and ε: their means given x_t and the batch, `objectives.pooled`, which takes
    most of the noise out of the gradient. So half of the batch is noised, for twice the steps, and
    all of it counts. Where t is small the likelihood is decided: there are more of the times,
    squares of uniform ones, and there the network need not learn the noise itself, see `Net`.
    Tried with seeds 100 or 101, first without the waves of `Net`: widths 64 and 128, 3 and 4
    layers, 1e-2 and 2e-2, Adam and Muon, uniform times and squares, `smooth` from 0.05 to 0.2; the
    whole batch, a half and a quarter. Then with them: up to 4, 6 and 8 of them, not blurred and
    more so, powers 1, 1.5 and 2 of the times, and 2e-2, better at 10 CPU-s and worse at 30.
    """

    def __init__(self, seed: int) -> None:
        model = Denoiser(paths.cosine(), net=Net((64, 64, 64, 64)), predicts=v)
        super().__init__(model, lr=1e-2, betas=(0.9, 0.99))

    def velocity(self, x: Tensor, t: Tensor) -> Tensor:
        return self.net.velocity(x, t)

    def loss(self, x: Tensor) -> Tensor:
        if isinstance(self.mean, float):
            self.mean = x.mean(dim=0)
            self.scale = (x - self.mean).square().mean().sqrt()
        path, x0 = self.net.path, (x - self.mean) / self.scale
        (low, high), u = path.span, torch.linspace(0, 1, len(x) // 2, device=x.device)
        at = objectives.noised(path, x0[: len(u)], times=low + (high - low) * u**2)
        mean, eps = objectives.pooled(path, x0, at)
        return (self.net(at.x_t, at.t) - path.v(mean, at.t, eps)).square().mean()


class Net(nn.Module):
    """A perceptron of a point, waves and three features of time, times sigma / √(sigma² + smooth²).

    v has no mean where there is no noise, and it grows with the noise until that is as wide as
    the finest detail of the data, about `smooth`: the perceptron is left with what is smooth. It
    sees points pulled into a square of half-width `reach`, hardly so where the data are: what it
    says far out stays bounded, and the flow carries no point of the tails off to infinity.

    The waves are the sines and cosines of k x_i for k = 1 ... `finest`. Noise blurs a wave in the
    law to exp(-k² sigma² / 2) of its height, and so it is shown: fine detail is at hand where the
    noise leaves some, and does not roughen v where it leaves none. Tancik et al., "Fourier
    features let networks learn high frequency functions" (2020); blurred: Barron et al. (2021).
    """

    def __init__(
        self, hidden: tuple[int, ...], smooth: float = 0.1, reach: float = 4.0, finest: int = 6
    ) -> None:
        super().__init__()
        self.mlp, self.smooth, self.reach = MLP(5 + 4 * finest, 2, hidden), smooth, reach
        self.register_buffer("k", torch.arange(1.0, finest + 1))

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        sigma = (math.pi / 2 * t).sin()
        blurred = (sigma**2 + self.smooth**2).sqrt()
        near = x / (1 + (x / self.reach) ** 2).sqrt()
        when = [2 * t - 1, 2 * sigma - 1, 0.6 + 0.7 * blurred.log()]
        features = torch.cat([near, *when, *self.waves(near, sigma)], dim=-1)
        return sigma / blurred * self.mlp(features)

    def waves(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        """What the noise leaves of the sines and of the cosines, each `(n, 2 finest)`."""
        left = (-(self.k * sigma).square() / 2).exp().repeat(1, 2)
        angles = (x[..., None] * self.k).flatten(-2)
        return left * angles.sin(), left * angles.cos()


class Plain(Carried):
    """`Denoiser` of the velocity on straight paths as it comes, trained by `flow_matching`."""

    def __init__(self, seed: int) -> None:
        super().__init__(Denoiser(paths.straight(), predicts=velocity), lr=3e-3)

    def velocity(self, x: Tensor, t: Tensor) -> Tensor:
        return self.net.velocity(x, t)

    def loss(self, x: Tensor) -> Tensor:
        return objectives.flow_matching(self.net, x)


# --------------------------------------------------------------------------- the peers


def peer(name: str) -> ModuleType:
    """A peer's module, or how to get it."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(
            f"{name} cannot be imported ({error}): "
            "pip install --no-deps torchcfm flow_matching pot torchdiffeq"
        ) from error


class Regression(Carried):
    """A perceptron of (x, 1 - t), which is the peers' time, on the velocities of a peer's path."""

    def __init__(self, hidden: tuple[int, ...], lr: float, activation=nn.SiLU) -> None:
        super().__init__(MLP(3, 2, hidden, activation), lr)

    def velocity(self, x: Tensor, t: Tensor) -> Tensor:
        return -self.net(torch.cat([x, 1 - t], dim=-1))

    def matched(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Where and when to ask `(n, d)`, `(n,)`, and what to answer `(n, d)`."""
        raise NotImplementedError

    def loss(self, x: Tensor) -> Tensor:
        x_t, t, u = self.matched(x)
        return (self.net(torch.cat([x_t, t[:, None]], dim=-1)) - u).square().mean()


class FlowMatching(Regression):
    """flow_matching's 2-D example, with a perceptron (64, 64, 64, 64), 1e-2 and a cosine.

    Its own 512 are for batches of 4096 on a GPU. 64 were better than 128 at 10 CPU-s on both
    targets (seed 100), and 1e-2 than 2e-2 on ring and on the mean of the logarithms; for 128,
    1e-2 than 3e-3.
    """

    def __init__(self, seed: int) -> None:
        super().__init__((64, 64, 64, 64), lr=1e-2)
        scheduler = peer("flow_matching.path.scheduler").CondOTScheduler()
        self.path = peer("flow_matching.path").AffineProbPath(scheduler=scheduler)

    def matched(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        t = torch.rand(len(x), device=x.device)
        at = self.path.sample(t=t, x_0=torch.randn_like(x), x_1=x)
        return at.x_t, at.t, at.dx_t


class FlowMatchingRecipe(FlowMatching):
    """flow_matching's 2-D example as it is: (512, 512, 512, 512), 1e-3, but on our batches."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        Carried.__init__(self, MLP(3, 2, (512, 512, 512, 512)), lr=1e-3)

    def rate(self) -> float:
        return self.lr


class Torchcfm(Regression):
    """torchcfm's 2-D example without its σ = 0.1, which blurs the data; 1e-2 and a cosine.

    At 10 CPU-s (seed 100) 1e-2 was better than 3e-3 on ring, and not on checkerboard.
    """

    sigma, first = 0.0, 1e-2

    def __init__(self, seed: int) -> None:
        super().__init__((64, 64, 64), self.first, nn.SELU)
        matching = peer("torchcfm.conditional_flow_matching")
        self.matcher = matching.ConditionalFlowMatcher(sigma=self.sigma)

    def matched(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        t, x_t, u = self.matcher.sample_location_and_conditional_flow(torch.randn_like(x), x)
        return x_t, t, u


class TorchcfmRecipe(Torchcfm):
    """torchcfm's 2-D example as it is: (64, 64, 64) of SELU, 1e-3, σ = 0.1, but on our batches."""

    sigma, first = 0.1, 1e-3

    def rate(self) -> float:
        return self.lr
