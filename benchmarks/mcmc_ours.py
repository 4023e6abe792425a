"""The samplers of `dgm_lib.samplers.mcmc` as racers of `benchmarks.mcmc`.

Their log-densities and scores are written out, as the peers' are, in a few large operations.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from benchmarks.mcmc_lanes import Unfit, block, setting
from dgm_lib.samplers import mcmc
from dgm_lib.targets import GaussianMixture, Target, banana

Function = Callable[[Tensor], Tensor]

LEAST = -80.0  # e^-80 is nothing beside 1; further down are the denormals, 20 times slower


class Law(NamedTuple):
    """log p(x), `(*chains, 2) -> (*chains,)`, and its score, `(*chains, 2) -> (*chains, 2)`."""

    log_prob: Function
    score: Function


def law(target: Target) -> Law:
    """The target's law, in operations that take all chains at once.

    x1 and x2 are kept apart, by columns: where the two alternate, each operation takes longer.
    """
    if isinstance(target, banana):
        return bent(target.curvature, target.scale)
    if isinstance(target, GaussianMixture) and target.mode_scale is not None:
        return mixed(target.to(dtype=torch.float32), target.mode_scale**-2)
    raise Unfit(f"there is no log-density here for {target!r}")


def bent(curvature: float, scale: float) -> Law:
    """x1 ~ N(0, scale²), x2 | x1 ~ N(curvature (x1² - scale²), 1)."""
    log_norm = -math.log(2 * math.pi * scale)

    def log_prob(x: Tensor) -> Tensor:
        x1, x2 = x.unbind(dim=-1)
        square = x1 * x1
        gap = x2 - curvature * (square - scale**2)
        return log_norm - 0.5 * (square / scale**2 + gap * gap)

    def score(x: Tensor) -> Tensor:
        x1, x2 = x.unbind(dim=-1)
        gap = curvature * (x1 * x1 - scale**2) - x2
        return torch.stack([x1 * (-2 * curvature * gap - 1 / scale**2), gap], dim=-2).mT

    return Law(log_prob, score)


def mixed(target: GaussianMixture, precision: float) -> Law:
    """Σ_k w_k N(x; mu_k, I / precision): logits mu_k · x precision + const, but for |x|²."""
    pulls = precision * target.means
    constants = target.weights.log() - pulls.square().sum(dim=-1) / (2 * precision)
    constants = (constants + math.log(precision / (2 * math.pi)))[:, None]

    def shares(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        logits = pulls @ x.mT + constants
        top = logits.amax(dim=-2, keepdim=True)
        shares = (logits - top).clamp(min=LEAST).exp()
        return shares, shares.sum(dim=-2, keepdim=True), top

    def log_prob(x: Tensor) -> Tensor:
        _, total, top = shares(x)
        return (total.log() + top).squeeze(-2) - 0.5 * precision * x.square().sum(dim=-1)

    def score(x: Tensor) -> Tensor:
        share, total, _ = shares(x)
        return (pulls.T @ share / total).mT - precision * x

    return Law(log_prob, score)


class Ours:
    """Chains of one of our kernels; `thin` steps make a draw."""

    def __init__(
        self, kernel: mcmc.Kernel, x: Tensor, seed: int, thin: int = 1, most: int = 500
    ) -> None:
        by_columns = x.mT.contiguous().mT
        self.states = mcmc.chain(kernel, by_columns, torch.Generator(x.device).manual_seed(seed))
        self.n, self.thin = block(x.shape[-2], most), thin

    def draw(self) -> Tensor:
        """The next draws, `(n, chains, d)`."""
        states = itertools.islice(self.states, self.thin - 1, self.n * self.thin, self.thin)
        return torch.stack([self.of(state).mT for state in states]).mT

    def of(self, state: mcmc.State) -> Tensor:
        """The draw in a state, `(chains, d)`."""
        return state.x


class Tempered(Ours):
    """The levels start where the chains do, each of them in another order."""

    def __init__(self, kernel: mcmc.Tempering, levels: int, x: Tensor, seed: int) -> None:
        x = torch.stack([x.roll(k, dims=0) for k in range(levels)])
        super().__init__(kernel, x, seed, thin=5, most=100)

    def of(self, state: mcmc.State) -> Tensor:
        """The draw in a state, `(chains, d)`: that of the cold level."""
        return state.x[0]


class Normal:
    """N(0, scale² I) as a reference, by columns and without its normaliser."""

    def __init__(self, scale: float) -> None:
        self.scale = scale

    def log_prob(self, x: Tensor) -> Tensor:
        """log q(x) + const, `(*batch, 2) -> (*batch,)`."""
        return x.square().sum(dim=-1) / (-2 * self.scale**2)

    def sample(self, shape: tuple[int, ...], generator: torch.Generator | None = None) -> Tensor:
        """Draws, `(*shape, 2)`."""
        *before, chains = shape
        return (self.scale * torch.randn(*before, 2, chains, generator=generator)).mT


def compiled(function: Callable) -> Callable:
    """The function, compiled for the one shape that it will meet."""
    # One for each number of chains and target; beyond the limit it would silently not be compiled.
    torch._dynamo.config.recompile_limit = 1000
    return torch.compile(function, dynamic=False)


# --------------------------------------------------------------------------- one temperature


def hmc(target: Target, x: Tensor, seed: int) -> Ours:
    """`mcmc.hmc` with the score written out."""
    step, n = setting(target, banana=(0.3, 20), ring=(0.35, 6))
    return Ours(mcmc.hmc(law(target).log_prob, step, n, law(target).score), x, seed)


def hmc_gallery(target: Target, x: Tensor, seed: int) -> Ours:
    """`mcmc.hmc` with the target's own `log_prob` and `score`, as in the lecture."""
    step, n = setting(target, banana=(0.3, 20), ring=(0.35, 6))
    return Ours(mcmc.hmc(target.log_prob, step, n, target.score), x, seed)


def hmc_compiled(target: Target, x: Tensor, seed: int) -> Ours:
    """`mcmc.hmc` with its leapfrog compiled by `torch.compile`."""
    step, n = setting(target, banana=(0.3, 20), ring=(0.35, 6))
    log_prob, score = law(target)
    way = compiled(lambda x, v: mcmc.leapfrog(x, v, score, step, n))

    def leapfrog(x: Tensor, v: Tensor, *same: object) -> tuple[Tensor, Tensor]:
        return way(x, v)

    return Ours(mcmc.hmc(log_prob, step, n, score, leapfrog), x, seed)


def nuts(target: Target, x: Tensor, seed: int) -> Ours:
    """`mcmc.nuts` with the score written out: a step lasts as long as its longest tree."""
    step = setting(target, banana=0.4, ring=0.25)
    kernel = mcmc.nuts(law(target).log_prob, step, score=law(target).score)
    return Ours(kernel, x, seed, most=50)


def mala(target: Target, x: Tensor, seed: int) -> Ours:
    """`mcmc.mala` with the score written out."""
    h = setting(target, banana=0.15, ring=0.03)
    return Ours(mcmc.mala(law(target).log_prob, h, law(target).score), x, seed, thin=5)


def random_walk(target: Target, x: Tensor, seed: int) -> Ours:
    """`mcmc.random_walk`; on the ring its steps are as long as the radius. Every 10th is a draw."""
    step = setting(target, banana=1.8, ring=2.0)
    return Ours(mcmc.random_walk(law(target).log_prob, step), x, seed, thin=10)


def independence(target: Target, x: Tensor, seed: int) -> Ours:
    """`mcmc.independence` with N(0, 1.43² I), the moments of the ring; every 5th is a draw."""
    scale = setting(target, ring=1.43)
    return Ours(mcmc.independence(law(target).log_prob, Normal(scale)), x, seed, thin=5)


# --------------------------------------------------------------------------- tempering


def tempering(target: Target, x: Tensor, seed: int) -> Tempered:
    """`mcmc.tempering` of random walks over two levels, p and p^0.2; each 5th x is a draw."""
    betas, step = setting(target, ring=((1.0, 0.2), 2.0))
    return _tempered(law(target).log_prob, betas, step, None, x, seed)


def tempering_reference(target: Target, x: Tensor, seed: int) -> Tempered:
    """`mcmc.tempering` of p and exact draws of N(0, 1.43² I), which has the ring's moments."""
    betas, step = setting(target, ring=((1.0, 0.0), 2.0))
    return _tempered(law(target).log_prob, betas, step, Normal(1.43), x, seed)


def tempering_reference_compiled(target: Target, x: Tensor, seed: int) -> Tempered:
    """The same with log p compiled by `torch.compile`."""
    betas, step = setting(target, ring=((1.0, 0.0), 2.0))
    return _tempered(compiled(law(target).log_prob), betas, step, Normal(1.43), x, seed)


def _tempered(
    log_prob: Function,
    betas: tuple[float, ...],
    step: float,
    reference: Normal | None,
    x: Tensor,
    seed: int,
) -> Tempered:
    def make(log_prob: Function) -> mcmc.Kernel:
        return mcmc.random_walk(log_prob, step)

    kernel = mcmc.tempering(make, log_prob, betas, reference=reference)
    return Tempered(kernel, len(betas), x, seed)
