"""Wrong arguments and broken laws: clear errors, nothing kept that should not be."""

from __future__ import annotations

import math

import pytest
import torch

from dgm_lib.core import generator
from dgm_lib.samplers import mcmc
from dgm_lib.targets import GALLERY

P = GALLERY["banana"]
X = P.sample((20,), generator(0))
ALL = {
    "random walk": lambda f: mcmc.random_walk(f, 1.0),
    "independence": lambda f: mcmc.independence(f, P),
    "Metropolis-Hastings": lambda f: mcmc.metropolis_hastings(f, lambda x, g: x + 1.5),
    "ULA": lambda f: mcmc.ula(f, 0.5),
    "MALA": lambda f: mcmc.mala(f, 0.5),
    "HMC": lambda f: mcmc.hmc(f, 0.5, 3),
    "NUTS": lambda f: mcmc.nuts(f, 0.5),
    "Gibbs": lambda f: mcmc.gibbs(f, [lambda x, g: x + 1.5]),
    "Gibbs by table": lambda f: mcmc.gibbs_table(f, [[-30, 30], [-30, 90]], 50),
}
every = pytest.mark.parametrize("name", ALL)


def quadratic(x: torch.Tensor) -> torch.Tensor:
    return -x.square().sum(-1) / 2


def steps(kernel: mcmc.Kernel, x: torch.Tensor = X, n: int = 20) -> list[mcmc.State]:
    states = mcmc.chain(kernel, x, generator(1))
    return [next(states) for _ in range(n)]


@every
@pytest.mark.parametrize(
    ("log_prob", "words"),
    [
        (lambda x: x.sum(-1) * math.nan, "log_prob must be a number or -inf, got nan at x = "),
        (lambda x: quadratic(x) + math.inf, "got inf at x = "),
        (lambda x: quadratic(x)[..., None], r"log_prob must return a tensor of shape \("),
        (lambda x: quadratic(x).sum(), r"log_prob must return a tensor of shape \("),
        (lambda x: 0.0, "log_prob must return a tensor"),
        (lambda x: quadratic(x) + 0j, "log_prob must return real numbers, got torch.complex64"),
        (lambda x: quadratic(x) * 0 - math.inf, "x must start where p is positive"),
    ],
)
def test_a_law_that_is_broken_at_the_start(name: str, log_prob, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ALL[name](log_prob).init(X)


@every
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_law_that_breaks_on_the_way(name: str, bad: float) -> None:
    """NaN at an ordinary point is an error of the law; a chain must neither keep nor skip it."""
    x = torch.zeros(200, 2)
    kernel = ALL[name](lambda x: torch.where(x[..., 0] > 1, bad, quadratic(x)))
    with pytest.raises(ValueError, match="log_prob must be a number or -inf, got (nan|inf) at x"):
        steps(kernel, x)


@every
def test_a_law_that_raises(name: str) -> None:
    def angry(x: torch.Tensor) -> torch.Tensor:
        raise KeyError("no such thing")

    with pytest.raises(KeyError, match="no such thing") as caught:
        ALL[name](angry).init(X)
    assert any("with x of shape (20, 2)" in note for note in caught.value.__notes__)


@pytest.mark.parametrize("name", [name for name in ALL if name != "Gibbs"])
def test_where_p_is_zero_no_chain_goes(name: str) -> None:
    kernel = ALL[name](lambda x: torch.where(x[..., 0].abs() < 1, quadratic(x), -math.inf))
    for state in steps(kernel, torch.zeros(200, 2)):
        assert (state.x[..., 0].abs() < 1).all() and state.log_p.isfinite().all()
        assert torch.allclose(state.log_p, quadratic(state.x))
        assert (state.accept_prob >= 0).all() and (state.accept_prob <= 1).all()


@every
@pytest.mark.parametrize(
    ("x", "words"),
    [
        (torch.zeros(3, 2, dtype=torch.long), "floating"),
        (torch.zeros(3, 2, dtype=torch.cfloat), "floating"),
        (torch.tensor([[0.0, math.nan]]), "finite"),
        (torch.tensor([[0.0, math.inf]]), "finite"),
        (torch.tensor(0.0), "shape"),
        (torch.zeros(3, 0), "shape"),
        ("chains", "tensor"),
        (None, "tensor"),
    ],
)
def test_chains_that_are_none(name: str, x, words: str) -> None:
    with pytest.raises(ValueError, match=f"^x must .*{words}"):
        ALL[name](quadratic).init(x)


BLIND = torch.distributions.Normal(0.0, 1.0)
BAD = [0, -1.0, math.nan, math.inf, "large", "0.5", None, True, 1j, []]


@pytest.mark.parametrize("bad", [*BAD, torch.tensor([1.0, 0.0]), torch.tensor([math.nan, 1.0])])
def test_step_sizes(bad) -> None:
    makes = [
        lambda step: mcmc.random_walk(quadratic, step),
        lambda step: mcmc.hmc(quadratic, step, 3),
        lambda step: mcmc.nuts(quadratic, step),
        lambda step: mcmc.adapting(lambda h: mcmc.nuts(quadratic, h), step),
    ]
    for make in makes:
        with pytest.raises(ValueError, match="^step must be positive"):
            make(bad)
    for make in (mcmc.ula, mcmc.mala):
        with pytest.raises(ValueError, match="^h must be positive"):
            make(quadratic, bad)


@pytest.mark.parametrize("shape", [(3,), (20, 1), (2, 20)])
def test_steps_that_do_not_fit_the_chains(shape: tuple[int, ...]) -> None:
    for kernel in (
        mcmc.random_walk(quadratic, torch.ones(shape)),
        mcmc.hmc(quadratic, torch.ones(shape), 2),
    ):
        with pytest.raises(ValueError, match="step must be a number or fit the chains"):
            kernel.init(X)
        foreign = mcmc.random_walk(quadratic, 1.0).init(X)
        with pytest.raises(ValueError, match="step must be a number or fit the chains"):
            mcmc.cycle([mcmc.random_walk(quadratic, 1.0), kernel])(foreign, generator(0))


@pytest.mark.parametrize(
    ("words", "make"),
    [
        ("log_prob must be a function", lambda: mcmc.random_walk(None, 1.0)),
        ("accept must be a function", lambda: mcmc.random_walk(quadratic, 1.0, accept="yes")),
        ("score must be a function", lambda: mcmc.mala(quadratic, 1.0, score=X)),
        ("n must be an integer", lambda: mcmc.hmc(quadratic, 1.0, 0)),
        ("n must be an integer", lambda: mcmc.hmc(quadratic, 1.0, 2.5)),
        ("n must be an integer", lambda: mcmc.hmc(quadratic, 1.0, (5, 2))),
        ("max_depth must be", lambda: mcmc.nuts(quadratic, 1.0, max_depth=0)),
        ("law must be a density", lambda: mcmc.independence(quadratic, quadratic)),
        ("propose must be a function", lambda: mcmc.metropolis_hastings(quadratic, 1.0)),
        ("draws must be", lambda: mcmc.gibbs(quadratic, [])),
        ("draws must be", lambda: mcmc.gibbs(quadratic, lambda x, g: x)),
        ("box must", lambda: mcmc.gibbs_table(quadratic, [0, 1])),
        ("box must", lambda: mcmc.gibbs_table(quadratic, [[1, 0], [0, 1]])),
        ("accept must be between", lambda: mcmc.adapting(mcmc.nuts, 1.0, accept=1.0)),
        ("kernels must be", lambda: mcmc.cycle([])),
        ("weights must be", lambda: mcmc.mixture([mcmc.random_walk(quadratic, 1.0)], [1, 2])),
        ("n must be", lambda: mcmc.draws(mcmc.random_walk(quadratic, 1.0), X, 0)),
        ("burn_in must be", lambda: mcmc.draws(mcmc.random_walk(quadratic, 1.0), X, 5, burn_in=-1)),
        ("thin must be", lambda: mcmc.draws(mcmc.random_walk(quadratic, 1.0), X, 5, thin=0)),
        ("state must", lambda: mcmc.random_walk(quadratic, 1.0)(X)),
        ("generator must be", lambda: next(mcmc.chain(mcmc.random_walk(quadratic, 1.0), X, 0))),
        ("law must be a density with .*generator=", lambda: mcmc.independence(quadratic, BLIND)),
    ],
)  # fmt: skip
def test_arguments(words: str, make) -> None:
    with pytest.raises(ValueError, match=f"^{words}"):
        make()


def nan_like(*tensors: torch.Tensor) -> torch.Tensor:
    return torch.full_like(tensors[0], math.nan)


@pytest.mark.parametrize(
    ("words", "kernel"),
    [
        ("accept must return a tensor", mcmc.random_walk(quadratic, 1.0, lambda *a: 0.5)),
        ("accept must return a tensor", mcmc.random_walk(quadratic, 1.0, lambda *a: a[0][:1])),
        ("accept must return prob", mcmc.random_walk(quadratic, 1.0, nan_like)),
        ("log_q must return", mcmc.mala(quadratic, 1.0, log_q=lambda y, x, s, h: y)),
        ("log_q was NaN", mcmc.mala(quadratic, 1.0, log_q=lambda y, x, s, h: y[..., 0] * math.nan)),
        ("leapfrog must return", mcmc.hmc(quadratic, 1.0, 2, leapfrog=lambda x, v, *a: (x[0], v))),
        ("propose must return", mcmc.metropolis_hastings(quadratic, lambda x, g: x[..., :1])),
        ("draws must return", mcmc.gibbs(quadratic, [lambda x, g: x[..., :1]])),
        ("draws must stay", mcmc.gibbs(quadratic, [lambda x, g: x * math.nan])),
    ],
)
def test_functions_that_return_nonsense(words: str, kernel: mcmc.Kernel) -> None:
    with pytest.raises(ValueError, match=words):
        kernel(kernel.init(X), generator(0))


def test_scores_that_are_broken() -> None:
    with pytest.raises(ValueError, match="score must return a tensor of shape"):
        mcmc.mala(quadratic, 1.0, score=quadratic).init(X)
    with pytest.raises(ValueError, match="score must be finite where log_prob is"):
        mcmc.hmc(quadratic, 1.0, 2, score=nan_like).init(X)
    with pytest.raises(ValueError, match="log_prob must be differentiable"):
        mcmc.hmc(lambda x: quadratic(x.detach()), 1.0, 2).init(X)
    with pytest.raises(ValueError, match="state must come from"):
        _ = mcmc.hmc(quadratic, 1.0, 2).init(X).averaged_step


def test_functions_that_work_in_place() -> None:
    def log_prob(x: torch.Tensor) -> torch.Tensor:
        return quadratic(x.sub_(3))

    def score(x: torch.Tensor) -> torch.Tensor:
        return x.neg_()

    for make in (ALL["random walk"], ALL["Gibbs by table"]):
        with pytest.raises(ValueError, match="log_prob must not change x in place"):
            make(log_prob).init(X)
    state = mcmc.random_walk(quadratic, 1.0).init(X)
    with pytest.raises(ValueError, match="score must not change x in place"):
        mcmc.mala(quadratic, 1.0, score)(state, generator(0))
    assert torch.equal(state.x, X)


def test_what_decides_may_work_in_place() -> None:
    """What log_q and accept are given are copies: the chain is that of the tidy ones."""

    def log_q(to: torch.Tensor, given: torch.Tensor) -> torch.Tensor:
        return quadratic(to.sub_(given))

    def accept(log_p, log_p_new, forward, backward) -> torch.Tensor:
        return log_p_new.sub_(log_p).add_(backward).sub_(forward).exp_().clamp_(max=1)

    def langevin(to, x, score, h) -> torch.Tensor:
        return -to.sub_(x).sub_(score.mul_(h)).square().sum(-1) / (4 * h)

    def propose(x: torch.Tensor, g: torch.Generator) -> torch.Tensor:
        return x + torch.randn(x.shape, generator=g)

    for untidy, tidy in (
        (
            mcmc.metropolis_hastings(quadratic, propose, log_q, accept),
            mcmc.metropolis_hastings(quadratic, propose),
        ),
        (mcmc.mala(quadratic, 0.5, log_q=langevin), mcmc.mala(quadratic, 0.5)),
    ):
        for a, b in zip(steps(untidy), steps(tidy)):
            assert torch.allclose(a.x, b.x, atol=1e-5)
            assert torch.allclose(a.log_p, quadratic(a.x))
