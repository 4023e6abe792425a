"""Densities and scores of the targets, against integrals, autograd, differences and Bayes."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch._subclasses.fake_tensor import FakeTensorMode

from dgm_lib import targets
from dgm_lib.core import Density, Grid, generator
from tests.laws import ALL, DOUBLE, INF, NAN, double, draws, every, labelled



@every
def test_integrates_to_one(name):
    p = double(name)
    grid = Grid(p.box, 400)
    assert grid.integrate(p.log_prob(grid.points).exp()) == pytest.approx(1, abs=1e-3)


@labelled
def test_every_conditional_integrates_to_one_and_together_they_are_the_marginal(name):
    p = double(name)
    grid = Grid(p.box, 150 if p.d == 2 else 2000)
    given = torch.stack([p.log_prob(grid.points, y) for y in p.labels.tolist()], dim=-1)
    for y in p.labels.tolist():
        assert grid.integrate(given[..., y].exp()) == pytest.approx(1, abs=1e-3)
    joint = given + p.label_weights.log()
    assert torch.allclose(joint.logsumexp(-1), p.log_prob(grid.points), rtol=1e-10, atol=1e-10)
    bayes, posterior = joint.softmax(dim=-1), p.posterior(grid.points)
    assert torch.allclose(posterior, bayes, atol=1e-9)
    assert torch.allclose(posterior.sum(dim=-1), torch.ones_like(given[..., 0]))


@labelled
def test_one_label_per_point_is_the_same_as_one_at_a_time(name):
    p, x = double(name), draws(name, 12).reshape(3, 4, -1)
    y = torch.arange(12).reshape(3, 4) % len(p.labels)
    for i in range(3):
        for j in range(4):
            one = p.log_prob(x[i, j], int(y[i, j]))
            assert torch.allclose(p.log_prob(x, y)[i, j], one)
            assert torch.allclose(p.score(x, y)[i, j], p.score(x[i, j], y[i, j]))
    assert p.log_prob(x[0, 0], y).shape == (3, 4)
    assert torch.allclose(p.score(x[0, 0], y)[1, 2], p.score(x[0, 0], int(y[1, 2])))


def _near_and_far(name: str) -> torch.Tensor:
    x = draws(name, 40)
    return torch.cat([x, x + 0.3, 3 * x, x.new_tensor([[0.0] * x.shape[1]])])


@every
def test_score_is_the_gradient(name):
    p, x = double(name), _near_and_far(name).requires_grad_()
    label = None if p.labels is None else torch.arange(len(x)) % len(p.labels)
    for y in (None, label):
        (gradient,) = torch.autograd.grad(p.log_prob(x, y).sum(), x)
        with torch.no_grad():
            assert torch.allclose(p.score(x, y), gradient, rtol=1e-6, atol=1e-6)


@every
def test_score_matches_finite_differences(name):
    p, x, h = double(name), draws(name, 30), 1e-5
    for i, axis in enumerate(torch.eye(p.d, dtype=DOUBLE)):
        slope = (p.log_prob(x + h * axis) - p.log_prob(x - h * axis)) / (2 * h)
        assert torch.allclose(p.score(x)[:, i], slope, rtol=1e-5, atol=1e-5)


@every
def test_score_can_be_differentiated_again(name):
    p, x = double(name), draws(name, 10).requires_grad_()
    h, axis = 1e-5, torch.eye(p.d, dtype=DOUBLE)[0]
    (row,) = torch.autograd.grad(p.score(x)[:, 0].sum(), x)
    slope = (p.score(x + h * axis) - p.score(x - h * axis))[:, 0].detach() / (2 * h)
    assert torch.allclose(row[:, 0], slope, rtol=1e-4, atol=1e-4)


@every
def test_no_graph_leaks_and_every_mode_of_autograd_works(name):
    p, x = copy.deepcopy(ALL[name]), draws(name, 5).float()
    with torch.inference_mode():
        inside = p.score(x), p.log_prob(x)
    assert torch.equal(p.score(x), inside[0]) and torch.equal(p.log_prob(x), inside[1])
    assert not p.score(x).requires_grad and not x.requires_grad
    with torch.no_grad():
        assert not p.score(x.clone().requires_grad_()).requires_grad
    followed = x.clone().requires_grad_()
    p.score(followed).square().sum().backward()
    assert followed.grad.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float32, DOUBLE])
@every
def test_functional_and_fake_uses_leave_no_trace(name, dtype):
    p, x = copy.deepcopy(ALL[name]), draws(name, 1)[0].to(dtype)
    expected = copy.deepcopy(p).score(x)
    gradient = torch.func.grad(p.log_prob)(x)
    assert torch.allclose(gradient, expected, rtol=1e-4, atol=1e-4)
    with FakeTensorMode(allow_non_fake_inputs=True):
        p.log_prob(torch.zeros(p.d, dtype=dtype))
    assert type(p.log_prob(x)) is torch.Tensor
    assert torch.equal(copy.deepcopy(p).score(x), expected)


def test_a_target_made_in_inference_mode_can_be_differentiated():
    with torch.inference_mode():
        p = targets.ring()
    x = torch.zeros(2, dtype=DOUBLE, requires_grad=True)
    p.log_prob(x).backward()
    assert x.grad.isfinite().all()


@every
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, DOUBLE])
def test_at_infinity_the_density_is_zero(name, dtype):
    p = ALL[name]
    far = torch.tensor([-INF, INF, -1e30, 1e30, 1e18, 0.0], dtype=dtype)
    x = torch.cartesian_prod(*[far] * p.d).reshape(-1, p.d)
    log_p, infinite = p.log_prob(x), x.isinf().any(dim=-1)
    assert not log_p.isnan().any() and (log_p[infinite] == -INF).all()
    assert p.log_prob(torch.full((p.d,), NAN, dtype=dtype)).isnan()  # which is nowhere
    if p.labels is not None:
        assert (p.log_prob(x, 0)[infinite] == -INF).all()


@every
@pytest.mark.parametrize("batch", [(), (0,), (1,), (2, 0), (3, 2), (2, 1, 3)])
def test_batch_shapes(name, batch):
    p = ALL[name]
    x = p.sample(batch, generator(0))
    assert x.shape == (*batch, p.d)
    assert p.log_prob(x).shape == batch and p.score(x).shape == x.shape
    if p.labels is not None:
        assert p.posterior(x).shape == (*batch, len(p.labels))
        x, y = p.sample_labelled(batch, generator(0))
        assert x.shape == (*batch, p.d) and y.shape == batch and y.dtype == torch.long
        assert p.sample(batch, generator(0), label=y).shape == x.shape
        assert p.log_prob(x, y).shape == batch and p.score(x, y).shape == x.shape


def test_a_large_batch_is_cut_into_blocks_without_a_trace():
    p, x = double("spiral"), draws("spiral", 3000).reshape(3, 1000, 2)
    y = torch.arange(3000).reshape(3, 1000) % 2
    some = (torch.tensor([0, 2, 1]), torch.tensor([17, 999, 500]))
    assert torch.allclose(p.log_prob(x)[some], p.log_prob(x[some]))
    assert torch.allclose(p.score(x, y)[some], p.score(x[some], y[some]))
    assert torch.allclose(p.posterior(x)[some], p.posterior(x[some]))


@every
@pytest.mark.parametrize("dtype", [torch.float32, DOUBLE])
def test_far_away_everything_is_finite(name, dtype):
    p = ALL[name]
    corners = torch.cartesian_prod(*[torch.tensor([-1e3, 0.0, 30.0, 1e3], dtype=dtype)] * p.d)
    corners = corners.reshape(-1, p.d)
    assert p.log_prob(corners).isfinite().all() and p.score(corners).isfinite().all()
    if p.labels is not None:
        assert torch.allclose(p.posterior(corners).sum(-1), torch.ones(len(corners), dtype=dtype))
        assert p.log_prob(corners, 0).isfinite().all()


def test_blurred_edge_is_exact_in_the_tails():
    p = targets.checkerboard(cells=1, scale=0.1, size=2.0)
    for x1 in (0.0, 0.9, 1.0, 1.3, 3.0, 20.0):
        norm = stats.norm
        # log of a difference of tails by the survival function of the nearer end, in double
        near, far = norm.logsf((x1 - 1) / 0.1), norm.logsf((x1 + 1) / 0.1)
        side = near + np.log1p(-np.exp(far - near)) - math.log(2)
        middle = math.log(1 - 2 * norm.sf(10)) - math.log(2)
        x = torch.tensor([x1, 0.0], dtype=DOUBLE)
        assert p.log_prob(x).item() == pytest.approx(side + middle, rel=1e-9)
        assert p.log_prob(x.float()).item() == pytest.approx(side + middle, rel=1e-5, abs=1e-5)


@every
def test_single_and_double_precision_agree(name):
    p, x = ALL[name], draws(name, 200).float()
    single = p.log_prob(x)
    assert single.dtype == torch.float32 and p.score(x).dtype == torch.float32
    assert torch.allclose(single.double(), p.log_prob(x.double()), rtol=1e-4, atol=2e-4)
    scale = p.score(x.double()).abs().max()
    assert (p.score(x).double() - p.score(x.double())).abs().max() < 1e-4 * scale


def test_mixture_agrees_with_torch_distributions():
    p = double("mixture")
    law = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(p.weights),
        torch.distributions.MultivariateNormal(
            p.means, p.scales[:, None, None] ** 2 * torch.eye(2, dtype=DOUBLE)
        ),
    )
    x = _near_and_far("mixture")
    assert torch.allclose(p.log_prob(x), law.log_prob(x), rtol=1e-10)
    assert torch.allclose(p.mean, law.mean) and torch.allclose(p.covariance.diag(), law.variance)
    assert isinstance(p, Density)
