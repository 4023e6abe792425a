"""Every kernel leaves its law as it is: chains that start from exact draws stay exact."""

from __future__ import annotations

import math

import pytest
import torch

from dgm_lib.core import generator
from dgm_lib.samplers import mcmc
from dgm_lib.targets import GaussianMixture, banana, two_modes

DOUBLE = torch.float64
SEEDS = range(3)
BANANA = banana().to(dtype=DOUBLE)
MIXTURE = GaussianMixture([[0, 0], [2, 1], [-1, 2]], [0.5, 0.8, 0.6], [0.5, 0.2, 0.3]).to(
    dtype=DOUBLE
)
RHO = 0.8


def banana_log_prob(x: torch.Tensor) -> torch.Tensor:
    """The banana's law without its normaliser."""
    x1, x2 = x.unbind(-1)
    return -(x1**2) / 4.5 - (x2 - 0.4 * (x1**2 - 2.25)) ** 2 / 2


def banana_score(x: torch.Tensor) -> torch.Tensor:
    x1, x2 = x.unbind(-1)
    rest = x2 - 0.4 * (x1**2 - 2.25)
    return torch.stack([0.8 * x1 * rest - x1 / 2.25, -rest], dim=-1)


def shift(x: torch.Tensor, g: torch.Generator) -> torch.Tensor:
    """A proposal that is far from symmetric: it shrinks x2, or stretches it."""
    x = x.clone()
    x[..., 1] *= torch.exp(0.7 * torch.randn(x.shape[:-1], generator=g, dtype=x.dtype) + 0.3)
    x[..., 0] += torch.randn(x.shape[:-1], generator=g, dtype=x.dtype)
    return x


def shift_log_q(to: torch.Tensor, given: torch.Tensor) -> torch.Tensor:
    log_ratio = (to[..., 1] / given[..., 1]).log()
    gap = (to - given)[..., 0]
    return -0.5 * ((log_ratio - 0.3) / 0.7) ** 2 - to[..., 1].abs().log() - 0.5 * gap**2


WIDE = GaussianMixture([[0.3, 1.0]], 2.5).to(dtype=DOUBLE)
KERNELS = {
    "random walk": lambda f, s: mcmc.random_walk(f, 1.3),
    "random walk, a step per chain": lambda f, s: mcmc.random_walk(
        f, torch.linspace(0.1, 4, 20_000, dtype=DOUBLE)
    ),
    "independence": lambda f, s: mcmc.independence(f, WIDE),
    "Metropolis-Hastings": lambda f, s: mcmc.metropolis_hastings(f, shift, shift_log_q),
    "MALA": lambda f, s: mcmc.mala(f, 0.5, s),
    "MALA, autograd": lambda f, s: mcmc.mala(f, 0.5),
    "HMC": lambda f, s: mcmc.hmc(f, 0.7, 4, s),
    "HMC, jittered": lambda f, s: mcmc.hmc(f, 0.7, (1, 6)),
    "NUTS": lambda f, s: mcmc.nuts(f, 0.5, score=s),
    "NUTS, shallow and coarse": lambda f, s: mcmc.nuts(f, 1.1, 2, s),
    "Gibbs by table": lambda f, s: mcmc.gibbs_table(f, [[-9, 9], [-8, 40]], 30),
    "cycle": lambda f, s: mcmc.cycle([mcmc.random_walk(f, 1.0), mcmc.hmc(f, 0.7, 3, s)]),
    "mixture": lambda f, s: mcmc.mixture([mcmc.random_walk(f, 1.0), mcmc.mala(f, 0.3, s)], [1, 2]),
}


def drift(kernel, x: torch.Tensor, log_prob, steps: int, g: torch.Generator) -> torch.Tensor:
    """How far moments and mean log p have moved after some steps, in standard errors."""
    state = kernel.init(x)
    for _ in range(steps):
        state = kernel(state, g)

    def facts(x: torch.Tensor) -> torch.Tensor:
        squares = torch.einsum("...i,...j->...ij", x, x).flatten(-2)
        return torch.cat([x, squares, x.abs(), log_prob(x)[..., None], x[..., :1] ** 3], dim=-1)

    change = facts(state.x) - facts(x)
    moved = (state.x != x).any(dim=-1).double().mean()
    assert moved > 0.5
    return change.mean(dim=0) / change.std(dim=0) * len(x) ** 0.5


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", KERNELS)
def test_the_law_stays(name: str, seed: int) -> None:
    g = generator(seed)
    kernel = KERNELS[name](banana_log_prob, banana_score)
    n, steps = (2_000, 2) if "table" in name else (20_000, 2)
    z = drift(kernel, BANANA.sample((n,), g), BANANA.log_prob, steps, g)
    assert z.abs().max() < 4, z


@pytest.mark.parametrize("name", ["MALA", "HMC", "NUTS", "random walk"])
def test_the_law_stays_where_it_has_valleys(name: str) -> None:
    g = generator(5)
    kernel = KERNELS[name](MIXTURE.log_prob, MIXTURE.score)
    z = drift(kernel, MIXTURE.sample((10_000,), g), MIXTURE.log_prob, 2, g)
    assert z.abs().max() < 4, z


def swapped_log_q(x_new, x, score, h):
    return mcmc.langevin_log_q(x, x_new, score, h)


def no_last_kick(x, v, score, step, n):
    for _ in range(n):
        v = v + step * score(x)
        x = x + step * v
    return x, v


WRONG = {
    "ULA": mcmc.ula(banana_log_prob, 0.1),
    "all accepted": mcmc.random_walk(
        banana_log_prob, 1.0, accept=lambda p, p_new, f, b: torch.ones_like(p)
    ),
    "no way back": mcmc.metropolis_hastings(banana_log_prob, shift),
    "MALA as if symmetric": mcmc.mala(
        banana_log_prob, 0.5, log_q=lambda to, x, s, h: torch.zeros_like(x[..., 0])
    ),
    "MALA, noise of half the variance": mcmc.mala(
        banana_log_prob, 0.5, log_q=lambda to, x, s, h: mcmc.langevin_log_q(to, x, s, h / 2)
    ),
    "Euler's steps": mcmc.hmc(banana_log_prob, 0.7, 4, leapfrog=no_last_kick),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_kernel_is_seen(name: str) -> None:
    g = generator(0)
    z = drift(WRONG[name], BANANA.sample((20_000,), g), BANANA.log_prob, 4, g)
    assert z.abs().max() > 6, z


@pytest.mark.parametrize("seed", SEEDS)
def test_gibbs_with_exact_conditionals(seed: int) -> None:
    covariance = torch.tensor([[1, RHO], [RHO, 1]], dtype=DOUBLE)
    law = torch.distributions.MultivariateNormal(torch.zeros(2, dtype=DOUBLE), covariance)

    def conditional(i: int):
        def draw(x: torch.Tensor, g: torch.Generator) -> torch.Tensor:
            noise = torch.randn(x.shape[:-1], generator=g, dtype=x.dtype)
            x[..., i] = RHO * x[..., 1 - i] + math.sqrt(1 - RHO**2) * noise
            return x

        return draw

    g = generator(seed)
    x = torch.randn(20_000, 2, generator=g, dtype=DOUBLE) @ torch.linalg.cholesky(covariance).T
    kernel = mcmc.gibbs(law.log_prob, [conditional(0), conditional(1)])
    assert drift(kernel, x, law.log_prob, 3, g).abs().max() < 4
    state = kernel(kernel.init(x), g)
    assert torch.equal(state.path[1][:, 1], x[:, 1]) and torch.equal(state.path[2], state.x)
    assert torch.equal(state.path[1][:, 0], state.x[:, 0]) and state.accepted.all()
    # x1 is a chain of its own with autocorrelation rho²
    draws = mcmc.draws(kernel, x, 2, generator=g)[..., 1]
    rho = torch.corrcoef(draws)[0, 1].item()
    assert abs(rho - RHO**2) < 4 * (1 - RHO**4) / len(x) ** 0.5


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("h", "sigma"), [(0.3, 1.0), (0.2, 0.7), (3.0, 2.0)])
def test_ula_has_the_variance_that_theory_gives(h: float, sigma: float, seed: int) -> None:
    """x' = (1 - h/σ²) x + √(2h) ε keeps the variance v = (1 - h/σ²)² v + 2h."""
    g, n = generator(seed), 20_000
    variance = sigma**2 / (1 - h / (2 * sigma**2))
    assert variance == pytest.approx(2 * h / (1 - (1 - h / sigma**2) ** 2))
    x = torch.randn(n, 1, generator=g, dtype=DOUBLE) * sigma
    kernel = mcmc.ula(lambda x: -x.square().sum(-1) / (2 * sigma**2), h)
    last = mcmc.draws(kernel, x, 1, burn_in=60, generator=g)[0]
    stderr = variance * (2 / n) ** 0.5
    assert abs(last.var().item() - variance) < 4 * stderr
    assert abs(last.var().item() - sigma**2) > 4 * stderr
    corrected = mcmc.mala(lambda x: -x.square().sum(-1) / (2 * sigma**2), h)
    last = mcmc.draws(corrected, x, 1, burn_in=20, generator=g)[0]
    assert abs(last.var().item() - sigma**2) < 4 * sigma**2 * (2 / n) ** 0.5


def test_gibbs_by_table_gets_the_details_within_a_cell() -> None:
    """With cells as wide as the modes, the correction does all the work."""
    g, p = generator(0), two_modes().to(dtype=DOUBLE)
    kernel = mcmc.gibbs_table(p.log_prob, p.box, 6)
    z = drift(kernel, p.sample((20_000,), g), p.log_prob, 4, g)
    assert z.abs().max() < 4, z
