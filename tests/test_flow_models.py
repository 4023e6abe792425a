"""Flows as laws: densities that integrate to 1, samples that agree with them, recipes, contexts."""

import copy
import math
import pickle

import pytest
import torch
from torch import nn

from dgm_lib import targets
from dgm_lib.core import Estimate, Grid, generator
from dgm_lib.models import flow
from tests.flows import CONDITIONAL, DOUBLE, RECIPES, SEEDS, built, perturbed, points

recipe = pytest.mark.parametrize("name", RECIPES)
conditional = pytest.mark.parametrize("name", CONDITIONAL)
seeded = pytest.mark.parametrize("seed", SEEDS)
STACKS = {
    **{name: lambda make=make: make(2, 3, (8,)) for name, make in RECIPES.items()},
    "one Sylvester unit": lambda: flow.Flow(flow.StandardNormal(2), flow.Sylvester(2, 1)),
    "LU and planar": lambda: flow.Flow(
        flow.StandardNormal(2), [flow.LU(2, [1, 0]), flow.Planar(2), flow.reverse(2), flow.Scale(2)]
    ),
    "planar backwards": lambda: flow.Flow(flow.StandardNormal(2), [flow.Planar(2).inv] * 2),
    "unit square": lambda: flow.Flow(
        flow.StandardNormal(2),
        [
            flow.Logit(),
            flow.Coupling(2, flow.Affine(), hidden=(8,)),
            flow.Standardise([0.3, 0.1], [1.2, 0.8]),
        ],
    ),
}
stacked = pytest.mark.parametrize("name", STACKS)


def grid_of(model, context=None, n=500):
    """A grid over all of the model's mass, from a large sample and then some."""
    x = model.sample((20_000,), generator(1), context)
    low, high = x.amin(0), x.amax(0)
    if 0 <= low.min() and high.max() <= 1:
        return Grid([[0, 1]] * model.d, n)
    margin = (high - low) * 0.25
    return Grid(torch.stack([low - margin, high + margin], dim=-1), n)


@torch.no_grad()
def mass(model, grid, context=None):
    return grid.integrate(model.log_prob(grid.points, context).exp())


@stacked
@seeded
def test_densities_integrate_to_one(name, seed):
    model = built(STACKS[name], seed, scale=0.5)
    grid = grid_of(model)
    assert mass(model, grid) == pytest.approx(1, abs=2e-3)


@stacked
@seeded
def test_samples_follow_the_density(name, seed):
    """Means under the samples against integrals over the grid, at 4 standard errors each."""
    model = built(STACKS[name], seed, scale=0.5)
    x, grid = model.sample((20_000,), generator(seed)), grid_of(model)
    density = model.log_prob(grid.points).detach().exp()
    centre, spread = x.mean(0), x.std(0)
    waves = [(1.0, 0.0), (0.0, 1.0), (1.0, 1.0), (2.0, -1.0), (0.5, 3.0)]
    for wave in waves:
        for trig in (torch.sin, torch.cos):

            def test(points):
                return trig(((points - centre) / spread) @ torch.tensor(wave, dtype=DOUBLE))

            found, truth = Estimate.of(test(x)), grid.integrate(density * test(grid.points))
            assert abs(found.value - truth) < 4 * found.stderr + 2e-3, (wave, found, truth)


@conditional
@seeded
def test_conditional_densities_integrate_to_one_for_every_context(name, seed):
    layer = built(CONDITIONAL[name], seed)
    model = flow.Flow(flow.StandardNormal(layer.d), layer).double()
    for context in 2 * points(3, 2, seed=seed):
        assert mass(model, grid_of(model, context), context) == pytest.approx(1, abs=2e-3)


@conditional
def test_a_flow_of_a_context_is_a_distribution(name):
    layer = built(CONDITIONAL[name])
    model, contexts = flow.Flow(flow.StandardNormal(layer.d), layer).double(), points(3, 2)
    q = model(contexts)
    x, log_q = q.rsample_with_log_prob((5,), generator(0))
    assert x.shape == (5, 3, layer.d) and log_q.shape == (5, 3)
    torch.testing.assert_close(q.log_prob(x), log_q)
    torch.testing.assert_close(q.rsample((5,), generator(0)), x)
    torch.testing.assert_close(q.sample((5,), generator(0)), x.detach())
    for k, context in enumerate(contexts):
        torch.testing.assert_close(model.log_prob(x[:, k], context), log_q[:, k])
        torch.testing.assert_close(model(context).log_prob(x[:, k]), log_q[:, k])
    assert q.sample().shape == (3, layer.d) and x.requires_grad and not q.sample().requires_grad


@recipe
def test_recipes_start_at_the_identity_and_know_their_context(name):
    x = points(6, 3).float()
    for context in (0, 2):
        model = RECIPES[name](3, 4, (16,), context)
        c = torch.randn(6, 2) if context else None
        truth = flow.StandardNormal(3).log_prob(x)
        torch.testing.assert_close(model.log_prob(x, c), truth, atol=1e-5, rtol=1e-5)
        assert model.sample((2, 1), context=c).shape == ((2, 1, 6, 3) if context else (2, 1, 3))


@recipe
@seeded
@pytest.mark.parametrize("d", [2, 7])
def test_deep_stacks_are_inverted_in_single_precision(name, seed, d):
    # As much noise on a spline's 70 numbers makes slopes of e^±6, which rounding alone undoes.
    scale = 0.1 if name == "spline" else 0.3
    torch.manual_seed(seed)
    model = perturbed(RECIPES[name](d, 16), seed, scale)
    x = torch.randn(500, d, generator=generator(seed))
    with torch.no_grad():
        z, ladj = model.transform(x)
        back, inverse = model.transform.inverse(z)
        assert (z - x).abs().max() > scale  # it did something
        assert (back - x).abs().max() <= 1e-5
        assert (ladj + inverse).abs().max() <= 1e-4


@recipe
def test_recipes_in_one_dimension(name):
    if name in ("nice", "realnvp"):
        with pytest.raises(ValueError, match="d must be an integer of at least 2"):
            RECIPES[name](1)
        return
    model = built(lambda: RECIPES[name](1, 3, (8,)), scale=0.5)
    assert mass(model, grid_of(model, n=20_000)) == pytest.approx(1, abs=1e-3)


@recipe
def test_recipes_share_the_model_contract(name):
    model = built(lambda: RECIPES[name](2, 3, (8,)))
    x, log_q = model.rsample_with_log_prob((4,), generator(0))
    torch.testing.assert_close(model.log_prob(x), log_q)
    torch.testing.assert_close(model.rsample((4,), generator(0)), x)
    assert x.requires_grad and log_q.requires_grad and not model.sample((4,)).requires_grad
    loaded = built(lambda: RECIPES[name](2, 3, (8,)), seed=9)
    loaded.load_state_dict(model.state_dict())
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model)), loaded):
        torch.testing.assert_close(other.log_prob(x), model.log_prob(x), atol=0, rtol=0)
    for batch in [(), (0,), (2, 3)]:
        assert model.sample(batch).shape == (*batch, 2)
        assert model.log_prob(model.sample(batch)).shape == batch
    with torch.device("meta"):
        away = RECIPES[name](2, 3, (8,))
    assert away.sample((3,)).is_meta and away.log_prob(torch.empty(3, 2, device="meta")).is_meta
    per_point = torch.func.vmap(torch.func.grad(model.log_prob))(x.detach())
    y = x.detach().requires_grad_()
    torch.testing.assert_close(per_point, torch.autograd.grad(model.log_prob(y).sum(), y)[0])


def test_fresh_flows_are_drawn_from_torchs_global_generator_only():
    flows = []
    for _ in range(2):
        torch.manual_seed(3)
        flows.append([make(2, 2).state_dict() for make in RECIPES.values()])
    for first, second in zip(*flows):
        assert all(torch.equal(first[key], second[key]) for key in first)


def test_log_prob_is_the_change_of_variables_in_1d():
    """x = sinh z has a density one can write down."""

    class Asinh(flow.Transform):
        def forward(self, x, context=None):
            return x.asinh(), -0.5 * (1 + x**2).log().sum(-1)

    x = torch.linspace(-3, 3, 7, dtype=DOUBLE)[:, None]
    model = flow.Flow(flow.StandardNormal(1), Asinh())
    truth = torch.exp(-(x.asinh() ** 2) / 2) / math.sqrt(2 * math.pi) / (1 + x**2).sqrt()
    torch.testing.assert_close(model.log_prob(x).exp(), truth.squeeze(-1))
    with pytest.raises(NotImplementedError, match="Asinh needs inverse"):
        model.sample()


def test_a_learners_module_is_a_transform():
    class Doubling(nn.Module):
        def forward(self, x):
            return 2 * x, torch.full(x.shape[:-1], x.shape[-1] * math.log(2.0))

        def inverse(self, z):
            return z / 2, torch.full(z.shape[:-1], -z.shape[-1] * math.log(2.0))

    for transforms in (
        Doubling(),
        [Doubling()],
        nn.ModuleList([Doubling()]),
        flow.Inverse(flow.Inverse(Doubling())),
    ):
        model = flow.Flow(flow.StandardNormal(2), transforms)
        x = model.sample((20_000,), generator(0))
        assert x.std().item() == pytest.approx(0.5, abs=0.02)
        truth = torch.distributions.Normal(0.0, 0.5).log_prob(x).sum(-1)
        torch.testing.assert_close(model.log_prob(x), truth)


def test_any_density_can_be_the_base():
    """A mixture, a law of torch's, another flow: each is what the base is called for."""
    bases = [
        targets.ring(3),
        torch.distributions.MultivariateNormal(torch.zeros(2), torch.eye(2)),
        perturbed(flow.realnvp(2, 2)),
    ]
    for base in bases:
        model = flow.Flow(base, perturbed(flow.LU(2)))
        x, log_q = model.rsample_with_log_prob((10,))
        torch.testing.assert_close(model.log_prob(x), log_q)
        assert model.sample((3, 2)).shape == (3, 2, 2) and model.d == 2


def test_a_cut_flow_is_the_law_of_that_stage():
    model = perturbed(flow.realnvp(2, 4))
    z = model.base.sample((50,), generator(0))
    stages = list(model.transform.inverse_path(z))
    for k in range(5):
        cut = model[k:]
        torch.testing.assert_close(cut.sample((50,), generator(0)), stages[4 - k].detach())
        assert list(cut.transform) == list(model.transform)[k:]
    torch.testing.assert_close(model[4:].log_prob(z), model.base.log_prob(z))
    with pytest.raises(TypeError, match="slice"):
        model[0]
