"""Parallel tempering: all levels exact, separated modes in their right shares."""

from __future__ import annotations

import math

import pytest
import torch

from dgm_lib.core import generator
from dgm_lib.samplers import mcmc
from dgm_lib.samplers.ais import move
from dgm_lib.targets import GaussianMixture, ring

DOUBLE = torch.float64
RING = ring().to(dtype=DOUBLE)
UNEVEN = GaussianMixture([[-4.0, 0.0], [4.0, 1.0]], 0.5, [0.15, 0.85]).to(dtype=DOUBLE)
WIDE = GaussianMixture([[0.0, 0.0]], 3.0).to(dtype=DOUBLE)


def shares(p: GaussianMixture, x: torch.Tensor) -> torch.Tensor:
    """How far the modes' shares are from the truth, in standard errors of independent draws."""
    w = p.label_weights
    found = p.posterior(x).argmax(-1).bincount(minlength=len(w)) / len(x)
    return (found - w) / (w * (1 - w) / len(x)).sqrt()


def scaled(betas: torch.Tensor, size: float) -> torch.Tensor:
    return size * betas[:, None] ** -0.5


LADDER = torch.tensor([1.0, 0.3, 0.1, 0.03], dtype=DOUBLE)
SHORT = torch.tensor([1.0, 0.3, 0.0], dtype=DOUBLE)
MAKES = {
    "random walk": lambda p: mcmc.random_walk(p, scaled(LADDER, 0.4)),
    "HMC": lambda p: mcmc.hmc(p, scaled(LADDER, 0.2), 4, p.score),
    "NUTS": lambda p: mcmc.nuts(p, scaled(LADDER, 0.4), 3, p.score),
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("p", [RING, UNEVEN], ids=["ring", "uneven"])
def test_chains_that_start_in_one_mode_find_all_with_their_weights(p, seed: int) -> None:
    kernel = mcmc.tempering(MAKES["random walk"], p.log_prob, LADDER)
    x = p.modes[0].expand(4, 1000, 2)
    last = mcmc.draws(kernel, x, 1, burn_in=300, generator=generator(seed))[0, 0]
    assert shares(p, last).abs().max() < 4
    stuck = mcmc.draws(mcmc.random_walk(p.log_prob, 0.1), x[0], 1, 300, generator=generator(seed))[
        0
    ]
    assert shares(p, stuck).abs().max() > 20


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("around", [lambda kernel: kernel, lambda kernel: mcmc.cycle([kernel])])
def test_around_gibbs_the_swaps_take_turns_too(around, seed: int) -> None:
    """Metropolis within Gibbs, of all coordinates at once."""

    def make(p):
        return around(mcmc.gibbs(p, [move(MAKES["random walk"](p))]))

    kernel = mcmc.tempering(make, UNEVEN.log_prob, LADDER)
    x = UNEVEN.modes[0].expand(4, 1000, 2)
    last = mcmc.draws(kernel, x, 1, burn_in=300, generator=generator(seed))[0, 0]
    assert shares(UNEVEN, last).abs().max() < 4


class Box:
    """The uniform law on [0, 6]."""

    def log_prob(self, x: torch.Tensor) -> torch.Tensor:
        inside = ((x >= 0) & (x <= 6)).all(-1)
        return x.new_full(inside.shape, -math.log(6)).masked_fill(~inside, -math.inf)

    def score(self, x: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(x)

    def sample(self, shape=(), generator=None) -> torch.Tensor:
        return 6 * torch.rand(*shape, 1, generator=generator, dtype=DOUBLE)


@pytest.mark.parametrize("make", ["random walk", "MALA"])
@pytest.mark.parametrize("end", [0.1, 0.0])
@pytest.mark.parametrize("seed", range(2))
def test_a_reference_may_rule_out_what_the_law_does_not(make: str, end: float, seed: int) -> None:
    """N(0, 1) by way of the half-line: chains on the other half stay out of the other levels."""
    makes = {
        "random walk": lambda p: mcmc.random_walk(p, 1.0),
        "MALA": lambda p: mcmc.mala(p, 0.3),
    }

    def log_prob(x: torch.Tensor) -> torch.Tensor:
        return -x.square().sum(-1) / 2

    betas, n, g = [1.0, 0.4, end], 4000, generator(seed)
    kernel = mcmc.tempering(makes[make], log_prob, betas, reference=Box())
    state = kernel.init(torch.ones(3, n, 1, dtype=DOUBLE))
    for _ in range(40):
        state = kernel(state, g)
    cold = state.x[0, :, 0]
    assert abs(cold.mean()) < 4 / n**0.5 and abs(cold.var() - 1) < 4 * (2 / n) ** 0.5
    assert (state.x[1:] >= 0).all() and state.log_p.isfinite().all()
    beta = torch.tensor(betas, dtype=DOUBLE)[:, None]
    mixed = beta * log_prob(state.x) - (1 - beta) * math.log(6)
    assert torch.allclose(state.log_p, mixed)


@pytest.mark.parametrize("make", MAKES)
@pytest.mark.parametrize("reference", [None, WIDE], ids=["powers", "reference"])
def test_every_level_keeps_its_law(make: str, reference) -> None:
    """On N(0, I): level k is N(0, I / beta), or with a reference a product of Gaussians."""

    def log_prob(x: torch.Tensor) -> torch.Tensor:
        return -x.square().sum(-1) / 2 + 3.0

    precision = LADDER if reference is None else LADDER + (1 - LADDER) / 9
    g, n = generator(0), 6000
    x = torch.randn(4, n, 2, generator=g, dtype=DOUBLE) * precision[:, None, None] ** -0.5
    score = (lambda x: -x) if make != "random walk" else None
    kernel = mcmc.tempering(MAKES[make], log_prob, LADDER, reference=reference, score=score)
    last = mcmc.draws(kernel, x, 1, burn_in=5, generator=g)[0]
    z = (last.var(dim=1) * precision[:, None] - 1) / (2 / n) ** 0.5
    assert z.abs().max() < 4
    assert (last.mean(dim=1) * (n * precision[:, None]) ** 0.5).abs().max() < 4


@pytest.mark.parametrize("make", ["random walk", "HMC, given", "HMC, autograd"])
@pytest.mark.parametrize("seed", range(2))
def test_a_level_of_exact_draws(make: str, seed: int) -> None:
    makes = {
        "random walk": lambda p: mcmc.random_walk(p, 0.5),
        "HMC, given": lambda p: mcmc.hmc(p, 0.25, 3, p.score, keep_path=True),
        "HMC, autograd": lambda p: mcmc.hmc(p, 0.25, 3),
    }
    score = UNEVEN.score if "given" in make else None
    kernel = mcmc.tempering(makes[make], UNEVEN.log_prob, SHORT, reference=WIDE, score=score)
    g = generator(seed)
    state = kernel.init(UNEVEN.modes[0].expand(3, 1000, 2))
    for _ in range(150):
        state = kernel(state, g)
    cold = kernel.cold(state)
    assert shares(UNEVEN, cold.x).abs().max() < 4
    assert torch.equal(cold.x, state.x[0]) and torch.equal(cold.accept_prob, state.accept_prob[0])
    # what the state says of x is true of x, on every level
    p, q = UNEVEN.log_prob(state.x), WIDE.log_prob(state.x)
    beta = SHORT[:, None]
    assert torch.allclose(state.log_p, beta * p + (1 - beta) * q)
    if state.score is not None:
        p, q, beta = UNEVEN.score(state.x), WIDE.score(state.x), beta[..., None]
        assert torch.allclose(state.score, beta * p + (1 - beta) * q)


def test_swaps_take_turns_and_tell_the_truth() -> None:
    kernel = mcmc.tempering(MAKES["random walk"], RING.log_prob, LADDER)
    states = mcmc.chain(kernel, RING.sample((4, 500), generator(0)), generator(1))
    first, second, third = (next(states).swaps for _ in range(3))
    assert [list(s.lower) for s in (first, second, third)] == [[0, 2], [1], [0, 2]]
    assert first.accept_prob.shape == first.accepted.shape == (2, 500)
    rate, seen = first.accept_prob.mean().item(), first.accepted.double().mean().item()
    assert abs(rate - seen) < 4 * 0.5 / 1000**0.5
    pair = mcmc.tempering(lambda p: mcmc.random_walk(p, 0.4), RING.log_prob, [1.0, 0.3])
    states = mcmc.chain(pair, RING.sample((2, 5), generator(0)), generator(1))
    assert [list(next(states).swaps.lower) for _ in range(3)] == [[0]] * 3


def test_a_swap_function_drives_the_swaps() -> None:
    """Always swapping is wrong, never swapping leaves the cold chains where they are."""
    x = UNEVEN.sample((4, 3000), generator(0))
    ends = {}
    for rate in (0.0, 1.0):
        kernel = mcmc.tempering(
            MAKES["random walk"], UNEVEN.log_prob, LADDER, lambda p, q, i, j, r=rate: p * 0 + r
        )
        ends[rate] = mcmc.draws(kernel, x, 1, 40, generator=generator(1))[0, 0]
    assert shares(UNEVEN, ends[0.0]).abs().max() < 4 < shares(UNEVEN, ends[1.0]).abs().max()


def test_swap_probability() -> None:
    p = mcmc.swap_probability(torch.tensor(-1.0), torch.tensor(-3.0), 1.0, 0.5)
    assert p.item() == pytest.approx(math.exp(-1))
    log_i, log_j = torch.tensor([0.0, -1000.0, 5.0]), torch.tensor([-math.inf, 1000.0, 5.0])
    assert mcmc.swap_probability(log_i, log_j, 1.0, 0.5).tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    ("betas", "reference", "words"),
    [
        ([1.0], None, "at least two"),
        ([0.9, 0.5], None, "fall from 1"),
        ([1.0, 0.5, 0.5], None, "fall from 1"),
        ([1.0, 0.5, 0.0], None, "positive without a reference"),
        ([1.0, 0.5, -0.1], WIDE, "at least 0"),
        ([1.0, math.nan], None, "finite"),
    ],
)
def test_ladders_that_are_none(betas: list[float], reference, words: str) -> None:
    with pytest.raises(ValueError, match=f"^betas must .*{words}"):
        mcmc.tempering(MAKES["random walk"], RING.log_prob, betas, reference=reference)


def test_other_arguments() -> None:
    with pytest.raises(ValueError, match="^reference must"):
        mcmc.tempering(MAKES["random walk"], RING.log_prob, LADDER, reference=3.0)
    blind = torch.distributions.Normal(0.0, 1.0)
    with pytest.raises(ValueError, match=r"^reference must be a density with .*generator="):
        mcmc.tempering(MAKES["random walk"], RING.log_prob, LADDER, reference=blind)
    for make in (lambda p: None, lambda p: mcmc.adapting(lambda h: mcmc.random_walk(p, h), 0.1)):
        with pytest.raises(ValueError, match="^make must return a Kernel"):
            mcmc.tempering(make, RING.log_prob, LADDER)
    kernel = mcmc.tempering(MAKES["random walk"], RING.log_prob, LADDER)
    for x in (torch.zeros(3, 5, 2), torch.zeros(4), torch.zeros(5, 2)):
        with pytest.raises(ValueError, match="^x must have shape"):
            kernel.init(x)
    broken = mcmc.tempering(MAKES["random walk"], lambda x: RING.log_prob(x)[..., None], LADDER)
    with pytest.raises(ValueError, match="log_prob must return"):
        broken.init(torch.zeros(4, 5, 2))
