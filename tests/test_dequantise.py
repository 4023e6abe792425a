"""Dequantisation: each noise is a law on the cell, the bound is below the exact log P(y)."""

import copy
import math
import pickle

import pytest
import torch
from torch import nn

from dgm_lib import targets
from dgm_lib.core import Estimate, Grid, generator
from dgm_lib.models import flow
from dgm_lib.models.dequantise import FlowNoise, UniformNoise
from dgm_lib.nets import MLP
from dgm_lib.objectives import dequantisation_bound

DOUBLE = torch.float64


class Gaussian(nn.Module):
    """N(mu, sigma² I), counted in levels: its cells are known by the normal CDF."""

    def __init__(self, mu, sigma):
        super().__init__()
        self.mu = nn.Parameter(torch.tensor(mu, dtype=DOUBLE))
        self.log_sigma = nn.Parameter(torch.tensor(sigma, dtype=DOUBLE).log())

    def log_prob(self, x):
        return torch.distributions.Normal(self.mu, self.log_sigma.exp()).log_prob(x).sum(-1)

    def cdf(self, x):
        return torch.distributions.Normal(self.mu, self.log_sigma.exp()).cdf(x)

    def cell_log_prob(self, y):
        return (self.cdf(y + 1) - self.cdf(y)).log().sum(-1)


class Exact:
    """The Gaussian's own law on each cell, p(u | y)."""

    def __init__(self, model):
        self.model = model

    def __call__(self, y):
        self.y = y
        return self

    def log_prob(self, u):
        return self.model.log_prob(self.y + u) - self.model.cell_log_prob(self.y)

    def rsample_with_log_prob(self, shape, generator):
        share = torch.rand(*shape, *self.y.shape, generator=generator, dtype=DOUBLE)
        low, high = self.model.cdf(self.y), self.model.cdf(self.y + 1)
        law = torch.distributions.Normal(self.model.mu, self.model.log_sigma.exp())
        u = law.icdf(low + share * (high - low)) - self.y
        return u, self.log_prob(u)


class Counted:
    """A continuous law of the course, counted in the levels of its quantised law P."""

    def __init__(self, P):
        self.P = P

    def log_prob(self, x):
        return self.P.target.log_prob(self.P.place(x)) + self.P.width.log().sum()


class Logistic:
    """A flow without a context: v is standard logistic, so that sigmoid(v) is uniform."""

    def __call__(self, context):
        self.context = context
        return self

    def log_prob(self, v):
        return (v.sigmoid().log() + (-v).sigmoid().log()).sum(-1)

    def rsample_with_log_prob(self, shape, generator):
        v = torch.rand(
            *shape, *self.context.shape, generator=generator, dtype=self.context.dtype
        ).logit(1e-12)
        return v, self.log_prob(v)


class Affine(nn.Module):
    """A flow of one layer: v = mu(c) + sigma(c) eps."""

    def __init__(self, d):
        super().__init__()
        self.d, self.net = d, MLP(d, 2 * d, (32,)).double()

    def forward(self, context):
        mu, log_sigma = self.net(context).chunk(2, -1)
        law = torch.distributions.Independent(torch.distributions.Normal(mu, log_sigma.exp()), 1)
        law.rsample_with_log_prob = lambda shape, generator: self._draw(law, shape, generator)
        return law

    @staticmethod
    def _draw(law, shape, generator):
        eps = torch.randn(*shape, *law.mean.shape, generator=generator, dtype=law.mean.dtype)
        v = law.mean + law.stddev * eps
        return v, law.log_prob(v)


def flow_noise(d, levels=8, seed=0):
    """A conditional RealNVP or an affine layer with random weights."""
    torch.manual_seed(seed)
    if d == 1:
        return FlowNoise(Affine(1), levels)
    net = flow.realnvp(d, layers=3, hidden=(16,), context=d).double()
    for p in net.parameters():
        nn.init.normal_(p, std=0.1)
    return FlowNoise(net, levels)


def cells(P):
    """All cells of P, (n, d), in double precision."""
    return torch.cartesian_prod(*[torch.arange(P.levels)] * P.d).reshape(-1, P.d).double()


def below(bound, exact, errors=4):
    """Whether the mean of bounds (k, n) is at most `exact` (n,), for every n."""
    stderr = bound.std(0) / math.sqrt(len(bound))
    return (bound.mean(0) <= exact + errors * stderr + 1e-12).all()


@pytest.mark.parametrize("noise", [UniformNoise(1), flow_noise(1), FlowNoise(Logistic(), 8)])
def test_noise_in_1d_is_a_law_on_the_cell(noise):
    check_is_a_law(noise, Grid([[0, 1]], 4000), 1)


@pytest.mark.parametrize("noise", [UniformNoise(2), flow_noise(2), FlowNoise(Logistic(), 8)])
def test_noise_in_2d_is_a_law_on_the_cell(noise):
    check_is_a_law(noise, Grid([[0, 1], [0, 1]], 400), 2)


def check_is_a_law(noise, grid, d):
    for level in (0.0, 3.0, 7.0):
        law = noise(torch.full((d,), level, dtype=DOUBLE))
        p = law.log_prob(grid.points).detach().exp()
        assert grid.integrate(p) == pytest.approx(1, abs=1e-3)
        u, log_q = law.rsample_with_log_prob((20_000,), generator(0))
        assert u.shape == (20_000, d) and ((u > 0) & (u < 1)).all()
        torch.testing.assert_close(log_q, law.log_prob(u), rtol=1e-8, atol=1e-8)
        for power in (1, 2):
            found = Estimate.of(u[:, 0] ** power)
            truth = grid.integrate(grid.points[..., 0] ** power * p)
            assert abs(found.value - truth) < 4 * found.stderr + 1e-4
        assert (law.log_prob(torch.tensor([[-0.1] * d, [1.1] * d]).double()) == -math.inf).all()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("noise", [UniformNoise(2), flow_noise(2)])
def test_the_bound_is_below_the_exact_log_probability(noise, seed):
    model = Gaussian([2.3, 4.1], [0.6, 1.5])
    y = torch.tensor([[2.0, 4.0], [1.0, 3.0], [0.0, 6.0], [3.0, 4.0]], dtype=DOUBLE)
    bound = dequantisation_bound(model, noise, y.expand(4000, 4, 2), generator(seed)).detach()
    exact = model.cell_log_prob(y).detach()
    assert bound.shape == (4000, 4) and below(bound, exact)
    assert bound.mean() < exact.mean() - 0.05  # and is none too tight here


@pytest.mark.parametrize("name", ["ring", "two_modes", "checkerboard", "banana"])
def test_the_uniform_bound_of_the_true_law_is_below_the_discrete_entropy(name):
    P = targets.quantised(targets.GALLERY[name].to(dtype=DOUBLE), 8)
    y, model = cells(P), Counted(P)
    bound = dequantisation_bound(model, UniformNoise(P.d), y.expand(1000, *y.shape), generator(0))
    assert below(bound, P.log_prob(y))
    # and it is what it should be, the mean of log p over the cell
    t = (torch.arange(64, dtype=DOUBLE) + 0.5) / 64
    u = torch.cartesian_prod(*[t] * P.d).reshape(-1, 1, P.d)
    truth = model.log_prob(y + u).mean(0)
    assert ((bound.mean(0) - truth).abs() < 5 * bound.std(0) / 1000**0.5 + 2e-2).all()
    weights = P.table.flatten()
    assert (weights @ truth).item() < -P.entropy - 0.01


@pytest.mark.parametrize("seed", range(3))
def test_the_bound_is_an_equality_at_the_models_own_law_on_the_cell(seed):
    model = Gaussian([2.3, 4.1], [0.6, 1.5])
    y = torch.randint(0, 6, (100, 2), generator=generator(seed)).double()
    bound = dequantisation_bound(model, Exact(model), y, generator(seed))
    torch.testing.assert_close(bound, model.cell_log_prob(y), rtol=1e-9, atol=1e-9)


def test_uniform_noise_is_a_special_case_of_flow_noise():
    model, y = Gaussian([2.3, 4.1], [0.6, 1.5]), torch.tensor([[2.0, 4.0]], dtype=DOUBLE)
    uniform = dequantisation_bound(model, UniformNoise(2), y.expand(9, 1, 2), generator(3))
    squashed = dequantisation_bound(
        model, FlowNoise(Logistic(), 8), y.expand(9, 1, 2), generator(3)
    )
    torch.testing.assert_close(uniform, squashed, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", ["two_modes", "ring"])
def test_variational_noise_is_tighter_after_a_short_training(name, seed):
    P = targets.quantised(targets.GALLERY[name].to(dtype=DOUBLE), 6)
    y, weights, model, rng = cells(P), P.table.flatten(), Counted(P), generator(seed)
    torch.manual_seed(seed)
    law = Affine(1) if P.d == 1 else flow.realnvp(2, 4, (32,), context=2).double()
    noise = FlowNoise(law, 6)
    optimiser = torch.optim.Adam(noise.parameters(), 1e-2)
    for _ in range(300):
        optimiser.zero_grad()
        bound = dequantisation_bound(model, noise, y.expand(8, *y.shape), rng)
        (-bound @ weights).mean().backward()
        optimiser.step()

    def mean(noise):
        with torch.no_grad():
            bound = dequantisation_bound(model, noise, y.expand(1000, *y.shape), rng)
        assert below(bound, P.log_prob(y), 5)
        return Estimate.of(bound @ weights)

    uniform, trained = mean(UniformNoise(P.d)), mean(noise)
    exact = -P.entropy
    assert uniform.value < trained.value < exact + 4 * trained.stderr
    assert exact - trained.value < 0.75 * (exact - uniform.value)


def test_gradients_reach_the_model_and_the_noise():
    model, noise = Gaussian([2.3], [0.6]), flow_noise(1)
    y = torch.tensor([[2.0], [1.0]], dtype=DOUBLE)
    parameters = [*model.parameters(), *noise.parameters()]

    def bound(*_):
        return dequantisation_bound(model, noise, y, generator(0))

    assert torch.autograd.gradcheck(bound, parameters)
    assert all(g.abs().sum() > 0 for g in torch.autograd.grad(bound().sum(), parameters))


def test_a_network_is_fed_levels_between_minus_one_and_one():
    law = Logistic()
    FlowNoise(law, 256)(torch.tensor([[0.0, 255.0], [102.0, 51.0]]))
    torch.testing.assert_close(law.context, torch.tensor([[-1.0, 1.0], [-0.2, -0.6]]))


@pytest.mark.parametrize("dtype", [torch.float32, DOUBLE, torch.long])
def test_precision_and_extremes(dtype):
    class Far(Logistic):
        def rsample_with_log_prob(self, shape, generator):
            v = self.context.new_tensor([[-800.0, 40.0, 0.0]])
            return v, torch.zeros(1)

    y = torch.zeros(1, 3, dtype=dtype)
    found = torch.float32 if dtype == torch.long else dtype
    for noise in (UniformNoise(3), FlowNoise(Far(), 4)):
        u, log_q = noise(y).rsample_with_log_prob()
        assert u.dtype == log_q.dtype == found
        assert ((u >= 0) & (u < 1)).all() and log_q.isfinite().all()
        assert noise(y).log_prob(u).isfinite().all()


@pytest.mark.parametrize("batch", [(), (0,), (2, 3)])
def test_batches(batch):
    model, y = Gaussian([2.3, 4.1], [0.6, 1.5]), torch.ones(*batch, 2, dtype=DOUBLE)
    for noise in (UniformNoise(2), flow_noise(2)):
        assert dequantisation_bound(model, noise, y).shape == batch
        u, log_q = noise(y).rsample_with_log_prob((5,), generator(0))
        assert u.shape == (5, *batch, 2) and log_q.shape == (5, *batch)
        assert noise(y).log_prob(u).shape == (5, *batch)


def test_noise_is_an_ordinary_module():
    noise, y = flow_noise(2), torch.ones(4, 2, dtype=DOUBLE)
    for twin in (copy.deepcopy(noise), pickle.loads(pickle.dumps(noise))):
        for a, b in zip(*(n(y).rsample_with_log_prob((), generator(0)) for n in (noise, twin))):
            assert torch.equal(a, b)
    assert UniformNoise(2)(y.to("meta")).rsample_with_log_prob()[0].is_meta


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="y must have 2 as its last dimension"):
        UniformNoise(2)(torch.zeros(3))
    with pytest.raises(ValueError, match="d must be an integer"):
        UniformNoise(0)
    with pytest.raises(ValueError, match="levels must be an integer of at least 2"):
        FlowNoise(Logistic(), 1)
    per_coordinate = torch.distributions.Normal(torch.zeros(2), torch.ones(2))
    with pytest.raises(ValueError, match="model.log_prob must return one number per point"):
        dequantisation_bound(per_coordinate, UniformNoise(2), torch.zeros(5, 2))
    with pytest.raises(ValueError, match="noise must draw u of shape"):
        dequantisation_bound(
            per_coordinate, lambda _: UniformNoise(1)(torch.zeros(5, 1)), torch.zeros(5, 2)
        )
