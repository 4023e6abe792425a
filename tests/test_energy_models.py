"""Energy models in the plane: their law on a grid, exponential families, and scores."""

import math
import pickle
from itertools import pairwise

import pytest
import torch
from torch import nn

from dgm_lib.core import Density, Grid, generator
from dgm_lib.metrics import kl
from dgm_lib.models import energy
from dgm_lib.nets import MLP
from tests.samples import F64, normal

PLANE = Grid([[-8, 8], [-7, 9]], n=160)


class Quadratic(nn.Module):
    """E(x) = (x - μ)ᵀ A (x - μ) / 2: the law is N(μ, A⁻¹)."""

    A = torch.tensor([[1.0, 0.6], [0.6, 2.0]], dtype=F64)
    mu = torch.tensor([0.5, 1.0], dtype=F64)
    law = torch.distributions.MultivariateNormal(mu, precision_matrix=A)

    def energy(self, x):
        centred = x - self.mu
        return ((centred @ self.A) * centred).sum(-1) / 2


def network(seed, scale=1.5, hidden=(8,)):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return energy.EnergyModel(MLP(2, 1, hidden).to(F64), scale)


# --- EnergyModel ----------------------------------------------------------------------------------


def test_energy_is_the_net_and_the_confinement():
    model = network(0)
    x = torch.randn(4, 3, 2, dtype=F64, generator=generator(0))
    assert model.energy(x).shape == (4, 3)
    plain = energy.EnergyModel(model.net)
    torch.testing.assert_close(model.energy(x) - plain.energy(x), x.square().sum(-1) / 4.5)
    torch.testing.assert_close(plain.energy(x), model.net(x)[..., 0])
    assert plain.energy(x[0, 0]).shape == ()
    assert not hasattr(model, "log_prob") and not hasattr(model, "sample")


def test_score_is_minus_the_gradient_and_differentiable():
    model = network(1)
    x = torch.randn(3, 2, dtype=F64, generator=generator(0))
    by_rows = torch.stack([torch.func.grad(lambda p: -model.energy(p))(row) for row in x])
    torch.testing.assert_close(model.score(x), by_rows)
    assert not x.requires_grad
    assert torch.autograd.gradcheck(model.score, x.clone().requires_grad_())
    model.score(x).square().sum().backward()
    assert all(p.grad is not None for p in model.net[0].parameters())
    with torch.no_grad():
        assert not model.score(x).requires_grad


def test_score_under_inference_mode():
    model = network(1)
    x = torch.randn(3, 2, dtype=F64, generator=generator(0))
    score = model.score(x).detach()
    with torch.inference_mode():
        assert torch.equal(model.score(x), score)
        inference = x.clone()
        assert torch.equal(model.score(inference), score)
    assert torch.equal(model.score(inference), score)


def test_bad_energies_are_named():
    for scale in (0, -1.0, math.inf, math.nan, True, "a"):
        with pytest.raises(ValueError, match="^scale must be positive"):
            energy.EnergyModel(MLP(2, 1), scale)
    with pytest.raises(ValueError, match="^net must be a module"):
        energy.EnergyModel(3)
    with pytest.raises(ValueError, match=r"^net must return one number per point.*\(5, 1\)"):
        energy.EnergyModel(MLP(2, 3)).energy(torch.zeros(5, 2))


# --- OnGrid ---------------------------------------------------------------------------------------


def test_a_quadratic_energy_is_the_gaussian():
    judge, law = energy.OnGrid(Quadratic(), PLANE), Quadratic.law
    assert isinstance(judge, Density)
    truth = math.log(2 * math.pi) - Quadratic.A.logdet().item() / 2
    assert judge.log_Z == pytest.approx(truth, abs=1e-9)
    assert abs(judge.log_Z - judge.coarser().log_Z) < 1e-9
    assert judge.entropy == pytest.approx(law.entropy().item(), abs=1e-9)
    x = law.sample((5, 7))
    torch.testing.assert_close(judge.log_prob(x), law.log_prob(x))
    assert abs(kl(judge, law, PLANE).value) < 1e-9


def test_outside_the_box_there_is_nothing():
    judge = energy.OnGrid(Quadratic(), Grid([[-1, 1], [-1, 2]], n=100))
    x = torch.tensor([[0.0, 0.0], [1.01, 0.0], [0.0, -1.5], [1.0, 2.0]], dtype=F64)
    assert judge.log_prob(x).isfinite().tolist() == [True, False, False, True]
    assert PLANE.integrate(judge.log_prob(PLANE.points).exp()) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("seed", range(3))
def test_samples_have_the_moments_of_the_law(seed):
    judge, law, n = energy.OnGrid(Quadratic(), PLANE), Quadratic.law, 40_000
    x = judge.sample((n,), generator(seed))
    assert x.shape == (n, 2) and judge.sample().shape == (2,)
    assert ((x.mean(0) - law.mean).abs() < 4 * law.stddev / math.sqrt(n)).all()
    covariance = law.covariance_matrix
    spread = torch.outer(covariance.diag(), covariance.diag()) + covariance.square()
    # A draw is uniform within its cell, which adds the variance of that: cell² / 12, twice.
    within = torch.eye(2) * 2 * 0.1**2 / 12
    assert ((x.T.cov() - covariance).abs() < 4 * (spread / n).sqrt() + within).all()
    assert torch.equal(x, judge.sample((n,), generator(seed)))


def test_the_law_follows_the_model_and_its_precision():
    model = network(2).to(torch.float32)
    judge = energy.OnGrid(model, Grid([[-9, 9], [-9, 9]], n=80))
    before = judge.log_Z
    with torch.no_grad():
        model.net[-1].bias += 2.5
    assert judge.log_Z == pytest.approx(before - 2.5, abs=1e-5)
    x = judge.sample((50,), generator(0))
    assert x.dtype == F64 and judge.log_prob(x).dtype == F64
    assert judge.log_prob(x.float()).dtype == torch.float32
    line = energy.OnGrid(energy.EnergyModel(MLP(1, 1), 1.0), Grid([[-9, 9]]))
    assert line.sample((4, 3)).shape == (4, 3, 1) and math.isfinite(line.entropy)


def test_the_likelihood_has_the_exact_gradient():
    model = network(3)
    judge = energy.OnGrid(model, Grid([[-9, 9], [-9, 9]], n=60))
    x = torch.randn(20, 2, dtype=F64, generator=generator(0))
    parameters = list(model.parameters())
    mine = torch.autograd.grad(judge.log_prob(x).mean(), parameters)
    points = judge.grid.points.reshape(-1, 2)
    p = (-model.energy(points)).softmax(0).detach()
    truth = torch.autograd.grad(p @ model.energy(points) - model.energy(x).mean(), parameters)
    torch.testing.assert_close(mine, truth)
    assert abs(mine[-1]) < 1e-12  # a constant in E changes nothing


def test_a_bad_energy_on_the_grid_is_named():
    class Bad:
        def __init__(self, energy):
            self.energy = energy

    for function in (lambda x: x[..., 0] * math.nan, lambda x: x[..., 0] - math.inf):
        with pytest.raises(ValueError, match="^model.energy must be a number"):
            _ = energy.OnGrid(Bad(function), PLANE).log_Z
    with pytest.raises(ValueError, match="^model.energy must return one number per point"):
        _ = energy.OnGrid(Bad(lambda x: x), PLANE).log_Z
    with pytest.raises(ValueError, match="^model must have an energy"):
        energy.OnGrid(normal([0.0], 1.0), PLANE)
    with pytest.raises(ValueError, match="^grid must be a Grid"):
        energy.OnGrid(Quadratic(), [[-1, 1]])
    walls = energy.OnGrid(Bad(lambda x: torch.where(x[..., 0] > 0, 0.0, math.inf)), PLANE)
    assert walls.log_Z == pytest.approx(math.log(8 * 16))
    assert (walls.sample((500,), generator(0))[:, 0] > 0).all()
    nowhere = energy.OnGrid(Bad(lambda x: x[..., 0] * 0 + math.inf), PLANE)
    words = r"^model.energy must be finite somewhere on Grid\(\[-8, 8\] x \[-7, 9\], n=160\)"
    for use in (lambda: nowhere.log_Z, lambda: nowhere.log_prob(PLANE.points), nowhere.sample):
        with pytest.raises(ValueError, match=words):
            use()


# --- ExponentialFamily ----------------------------------------------------------------------------


def test_polynomials_are_all_monomials_once():
    x = torch.tensor([[2.0, 3.0], [-1.0, 5.0]], dtype=F64)
    f = energy.polynomial(3)(x)
    assert f[0].tolist() == [2, 3, 4, 6, 9, 8, 12, 18, 27] and f.shape == (2, 9)
    assert energy.polynomial(4)(torch.zeros(7, 5, 1)).shape == (7, 5, 4)


def test_a_family_of_polynomials_can_be_pickled():
    family = energy.ExponentialFamily(energy.polynomial(2), 2)
    with torch.no_grad():
        family.theta += torch.arange(5)
    x = torch.randn(4, 2, generator=generator(0))
    assert torch.equal(pickle.loads(pickle.dumps(family)).energy(x), family.energy(x))


def test_matching_two_moments_gives_the_gaussian():
    law = Quadratic.law
    second = law.covariance_matrix + torch.outer(law.mean, law.mean)
    target = torch.cat([law.mean, second[0], second[1, 1:]])
    family = energy.ExponentialFamily(energy.polynomial(2), d=2)
    steps = list(family.fit_moments(target, PLANE))
    assert len(steps) < 20 and steps[-1].gap.abs().max() < 1e-9
    assert steps[0].theta.tolist() == [0] * 5 and torch.equal(steps[-1].theta, family.theta)
    torch.testing.assert_close(family.moments(PLANE), target)
    precision = -torch.stack([family.theta[2] * 2, family.theta[3], family.theta[4] * 2])
    torch.testing.assert_close(precision.detach(), torch.tensor([1, 0.6, 2], dtype=F64))
    assert abs(kl(law, energy.OnGrid(family, PLANE), PLANE).value) < 1e-8


@pytest.mark.parametrize("degree", [3, 4, 6])
@pytest.mark.parametrize("seed", range(3))
def test_newton_converges_from_any_data_and_climbs_all_the_way(degree, seed):
    grid = Grid([[-4, 4], [-4, 4]], n=60)
    features = energy.polynomial(degree)
    x = torch.randn(300, 2, dtype=F64, generator=generator(seed))
    x = (x + 1.5 * torch.sign(x)).clamp(-4, 4)  # two modes each way
    target = features(x).mean(0)
    family = energy.ExponentialFamily(features, d=2)
    judge, likelihoods = energy.OnGrid(family, grid), []
    for step in family.fit_moments(target, grid):
        likelihoods.append(judge.log_prob(x).mean().item())
    assert (step.gap.abs() <= 1e-6 * (1 + target.abs())).all()
    assert all(b > a - 1e-9 for a, b in pairwise(likelihoods))
    gradient = torch.autograd.grad(judge.log_prob(x).mean(), family.theta)[0]
    assert (gradient.abs() <= 1e-6 * (1 + target.abs())).all()


def test_moments_and_covariance_are_derivatives_of_log_Z():
    grid = Grid([[-3, 3]], n=300)
    family = energy.ExponentialFamily(energy.polynomial(3), d=1)
    with torch.no_grad():
        family.theta.copy_(torch.tensor([0.3, -0.7, 0.1]))
    f = family.features(grid.points)

    def log_Z(theta):
        return (f @ theta).logsumexp(0)

    theta = family.theta.detach()
    torch.testing.assert_close(family.moments(grid), torch.func.grad(log_Z)(theta))
    torch.testing.assert_close(
        family.covariance(grid), torch.autograd.functional.hessian(log_Z, theta)
    )


def test_redundant_features_still_give_the_law():
    def twice(x):
        return torch.cat([x, 2 * x, x.square()], dim=-1)

    grid = Grid([[-9, 9]])
    family = energy.ExponentialFamily(twice, d=1)
    *_, last = family.fit_moments([0.5, 1.0, 1.25], grid)
    assert last.gap.abs().max() < 1e-9
    assert abs(kl(normal([0.5], 1.0), energy.OnGrid(family, grid), grid).value) < 1e-9


def test_bad_moments_are_named():
    family = energy.ExponentialFamily(energy.polynomial(2), d=1)
    grid = Grid([[-5, 5]])
    with pytest.raises(ValueError, match=r"^target_moments must have shape \(2,\)"):
        list(family.fit_moments([1.0], grid))
    for impossible in ([1.0, 0.5], [0.0, 26.0], [6.0, 37.0]):  # E x² < (E x)²; outside the box
        with pytest.raises(ValueError, match="^target_moments must be those of a law"):
            list(energy.ExponentialFamily(energy.polynomial(2), 1).fit_moments(impossible, grid))
    with pytest.raises(ValueError, match="^grid must be a Grid in 1 dim"):
        family.moments(PLANE)
    with pytest.raises(ValueError, match="^features must be finite"):
        energy.ExponentialFamily(lambda x: x.log(), d=1).moments(grid)
    with pytest.raises(ValueError, match=r"^features must map"):
        energy.ExponentialFamily(lambda x: x.sum(-1), d=2)
