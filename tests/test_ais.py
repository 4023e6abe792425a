"""Annealed importance sampling on laws whose normalising constant is known."""

import math

import pytest
import torch

from dgm_lib.core import generator
from dgm_lib.metrics import log_mean_exp, weights_ess
from dgm_lib.models import energy
from dgm_lib.samplers import mcmc
from dgm_lib.samplers.ais import Annealed, ais, geometric, move
from dgm_lib.targets import grid as grid_of_modes
from tests.samples import F64, normal

BASE = normal([0.0, 0.0], 3.0)


def draw_base(n, rng):
    return 3 * torch.randn(n, 2, generator=rng, dtype=F64)


def random_walk(log_prob_at, step=0.8, moves=1):
    """Metropolis's random walk, in four lines, for any β."""

    def kernel_at(beta):
        def move(x, rng):
            log_prob = log_prob_at(beta)
            for _ in range(moves):
                new = x + step * torch.randn(x.shape, generator=rng, dtype=x.dtype)
                u = torch.rand(x.shape[:-1], generator=rng, dtype=x.dtype)
                x = torch.where((u.log() < log_prob(new) - log_prob(x))[..., None], new, x)
            return x

        return move

    return kernel_at


def last(steps):
    *_, step = steps
    return step


@pytest.mark.parametrize("constant", [-40.0, 900.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_mixture_times_a_known_constant(constant, seed):
    target, rng = grid_of_modes(), generator(seed)
    path = geometric(BASE.log_prob, lambda x: target.log_prob(x) + constant)
    x = draw_base(1000, rng)
    step = last(ais(path, random_walk(path), torch.linspace(0, 1, 101), x, rng))
    estimate = log_mean_exp(step.log_w)
    assert abs(estimate.value - constant) < 4 * estimate.stderr
    assert estimate.stderr < 0.1 and step.beta == 1
    # Weighted, the chains are draws of the target.
    w = step.log_w.softmax(0)
    mean, ess = w @ step.x, weights_ess(step.log_w)
    spread = (w @ (step.x - mean).square()).sqrt()
    assert ((mean - target.mean).abs() < 4 * spread / math.sqrt(ess)).all()


@pytest.mark.parametrize("seed", range(5))
def test_the_weights_are_unbiased_even_where_the_moves_hardly_move(seed):
    """N(0, 9 I) to N(0, I) of Z = 2π: one move of a tiny step at each of 3 temperatures."""
    rng = generator(seed)
    path = geometric(BASE.log_prob, lambda x: -x.square().sum(-1) / 2)
    x = draw_base(40_000, rng)
    step = last(ais(path, random_walk(path, 0.1), [0, 0.2, 0.5, 1], x, rng))
    estimate = log_mean_exp(step.log_w)
    assert abs(estimate.value - math.log(2 * math.pi)) < 4 * estimate.stderr < 0.1


@pytest.mark.parametrize(
    "make",
    [
        lambda p: mcmc.random_walk(p, 0.7),
        lambda p: mcmc.mala(p, 0.3),
        lambda p: mcmc.hmc(p, 0.4, 3),
    ],
    ids=["random_walk", "mala", "hmc"],
)
@pytest.mark.parametrize("seed", range(2))
def test_it_runs_on_the_kernels_of_mcmc(make, seed):
    target, rng = grid_of_modes(), generator(seed)
    path = geometric(BASE.log_prob, lambda x: target.log_prob(x) - 7)
    betas = torch.linspace(0, 1, 41)
    steps = ais(path, lambda beta: move(make(path(beta)), 2), betas, draw_base(500, rng), rng)
    estimate = log_mean_exp(last(steps).log_w)
    assert abs(estimate.value + 7) < 4 * estimate.stderr < 0.6


@pytest.mark.parametrize("seed", range(3))
def test_every_stage_on_the_way_has_its_own_constant(seed):
    rng = generator(seed)
    path = geometric(lambda x: -x.square().sum(-1) / 18, lambda x: -x.square().sum(-1) / 2)
    for step in ais(path, random_walk(path), torch.linspace(0, 1, 21), draw_base(4000, rng), rng):
        precision = (1 - step.beta) / 9 + step.beta
        estimate = log_mean_exp(step.log_w)
        assert abs(estimate.value + math.log(9 * precision)) <= 4 * estimate.stderr + 1e-12


@pytest.mark.parametrize(("visible", "hidden", "scale"), [(12, 6, 1.0), (8, 10, 1.5)])
@pytest.mark.parametrize("seed", range(3))
def test_a_boltzmann_machine_counted_out(visible, hidden, scale, seed):
    rng, rbm = generator(seed), energy.RBM(visible, hidden).to(F64)
    with torch.no_grad():
        rbm.W.copy_(scale * torch.randn(visible, hidden, generator=rng, dtype=F64))
        rbm.b.copy_(torch.randn(visible, generator=rng, dtype=F64))
    bias = 0.5 * rbm.b.detach()
    start = rbm.tempered(0.0, bias)
    steps = ais(
        lambda beta: lambda v: -rbm.tempered(beta, bias).energy(v),
        lambda beta: rbm.tempered(beta, bias).gibbs,
        torch.linspace(0, 1, 301),
        start.gibbs(torch.zeros(500, visible, dtype=F64), rng),
        rng,
    )
    estimate = log_mean_exp(last(steps).log_w)
    assert abs(start.log_Z() + estimate.value - rbm.log_Z()) < 4 * estimate.stderr < 0.4


@pytest.mark.parametrize("seed", range(3))
def test_a_law_with_walls_loses_chains_and_stays_unbiased(seed):
    """Half of the square [0, 2] x [-1, 1] from N(0, 9 I): most chains start where p is zero."""

    def inside(x):
        return torch.where((x[..., 0] > 0) & (x.abs().amax(-1) < 1), 0.0, -math.inf).to(x)

    rng = generator(seed)
    path = geometric(BASE.log_prob, inside)

    def kernel_at(beta):
        def move(x, rng):
            assert path(beta)(x).isfinite().all()  # a kernel may count on it
            return random_walk(path)(beta)(x, rng)

        return move

    x = draw_base(20_000, rng)
    step = last(ais(path, kernel_at, torch.linspace(0, 1, 20), x, rng))
    estimate = log_mean_exp(step.log_w)
    assert abs(estimate.value - math.log(2)) < 4 * estimate.stderr < 0.2
    # Of N(0, 9 I), about 2 / (2π · 9) starts inside.
    assert 600 < step.log_w.isfinite().sum() < 820


def test_the_steps_are_neals_formula():
    """Moves that are known: x moves by +1 at every temperature, and log p_β(x) = β² x."""
    path, betas = lambda beta: lambda x: beta**2 * x[..., 0], [0.0, 0.5, 0.8, 1.0]
    x = torch.tensor([[1.0], [-2.0]], dtype=F64)
    steps = list(ais(path, lambda beta: lambda x, rng: x + 1, betas, x))
    assert [step.beta for step in steps] == betas and isinstance(steps[0], Annealed)
    assert steps[0].log_w.tolist() == [0, 0] and torch.equal(steps[0].x, x)
    log_w = 0.25 * x + (0.64 - 0.25) * (x + 1) + (1 - 0.64) * (x + 2)
    torch.testing.assert_close(steps[-1].log_w, log_w[:, 0])
    assert torch.equal(steps[-1].x, x + 3)
    with torch.enable_grad():
        moving = ais(path, lambda beta: lambda x, rng: x, betas, x.requires_grad_())
        assert next(moving) and torch.is_grad_enabled()
        assert not last(moving).log_w.requires_grad


def test_a_law_that_works_in_place_is_given_copies():
    def in_place(beta):
        return lambda x: -(1 + beta) * x.mul_(2).square().sum(-1)

    def tidy(beta):
        return lambda x: -4 * (1 + beta) * x.square().sum(-1)

    x, betas = draw_base(20, generator(0)), [0.0, 0.5, 1.0]
    a, b = (last(ais(p, lambda beta: lambda x, g: x + 1, betas, x)) for p in (in_place, tidy))
    assert torch.equal(a.log_w, b.log_w) and torch.equal(a.x, b.x)


def test_any_shape_of_chains_and_any_dtype():
    path = geometric(lambda x: -x.square().sum(-1) / 2, lambda x: -x.square().sum(-1))
    for shape in [(), (3,), (2, 3)]:
        x = torch.randn(*shape, 2, generator=generator(0))
        step = last(ais(path, random_walk(path), [0, 1], x, generator(0)))
        assert step.x.shape == x.shape and step.log_w.shape == shape
        assert step.log_w.dtype == torch.float32
        again = last(ais(path, random_walk(path), [0, 1], x, generator(0)))
        assert torch.equal(step.x, again.x)


def test_what_is_wrong_is_named():
    x = torch.zeros(4, 2, dtype=F64)
    fine, stay = lambda beta: lambda x: beta * x[..., 0], lambda beta: lambda x, rng: x
    for betas in ([], [[0, 1]], [0, math.nan], "a"):
        with pytest.raises(ValueError, match="^betas must"):
            ais(fine, stay, betas, x)
    for start in (None, torch.zeros(()), x / 0):
        with pytest.raises(ValueError, match="^x must be a tensor"):
            ais(fine, stay, [0, 1], start)
    for wrong in (x[:, 0] + math.nan, x[:, 0] + math.inf):
        with pytest.raises(ValueError, match="^log_prob_at.* NaN or .inf at beta = 0.5"):
            list(ais(lambda b, w=wrong: lambda x: w if b else x[:, 0], stay, [0, 0.5], x))
    with pytest.raises(ValueError, match=r"^log_prob_at.*one number per chain.*\(4,\)"):
        list(ais(lambda b: lambda x: x, stay, [0, 1], x))
    with pytest.raises(ValueError, match="^x must be draws of the law at betas"):
        list(ais(lambda b: lambda x: x[:, 0] - math.inf, stay, [0, 1], x))
    with pytest.raises(ValueError, match="no chain has weight"):
        list(ais(lambda b: lambda x: x[:, 0] - (math.inf if b else 0), stay, [0, 1], x))
    with pytest.raises(ValueError, match="^kernel_at"):
        list(ais(fine, lambda b: lambda x, rng: x[:1], [0, 1], x))
