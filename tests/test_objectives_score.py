"""Objectives of a score: values and gradients against exact laws."""

import math
from functools import partial

import pytest
import torch
from torch import nn

from dgm_lib import objectives, targets
from dgm_lib.core import Grid, generator
from dgm_lib.nets import MLP

F64 = torch.float64
RING = targets.ring(modes=5, radius=1.5, scale=0.5).to(dtype=F64)
LINE = targets.two_modes([-1.5, 1.0], [0.5, 0.7], [0.4, 0.6]).to(dtype=F64)


def net(d=2, seed=0):
    """A smooth function of points, in double precision."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return MLP(d, d, hidden=(16,), activation=nn.Tanh).double()


def gradient(loss, model):
    """The gradient in all of the model's parameters, as one vector; some may have none."""
    slopes = torch.autograd.grad(
        loss, list(model.parameters()), retain_graph=True, materialize_grads=True
    )
    return torch.cat([slope.flatten() for slope in slopes])


def standard_normal(seed, *shape):
    return torch.randn(shape, generator=generator(seed), dtype=F64)


def on_grid(target):
    """Points at which, and weights with which, a weighted mean is an integral over the law."""
    grid = Grid(target.box + torch.tensor([-1.0, 1.0]), n=120 if target.d == 2 else 2000)
    x = grid.points.reshape(-1, target.d)
    return x, target.log_prob(x).exp() * grid.cell


@pytest.mark.parametrize("target", [RING, LINE], ids=["ring", "line"])
def test_implicit_is_explicit_up_to_a_constant(target):
    """Over the law, by quadrature: the gradients agree, and the values differ by ½E‖score‖²."""
    x, weights = on_grid(target)
    s = net(target.d)
    truth, own = target.score(x), s(x)
    bend = 1 - s[0](x).tanh() ** 2  # tr ∇s = Σ_ij W2_ij (1 - tanh²)_j W1_ji
    trace = bend @ (s[2].weight * s[0].weight.T).sum(dim=0)
    explicit = weights @ (own - truth).square().sum(dim=-1) / 2
    implicit = weights @ (own.square().sum(dim=-1) / 2 + trace)
    constant = weights @ truth.square().sum(dim=-1) / 2
    torch.testing.assert_close(explicit, implicit + constant, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(
        gradient(explicit, s), gradient(implicit, s), rtol=1e-4, atol=1e-5
    )
    # ... and these are what the objectives say of a batch
    few = target.sample((50,), generator(0))
    jacobian = torch.stack([torch.autograd.functional.jacobian(s, x_i) for x_i in few])
    trace = jacobian.diagonal(dim1=-2, dim2=-1).sum(dim=-1)
    values = s(few).square().sum(dim=-1) / 2 + trace
    torch.testing.assert_close(objectives.implicit_score(s, few), values.mean())
    error = (s(few) - target.score(few)).square().sum(dim=-1).mean() / 2
    torch.testing.assert_close(objectives.explicit_score(s, few, target.score), error)


def test_implicit_has_its_minimum_at_the_score():
    """For N(0, s²) and the score -a x: ½ a² s² - a, least at a = 1/s²."""
    a = torch.tensor(0.7, dtype=F64, requires_grad=True)
    x = 2 * standard_normal(0, 400, 1)
    found = objectives.implicit_score(lambda x: -a * x, x)
    torch.testing.assert_close(found, a**2 * x.square().mean() / 2 - a)
    (slope,) = torch.autograd.grad(found, a)
    torch.testing.assert_close(slope, a.detach() * x.square().mean() - 1)


def test_sliced_is_an_unbiased_estimate_of_implicit():
    s, x, d = net(3), standard_normal(1, 30, 3), 2000
    truth = objectives.implicit_score(s, x)
    true_slope = gradient(truth, s)
    for seed in range(3):
        rng = generator(seed)
        values, slopes = [], []
        for _ in range(d // 5):
            loss = objectives.sliced_score(s, x, generator=rng)
            values.append(loss.detach())
            slopes.append(gradient(loss, s))
        for found, true in ((torch.stack(values), truth), (torch.stack(slopes), true_slope)):
            stderr = found.std(dim=0) / math.sqrt(len(found))
            assert ((found.mean(dim=0) - true).abs() <= 5 * stderr + 1e-12).all()


def test_more_projections_vary_less_and_one_dimension_does_not_vary():
    s, x = net(3), standard_normal(1, 30, 3)

    def spread(k):
        loss = partial(objectives.sliced_score, s, x, k)
        return torch.stack([loss(generator=generator(i)).detach() for i in range(200)]).var()

    assert spread(1) / spread(8) == pytest.approx(8, rel=0.5)
    s, x = net(1), standard_normal(1, 30, 1)
    torch.testing.assert_close(objectives.sliced_score(s, x), objectives.implicit_score(s, x))


@pytest.mark.parametrize("sigma", [0.3, 1.0])
def test_denoising_is_explicit_for_the_smoothed_law(sigma):
    """Same gradient, and at the smoothed law's own score no gradient, by paired simulation."""
    smoothed, s = RING.noised(1.0, sigma), net()
    x = RING.sample((40_000,), generator(1))
    for seed in range(2):
        eps = torch.randn(x.shape, generator=generator(seed), dtype=F64)
        noisy = x + sigma * eps
        loss = objectives.denoising_score(s, x, sigma, generator(seed))
        torch.testing.assert_close(loss, (s(noisy) + eps / sigma).square().sum(-1).mean() / 2)
        # Each point's part of the difference of gradients has mean 0: s · (ε/σ + score).
        residual = eps / sigma + smoothed.score(noisy)
        basis = torch.cat([torch.tanh(noisy @ standard_normal(2, 2, 6)), noisy.cos()], dim=-1)
        parts = (basis[..., None] * residual[..., None, :]).flatten(1)
        stderr = parts.std(dim=0) / math.sqrt(len(x))
        assert (parts.mean(dim=0).abs() < 4.5 * stderr).all()


def test_a_score_may_be_the_gradient_of_an_energy_or_constant():
    x = standard_normal(0, 20, 2)
    target = targets.ring().to(dtype=F64)
    assert objectives.explicit_score(target.score, x, target.score).item() == 0
    implicit = objectives.implicit_score(target.score, x)
    sliced = objectives.sliced_score(target.score, x, 300, generator(0))
    assert sliced.item() == pytest.approx(implicit.item(), rel=0.2)
    constant = objectives.implicit_score(lambda x: torch.ones_like(x), x)
    assert constant.item() == pytest.approx(1)
    assert objectives.sliced_score(lambda x: torch.ones_like(x), x).item() == pytest.approx(1)
    with torch.no_grad():
        torch.testing.assert_close(objectives.implicit_score(target.score, x), implicit)
    assert not x.requires_grad


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: objectives.implicit_score(lambda x: x.sum(-1), x), "score must return"),
        (lambda x: objectives.sliced_score(net(), x, 0), "projections must be an integer"),
        (lambda x: objectives.denoising_score(net(), x, 0.0), "sigma must be positive"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(torch.zeros(5, 2, dtype=F64))
