"""Leapfrog, HMC and NUTS: order, reversibility, what is kept of the way, what it costs."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch

from dgm_lib.core import generator
from dgm_lib.samplers import mcmc
from dgm_lib.samplers.mcmc.law import Law
from dgm_lib.targets import banana

P = banana().to(dtype=torch.float64)


def start(n: int = 200, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    g = generator(seed)
    return P.sample((n,), g), torch.randn(n, 2, generator=g, dtype=torch.float64)


def energy(x: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    return v.square().sum(-1) / 2 - P.log_prob(x)


class Counted:
    """A score that knows how often it was asked."""

    def __init__(self, score) -> None:
        self.score, self.calls = score, 0

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return self.score(x)


# --- leapfrog -------------------------------------------------------------------------------------


def test_the_energy_errs_by_the_square_of_the_step() -> None:
    x, v = start()
    errors = []
    for n in (10, 20, 40, 80):
        end = mcmc.leapfrog(x, v, P.score, 1.0 / n, n)
        errors.append((energy(*end) - energy(x, v)).abs().mean().item())
    orders = [math.log2(a / b) for a, b in pairwise(errors)]
    assert orders[1:] == pytest.approx([2, 2], abs=0.1)


def test_a_whole_turn_of_the_oscillator() -> None:
    x, v = torch.tensor([[1.0, 0.0]]).double(), torch.tensor([[0.0, 2.0]]).double()
    x_end, v_end = mcmc.leapfrog(x, v, lambda x: -x, 2 * math.pi / 10_000, 10_000)
    assert torch.allclose(x_end, x, atol=1e-6) and torch.allclose(v_end, v, atol=1e-6)


@pytest.mark.parametrize("n", [1, 2, 7])
def test_the_way_back(n: int) -> None:
    x, v = start()
    there, w = mcmc.leapfrog(x, v, P.score, 0.3, n)
    back, u = mcmc.leapfrog(there, -w, P.score, 0.3, n)
    assert torch.allclose(back, x, atol=1e-9) and torch.allclose(-u, v, atol=1e-9)


def test_volume_is_kept() -> None:
    x, v = start(1)

    def flow(z: torch.Tensor) -> torch.Tensor:
        return torch.cat(mcmc.leapfrog(z[..., :2], z[..., 2:], P.score, 0.3, 5), dim=-1)

    jacobian = torch.autograd.functional.jacobian(flow, torch.cat([x[0], v[0]]))
    assert jacobian.det().item() == pytest.approx(1, abs=1e-9)


def test_the_path_is_that_of_leapfrog() -> None:
    x, v = start()
    path = list(mcmc.leapfrog_path(x, v, P.score, 0.2, 6))
    assert len(path) == 7 and path[0] == (x, v)
    for i, (y, w) in enumerate(path[1:], start=1):
        x_i, v_i = mcmc.leapfrog(x, v, P.score, 0.2, i)
        assert torch.allclose(y, x_i) and torch.allclose(w, v_i)


def test_leapfrog_asks_for_the_score_once_per_point() -> None:
    score, (x, v) = Counted(P.score), start()
    mcmc.leapfrog(x, v, score, 0.1, 9)
    assert score.calls == 10


# --- HMC ------------------------------------------------------------------------------------------


def test_a_step_costs_n_gradients_and_one_density() -> None:
    score, log_prob = Counted(P.score), Counted(P.log_prob)
    kernel = mcmc.hmc(log_prob, 0.2, 6, score)
    state = kernel.init(start()[0])
    score.calls = log_prob.calls = 0
    for _ in range(3):
        state = kernel(state, generator(0))
    assert (score.calls, log_prob.calls) == (18, 3)


def test_with_autograd_the_density_is_found_on_the_way() -> None:
    log_prob = Counted(P.log_prob)
    kernel = mcmc.hmc(log_prob, 0.2, 6)
    state = kernel.init(start()[0])
    log_prob.calls = 0
    kernel(state)
    assert log_prob.calls == 6


def greedy(x, v, score, step, n):
    """Leapfrog as a beginner may write it: two half kicks a step, all of it in place."""
    for _ in range(n):
        v += step / 2 * score(x)
        x += step * v
        s = score(x)
        s *= step / 2
        v += s
    return x, v


def test_a_leapfrog_that_works_in_place_changes_nothing_else() -> None:
    ours = mcmc.hmc(P.log_prob, 0.3, 4, P.score, keep_path=True)
    theirs = mcmc.hmc(P.log_prob, 0.3, 4, P.score, greedy, keep_path=True)
    a = b = ours.init(start()[0])
    before = a.x.clone(), a.score.clone()
    for seed in range(3):
        a, b = ours(a, generator(seed)), theirs(b, generator(seed))
        assert torch.allclose(a.x, b.x) and torch.allclose(a.score, b.score)
        assert torch.allclose(a.path, b.path.unique_consecutive(dim=0))
        assert torch.allclose(a.log_p, P.log_prob(a.x)) and torch.allclose(a.score, P.score(a.x))
    first = ours.init(start()[0])
    theirs(first, generator(0))
    assert torch.equal(first.x, before[0]) and torch.equal(first.score, before[1])


def test_the_path_that_is_kept() -> None:
    g, kernel = generator(3), mcmc.hmc(P.log_prob, 0.3, 5, keep_path=True)
    before = kernel.init(start()[0])
    state = kernel(before, g)
    assert state.path.shape == (6, 200, 2)
    assert torch.equal(state.path[0], before.x) and torch.equal(state.path[-1], state.proposal)
    v = torch.randn(200, 2, generator=generator(3), dtype=torch.float64)
    along = [x for x, _ in mcmc.leapfrog_path(before.x, v, P.score, 0.3, 5)]
    assert torch.allclose(state.path, torch.stack(along))
    gain = energy(before.x, v) - energy(*mcmc.leapfrog(before.x, v, P.score, 0.3, 5))
    assert torch.allclose(state.accept_prob, gain.clamp(max=0).exp())


def test_jittered_lengths_are_all_there() -> None:
    kernel = mcmc.hmc(P.log_prob, 0.2, (2, 5), P.score, keep_path=True)
    steps = mcmc.chain(kernel, start()[0], generator(0))
    lengths = {len(next(steps).path) - 1 for _ in range(60)}
    assert lengths == {2, 3, 4, 5}


def test_a_divergent_path_is_rejected_even_if_the_law_raises_there() -> None:
    def picky(x: torch.Tensor) -> torch.Tensor:
        return torch.distributions.Normal(0.0, 1.0, validate_args=True).log_prob(x).sum(-1) - (
            x**4
        ).sum(-1)

    x = torch.randn(50, 2, generator=generator(0), dtype=torch.float64)
    for kernel in (
        mcmc.hmc(picky, 5.0, 20),
        mcmc.mala(picky, 1e200),
        mcmc.nuts(picky, 1e6),
        mcmc.ula(picky, 1e200),
        mcmc.random_walk(picky, 1e300),
    ):
        state = kernel.init(x)
        after = kernel(state, generator(1))
        assert (
            torch.equal(after.x, x)
            and not after.accepted.any()
            and (after.accept_prob < 1e-9).all()
        )
        assert torch.equal(after.log_p, state.log_p)


@pytest.mark.parametrize("chains", [1, 50])
def test_where_some_diverge_a_law_that_checks_its_support_is_not_asked_elsewhere(chains) -> None:
    def exponential(x: torch.Tensor) -> torch.Tensor:
        if not (x > 0).all():
            raise ValueError("x must be positive")
        return -x.sum(-1)

    def propose(x: torch.Tensor, g: torch.Generator) -> torch.Tensor:
        return torch.where(torch.arange(chains)[:, None] % 2 == 0, math.nan, x + 1)

    x = torch.rand(chains, 2, generator=generator(0), dtype=torch.float64) + 1
    kernel = mcmc.metropolis_hastings(exponential, propose, accept=lambda p, *_: torch.ones_like(p))
    state = kernel(kernel.init(x), generator(1))
    assert torch.equal(state.accepted, torch.arange(chains) % 2 == 1)
    assert torch.equal(state.x[0], x[0]) and torch.equal(state.log_p, -state.x.sum(-1))
    log_p, score = Law(exponential).with_score(propose(x, None))
    sound = log_p.isfinite()
    assert torch.equal(sound, state.accepted) and (score[sound] == -1).all()


# --- NUTS -----------------------------------------------------------------------------------------


def test_nuts_counts_its_steps_and_keeps_its_path() -> None:
    log_prob = Counted(P.log_prob)
    kernel = mcmc.nuts(log_prob, 0.4, keep_path=True)
    state = kernel.init(start()[0])
    log_prob.calls = 0
    after = kernel(state, generator(0))
    assert len(after.path) == log_prob.calls + 1 and after.leapfrogs.max() == log_prob.calls
    assert after.leapfrogs.min() >= 1 and after.leapfrogs.unique().numel() > 2
    on_path = (after.path == after.x).all(-1).any(0)
    assert on_path.all() and (after.path == state.x).all(-1).any(0).all()
    # neighbours on the path are one step of leapfrog apart: never far, or the same
    jump = after.path.diff(dim=0).norm(dim=-1)
    assert jump.max() < 4 and (0 < after.accept_prob).all() and (after.accept_prob <= 1).all()
    assert torch.equal(after.accepted, (after.x != state.x).any(-1))


def test_nuts_goes_half_way_round_the_oscillator() -> None:
    """Where all trajectories have period 2π it turns after half of one, whatever the step."""
    x = torch.randn(500, 2, generator=generator(0), dtype=torch.float64)
    for step in (0.4, 0.2, 0.1):
        kernel = mcmc.nuts(lambda x: -x.square().sum(-1) / 2, step)
        time = kernel(kernel.init(x), generator(1)).leapfrogs.double().mean().item() * step
        assert math.pi / 2 < time < 2 * math.pi
    lonely = mcmc.nuts(lambda x: -x.square().sum(-1) / 2, 0.1, max_depth=3)
    assert lonely(lonely.init(x), generator(1)).leapfrogs.max() == 7


def test_nuts_swings_to_the_other_side() -> None:
    """In ten dimensions a draw from a Gaussian is anticorrelated with the one before."""
    x = torch.randn(4000, 10, generator=generator(0), dtype=torch.float64)
    kernel = mcmc.nuts(lambda x: -x.square().sum(-1) / 2, 0.3)
    after = kernel(kernel.init(x), generator(1)).x
    assert -0.5 < (x * after).mean().item() < -0.1
