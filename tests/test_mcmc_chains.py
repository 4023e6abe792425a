"""What all kernels share: purity, precision, any number of chains, chain, draws, adaptation."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from dgm_lib.core import generator
from dgm_lib.samplers import mcmc
from dgm_lib.targets import GALLERY

P = GALLERY["banana"]
BETAS = torch.tensor([1.0, 0.4, 0.0])


def quadratic(x: torch.Tensor) -> torch.Tensor:
    return -x.square().sum(-1) / 2


ALL = {
    "random walk": lambda f: mcmc.random_walk(f, 1.0),
    "independence": lambda f: mcmc.independence(f, P),
    "Metropolis-Hastings": lambda f: mcmc.metropolis_hastings(f, lambda x, g: -x),
    "ULA": lambda f: mcmc.ula(f, 0.05),
    "MALA": lambda f: mcmc.mala(f, 0.5),
    "HMC": lambda f: mcmc.hmc(f, 0.5, (2, 4), keep_path=True),
    "NUTS": lambda f: mcmc.nuts(f, 0.5, 4, keep_path=True),
    "Gibbs": lambda f: mcmc.gibbs(f, [lambda x, g: -x]),
    "Gibbs by table": lambda f: mcmc.gibbs_table(f, [[-30, 30], [-30, 90]], 50),
    "cycle": lambda f: mcmc.cycle([mcmc.random_walk(f, 1.0), mcmc.mala(f, 0.5)]),
    "mixture": lambda f: mcmc.mixture([mcmc.random_walk(f, 1.0), mcmc.mala(f, 0.5)], [1, 1]),
    "adapting": lambda f: mcmc.adapting(lambda h: mcmc.hmc(f, h, 3), 0.1),
    "tempering": lambda f: mcmc.tempering(lambda p: mcmc.hmc(p, 0.3, 2), f, BETAS, reference=P),
}
every = pytest.mark.parametrize("name", ALL)


def tensors(state: mcmc.State) -> dict[str, torch.Tensor]:
    return {k: v for k, v in vars(state).items() if isinstance(v, torch.Tensor)}


def same(a: mcmc.State, b: mcmc.State) -> bool:
    return all(torch.equal(v, tensors(b)[k]) for k, v in tensors(a).items())


def start(name: str, chains: tuple[int, ...], dtype=torch.float64) -> torch.Tensor:
    chains = (3, *chains) if name == "tempering" else chains
    return P.to(dtype=dtype).sample(chains, generator(0))


@every
def test_a_kernel_is_pure(name: str) -> None:
    """The same state and the same random numbers give the same result, and change nothing."""
    kernel, x = ALL[name](P.log_prob), start(name, (15,))
    state = kernel.init(x)
    copies = {k: v.clone() for k, v in tensors(state).items()}
    random = torch.get_rng_state()
    first = [kernel(state, generator(3)), kernel(state, generator(4))]
    assert (
        same(first[0], kernel(state, generator(3)))
        and not same(*first)
        or name
        in (
            "Metropolis-Hastings",
            "Gibbs",
        )
    )
    assert all(torch.equal(v, copies[k]) for k, v in tensors(state).items())
    assert torch.equal(random, torch.get_rng_state())
    x.fill_(math.nan)
    assert state.x.isfinite().all()


@every
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("chains", [(), (1,), (2, 3), (10_000,), (0,)])
def test_any_number_of_chains(name: str, chains: tuple[int, ...], dtype: torch.dtype) -> None:
    if name == "Gibbs by table" and chains == (10_000,):
        chains = (500,)
    kernel, x = ALL[name](P.log_prob), start(name, chains, dtype)
    states = mcmc.chain(kernel, x, generator(0))
    for state in itertools.islice(states, 2):
        assert state.x.shape == state.proposal.shape == x.shape and state.x.dtype == dtype
        for value in (state.log_p, state.accept_prob, state.accepted):
            assert value.shape == x.shape[:-1]
        assert state.log_p.dtype == state.accept_prob.dtype == dtype
        assert state.accepted.dtype == torch.bool and not state.x.requires_grad
        assert state.path is None or state.path.shape[1:] == x.shape
        if name != "tempering":
            assert torch.allclose(state.log_p, P.log_prob(state.x), atol=1e-4)
            assert state.score is None or torch.allclose(state.score, P.score(state.x), atol=1e-2)


@every
def test_in_any_mode_of_autograd(name: str) -> None:
    x = start(name, (5,)).requires_grad_()
    kernel = ALL[name](P.log_prob)
    plain = mcmc.draws(kernel, x, 3, generator=generator(0))
    assert not plain.requires_grad
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            assert torch.equal(mcmc.draws(kernel, x, 3, generator=generator(0)), plain)


def test_a_network_as_the_law_gets_no_gradients() -> None:
    net = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
    kernel = mcmc.hmc(lambda x: net(x).squeeze(-1) + quadratic(x), 0.3, 3)
    out = mcmc.draws(kernel, torch.zeros(4, 2), 3, generator=generator(0))
    assert out.isfinite().all() and all(p.grad is None for p in net.parameters())


# --- chain and draws ------------------------------------------------------------------------------


def test_draws_are_the_states_of_the_chain() -> None:
    kernel, x = mcmc.mala(P.log_prob, 0.3), start("", (7,))
    states = list(itertools.islice(mcmc.chain(kernel, x, generator(0)), 16))
    out = mcmc.draws(kernel, x, 4, burn_in=4, thin=3, generator=generator(0))
    assert torch.equal(out, torch.stack([states[i].x for i in (6, 9, 12, 15)]))
    g = generator(0)
    halves = list(itertools.islice(mcmc.chain(kernel, x, g), 8))
    rest = mcmc.draws(kernel, halves[-1], 8, generator=g)  # goes on from a state
    assert torch.equal(rest[-1], states[-1].x)


def test_a_chain_can_change_its_kernel() -> None:
    x = start("", (100,))
    state = mcmc.random_walk(P.log_prob, 1.0).init(x)
    for kernel in (
        mcmc.hmc(P.log_prob, 0.4, 3),
        mcmc.random_walk(P.log_prob, 1.0),
        mcmc.mala(P.log_prob, 0.2),
    ):
        state = kernel(state, generator(1))
        assert torch.allclose(state.log_p, P.log_prob(state.x))
        assert (state.score is None) == (not kernel.gradients)
    assert torch.allclose(state.score, P.score(state.x))


def test_one_chain_among_many_goes_its_own_way() -> None:
    """A step per chain: those with a tiny one stay near, the others go."""
    step = torch.tensor([1e-6, 1.0]).repeat(50)
    for make in (mcmc.random_walk, mcmc.mala, mcmc.ula, mcmc.nuts, lambda f, h: mcmc.hmc(f, h, 3)):
        x = start("", (100,))
        moved = (mcmc.draws(make(P.log_prob, step), x, 1, 2, generator=generator(0))[0] - x).norm(
            dim=-1
        )
        assert moved[::2].max() < 0.02 < moved[1::2].mean()


# --- functions ------------------------------------------------------------------------------------


def test_metropolis() -> None:
    log = torch.tensor([0.3, 2.0, 0.5]).double().log()
    p = mcmc.metropolis(log[0], log[0], log[1], log[2])
    assert p.item() == pytest.approx(0.25)
    extremes = torch.tensor([-1000.0, 1000.0, -math.inf])
    zero = torch.zeros(3)
    assert mcmc.metropolis(zero, extremes, zero, zero).tolist() == [0, 1, 0]


def test_langevin_log_q_is_a_gaussian() -> None:
    x, new, s = torch.randn(3, 6, 4, generator=generator(0), dtype=torch.float64)
    h = torch.rand(6, generator=generator(1), dtype=torch.float64) + 0.1
    for step, column in ((0.3, 0.3), (h, h[:, None])):
        scale = torch.as_tensor(2 * column).sqrt().expand(6, 4)
        truth = torch.distributions.Normal(x + column * s, scale).log_prob(new).sum(-1)
        assert torch.allclose(mcmc.langevin_log_q(new, x, s, step), truth)


# --- adaptation -----------------------------------------------------------------------------------


@pytest.mark.parametrize("start_at", [1e-3, 0.5, 50.0])
@pytest.mark.parametrize(
    ("make", "accept"),
    [
        (lambda h: mcmc.random_walk(P.log_prob, h), 0.3),
        (lambda h: mcmc.mala(P.log_prob, h), 0.574),
        (lambda h: mcmc.hmc(P.log_prob, h, 4), 0.8),
        (lambda h: mcmc.nuts(P.log_prob, h, 3), 0.8),
    ],
)
def test_the_step_finds_its_acceptance(make, accept: float, start_at: float) -> None:
    g, x = generator(0), start("", (100,))
    kernel, state = mcmc.warmed_up(make, x, start_at, accept, 120, g)
    rates = [
        s.accept_prob.mean().item() for s in itertools.islice(mcmc.chain(kernel, state, g), 10)
    ]
    assert sum(rates) / 10 == pytest.approx(accept, abs=0.07)
    assert state.adaptation is None


def test_adaptation_is_in_the_state() -> None:
    make = lambda h: mcmc.hmc(P.log_prob, h, 3)
    kernel = mcmc.adapting(make, 0.01)
    states = list(itertools.islice(mcmc.chain(kernel, start("", (50,)), generator(0)), 60))
    assert states[0].step == pytest.approx(0.01) and states[-1].averaged_step > 0.1
    assert len({s.step for s in states}) == 60
    again = kernel(states[29], generator(7))
    assert kernel(states[29], generator(7)).averaged_step == again.averaged_step
    with pytest.raises(ValueError, match="state must come from"):
        kernel(make(0.1).init(start("", (50,))))
