"""Samplers from noise to data, with exact scores: only the sampler itself can err here."""

from __future__ import annotations

import math
from functools import cache, partial

import numpy as np
import pytest
import torch

from dgm_lib import metrics, paths, targets
from dgm_lib.core import generator
from dgm_lib.models.diffusion import Exact
from dgm_lib.samplers import diffusion, ode

DOUBLE = torch.float64
P = targets.GaussianMixture(
    [[2.0, 0.5], [-1.0, 1.5], [-0.5, -2.0]], [0.4, 0.7, 0.25], [0.5, 0.3, 0.2]
).to(dtype=DOUBLE)
COSINE, LINEAR, EXPLODING = paths.cosine(), paths.linear(), paths.exploding(0.01, 20.0)
ALL = {"cosine": COSINE, "linear": LINEAR, "straight": paths.straight(), "exploding": EXPLODING}
every = pytest.mark.parametrize("path", ALL.values(), ids=ALL.keys())


def times(k: int, high: float = 0.999, low: float = 0.0) -> torch.Tensor:
    return torch.linspace(high, low, k + 1, dtype=DOUBLE)


def noise(path, n: int, g: torch.Generator, t: float = 0.999) -> torch.Tensor:
    """Exact draws of x_t, so that a sampler does not err by where it starts either."""
    t = torch.tensor(t, dtype=DOUBLE)
    return P.noised(path.alpha(t).item(), path.sigma(t).item()).sample((n,), g)


def at(value: float, n: int = 1) -> torch.Tensor:
    return torch.full((n, 1), value, dtype=DOUBLE)


def samplers(path) -> dict:
    model = Exact(path, P)
    return {
        "ancestral": partial(diffusion.ancestral, model.eps, path),
        "ddim": partial(diffusion.ddim, model.eps, path),
        "ddim, half": partial(diffusion.ddim, model.eps, path, eta=0.5),
        "sde": partial(diffusion.reverse_sde, model.score, path),
        "ode": partial(diffusion.reverse_sde, model.score, path, eta=0.0),
    }


SAMPLERS = list(samplers(COSINE))


# --- whole ways -----------------------------------------------------------------------------------


def test_the_deterministic_samplers_err_by_the_first_order() -> None:
    model, x = Exact(COSINE, P), noise(COSINE, 100, generator(0))
    truth = ode.last(ode.adaptive(model.velocity, x, [0.999, 0.01], 1e-9, 1e-9)).x
    counts = [40, 80, 160]
    for name in ("ddim", "ode"):
        errors = [
            (ode.last(samplers(COSINE)[name](x, times(k, low=0.01))).x - truth).norm().item()
            for k in counts
        ]
        assert -np.polyfit(np.log(counts), np.log(errors), 1)[0] == pytest.approx(1, abs=0.25)


WAYS = [(name, COSINE, 1e-3) for name in SAMPLERS] + [
    (name, path, low)
    for name in ("ancestral", "ddim", "sde")
    for path, low in ((LINEAR, 1e-3), (EXPLODING, 0.0))
]


N, TRUTH = 1000, P.sample((1000,), generator(99))


def distance(x: torch.Tensor) -> float:
    return metrics.sliced_wasserstein(x, TRUTH, 32, generator(0)).value


@cache
def distances_of_exact_draws() -> tuple[float, float]:
    drawn = torch.tensor([distance(P.sample((N,), generator(seed))) for seed in range(20)])
    return drawn.mean().item(), drawn.std().item()


@pytest.mark.parametrize("name, path, low", WAYS)
def test_samplers_reach_the_target_as_steps_grow(name, path, low) -> None:
    g, (mean, std) = generator(1), distances_of_exact_draws()
    distances = []
    for k in (3, 100):
        states = samplers(path)[name](noise(path, N, g), times(k, low=low), generator=g)
        x = diffusion.last(states).x
        distances.append(distance(x))
    assert distances[0] > mean + 4.5 * std > distances[1]
    second = P.covariance.diagonal() + P.mean**2
    for values, goal in ((x, P.mean), (x**2, second)):  # 100 steps still err, by about 1 %
        allowed = 4.5 * values.std(0) / math.sqrt(N) + 0.02 * goal.abs().max()
        assert ((values.mean(0) - goal).abs() < allowed).all()


@pytest.mark.parametrize("spread", [diffusion.posterior_spread, diffusion.forward_spread])
@pytest.mark.parametrize("seed", range(2))
def test_each_spread_is_exact_for_its_own_law(spread, seed) -> None:
    point = spread is diffusion.posterior_spread
    law = targets.GaussianMixture([[0.0]], [1e-3 if point else 1.0]).to(dtype=DOUBLE)
    g, n = generator(seed), 5000
    x = law.noised(COSINE.alpha(at(0.999)).item(), COSINE.sigma(at(0.999)).item()).sample((n,), g)
    for state in diffusion.ancestral(Exact(COSINE, law).eps, COSINE, x, times(6), g, spread):
        alpha, sigma = COSINE.alpha(state.t[0]).item(), COSINE.sigma(state.t[0]).item()
        truth = (alpha * law.scales.item()) ** 2 + sigma**2
        if sigma == 0:  # forward_spread leaves out the last noise, as Ho et al. do
            continue
        square = state.x.square().squeeze(-1)
        assert abs(square.mean() - truth) < 4.5 * square.std() / math.sqrt(n) + 1e-5


@every
@pytest.mark.parametrize("seed", range(2))
def test_noising_has_the_law_of_the_path_and_of_the_process(path, seed) -> None:
    g, n = generator(seed), 4000
    x = P.sample((n,), g)
    states = list(diffusion.noising(path, x, [0.0, 0.3, 0.8], g))
    for state in states[1:]:
        alpha, sigma = path.alpha(state.t[0]), path.sigma(state.t[0])
        rest = state.x - alpha * x
        # An exploding path begins with sigma_min, which x counts as a part of the data.
        variance = sigma**2 - (alpha / path.alpha(at(0.0)) * path.sigma(at(0.0))) ** 2
        square = rest.square()
        assert (rest.mean(0).abs() < 4.5 * rest.std(0) / math.sqrt(n)).all()
        assert ((square.mean(0) - variance).abs() < 4.5 * square.std(0) / math.sqrt(n)).all()
    scale, step = path.transition(states[1].t, states[2].t)
    z = (states[2].x - scale * states[1].x) / step
    assert abs((z * states[1].x).mean()) < 4.5 * (z * states[1].x).std() / math.sqrt(2 * n)


@pytest.mark.parametrize("seed", range(2))
def test_annealed_langevin_finds_all_modes_of_a_ring(seed) -> None:
    ring, path = targets.ring().to(dtype=DOUBLE), paths.exploding(0.02, 5.0)
    g, n = generator(seed), 500
    x = 5 * torch.randn(n, 2, generator=g, dtype=DOUBLE)
    states = diffusion.annealed_langevin(
        Exact(path, ring).score, path, x, times(12, 1.0), 80, 0.1, g
    )
    end = diffusion.last(states)
    shares = ring.posterior(end.x).mean(0)
    stderr = math.sqrt(1 / 8 * 7 / 8 / n)
    assert ((shares - 1 / 8).abs() < 4.5 * stderr).all()
    squares = torch.cdist(end.x, ring.modes).amin(-1).square()
    truth = 2 * (ring.mode_scale**2 + 0.02**2)
    # The last, small steps do not quite bring down what the larger noises spread.
    assert abs(squares.mean() - truth) < 4.5 * squares.std() / math.sqrt(n) + 0.05 * truth
    assert end.nfe == 13 * 80 and end.t.unique().item() == 0.0


# --- states ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SAMPLERS)
def test_states_reproduce_and_tell_the_way(name) -> None:
    x = noise(COSINE, 12, generator(0)).reshape(3, 4, 2)
    before = torch.get_rng_state()
    runs = [
        list(samplers(COSINE)[name](x, times(5), generator=generator(seed))) for seed in (7, 7, 8)
    ]
    assert torch.equal(before, torch.get_rng_state())
    for a, b in zip(*runs[:2], strict=True):
        assert torch.equal(a.x, b.x)
    assert torch.equal(runs[0][-1].x, runs[2][-1].x) == (name in ("ddim", "ode"))
    states, model = runs[0], Exact(COSINE, P)
    assert [state.nfe for state in states] == [0, 1, 2, 3, 4, 5]
    assert torch.equal(torch.stack([s.t[0, 0, 0] for s in states]), times(5))
    assert torch.equal(states[0].x, x) and states[0].x0 is None
    for state, following in zip(states, states[1:]):
        assert state.t.shape == (3, 4, 1)
        assert torch.allclose(following.x0, model.x0(state.x, state.t), atol=1e-8)


def test_your_own_step_is_used() -> None:
    def half(path, x, t, s, *rest):
        return x / 2

    def langevin(x, score, h, z):
        sizes.append(h[0].item())
        return x / 2

    sizes = []

    x, model = torch.ones(3, 2, dtype=DOUBLE), Exact(COSINE, P)
    ways = [
        diffusion.ancestral(model.eps, COSINE, x, [0.9, 0.5, 0], step=half),
        diffusion.ddim(model.eps, COSINE, x, [0.9, 0.5, 0], step=half),
        diffusion.reverse_sde(model.score, COSINE, x, [0.9, 0.5, 0], step=half),
        diffusion.annealed_langevin(model.score, COSINE, x, [0.9, 0.5], n=1, step=langevin),
    ]
    assert all(torch.equal(diffusion.last(states).x, x / 4) for states in ways)
    variances = COSINE.sigma(torch.tensor([0.9, 0.5]).double()) ** 2
    assert sizes == pytest.approx((0.1 * variances).tolist())


def test_no_graph_is_kept_and_single_precision_ends_at_zero() -> None:
    net = torch.nn.Linear(2, 2)
    x = torch.ones(3, 2)
    for way in (diffusion.ancestral, diffusion.ddim, diffusion.reverse_sde):
        states = list(way(lambda x, t: net(x), LINEAR, x, torch.linspace(1, 0, 8)))
        assert all(not s.x.requires_grad and s.x.dtype == torch.float32 for s in states)
        assert states[-1].t.eq(0).all() and states[-1].x.isfinite().all()
        assert ode.last(way(lambda x, t: net(x), LINEAR, x[:0], [1.0, 0.0])).x.shape == (0, 2)


# --- errors ---------------------------------------------------------------------------------------

X = torch.zeros(3, 2)


def ok(x, t):
    return -x


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: diffusion.ddim(1, COSINE, X, [0.9, 0]), "eps must be a function"),
        (lambda: diffusion.ddim(ok, COSINE, X, [0, 0.9]), "times must fall"),
        (lambda: diffusion.ddim(ok, COSINE, X, [0.9, 0.9]), "times must only rise or only fall"),
        (lambda: diffusion.ddim(ok, COSINE, X, [1.0, 0]), "times must start where alpha"),
        (lambda: diffusion.ancestral(ok, paths.straight(), X, [1, 0]), "times must start where"),
        (lambda: diffusion.ddim(ok, COSINE, X, [0.9, 0], 2), "eta must be between 0"),
        (lambda: diffusion.ddim(ok, COSINE, X, [0.9, 0], -1), "eta must be a number"),
        (lambda: diffusion.ddim(ok, COSINE, X, [0.9, 0], 0, 5), "generator must be"),
        (lambda: diffusion.ddim(ok, COSINE, X.long(), [0.9, 0]), "x must hold floating"),
        (lambda: diffusion.noising(COSINE, X, [0.9, 0]), "times must rise"),
        (lambda: list(diffusion.ddim(lambda x, t: t, COSINE, X, [0.9, 0])), "eps must return"),
        (
            lambda: list(diffusion.reverse_sde(lambda x, t: x / 0, COSINE, X + 1, [0.9, 0])),
            "score must be finite",
        ),
        (
            lambda: list(diffusion.ancestral(ok, COSINE, X, [0.9, 0], step=lambda *a: X[0])),
            "step must return",
        ),
        (
            lambda: diffusion.annealed_langevin(ok, EXPLODING, X, [1, 0], step_size=0),
            "step_size must be positive",
        ),
        (lambda: diffusion.annealed_langevin(ok, EXPLODING, X, [1, 0], n=0), "n must be"),
    ],
)
def test_errors_name_what_is_wrong(call, words) -> None:
    with pytest.raises(ValueError, match=words):
        call()
