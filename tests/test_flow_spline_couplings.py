"""Gradients by hand, the stack of splines that runs as one, and the recipe made of it."""

from __future__ import annotations

import math

import pytest
import torch

from dgm_lib import nets
from dgm_lib.core import Grid, generator
from dgm_lib.models import flow
from dgm_lib.models.flow import columns
from dgm_lib.models.flow.by_hand import by_hand
from dgm_lib.models.flow.spline_couplings import SplineCouplings
from dgm_lib.targets import GALLERY
from tests.flows import DOUBLE, SEEDS, built, perturbed, points
from tests.gradients import assert_alike, grads

seeded = pytest.mark.parametrize("seed", SEEDS)
LAW = flow.Spline(bins=6, bound=3.0)


@seeded
@pytest.mark.parametrize("widths", [(3, 4), (2, 8, 4), (1, 5, 6, 3)])
def test_the_perceptrons_gradient_by_hand_is_torchs(seed, widths):
    rng = generator(seed)
    shapes = [shape for a, b in zip(widths, widths[1:]) for shape in ((b, a), (b,))]
    inputs = [torch.randn(s, generator=rng, dtype=DOUBLE) for s in ((widths[0], 9), *shapes)]
    inputs = [value.requires_grad_() for value in inputs]
    found = by_hand(lambda *a: ((out := columns.fast(*a))[0], out[1]), columns.plain, *inputs)
    expected = columns.plain(*inputs)
    assert_alike([found], [expected])
    assert_alike(grads((found,), inputs), grads((expected,), inputs))


# --------------------------------------------------------------------------- the stack


SHAPES = [(2, 0, 3), (2, 2, 2), (3, 0, 1), (5, 3, 4), (64, 2, 2)]


def stack(d: int, context: int, layers: int, seed: int = 0) -> SplineCouplings:
    """Spline couplings with random weights."""
    return built(lambda: SplineCouplings(d, LAW, layers, (8, 7), context), seed)


@seeded
@pytest.mark.parametrize(("d", "context", "layers"), SHAPES)
def test_the_stack_as_one_is_its_layers_one_by_one(d, context, layers, seed):
    model = stack(d, context, layers, seed)
    x = points(4, 3, d, seed=seed).requires_grad_()
    given = [points(4, 3, context, seed=9).requires_grad_()] if context else []
    found, expected = model(x, *given), flow.Chain.forward(model, x, *given)
    assert_alike(found, expected)
    inputs = [x, *given, *model.parameters()]
    expected_grads = grads(expected, inputs)
    for _ in range(2):  # a gradient can be asked for again
        assert_alike(grads(found, inputs), expected_grads)
    with torch.no_grad():
        back, inverse = model.inverse(found[0], *given)
    torch.testing.assert_close(back, x, atol=1e-8, rtol=0)
    torch.testing.assert_close(inverse, -found[1], atol=1e-7, rtol=0)
    assert len(model[1:]) == max(layers - 1, 0) and len(list(model.path(x, *given))) == layers + 1


def test_the_stack_takes_any_batch_and_is_differentiable_twice():
    model = stack(2, 0, 2)
    for batch in [(), (0,), (3, 1, 2)]:
        z, ladj = model(points(*batch, 2))
        assert z.shape == (*batch, 2) and ladj.shape == batch
    x = points(3, 2)
    assert torch.equal(stack(2, 0, 0)(x)[0], x) and not stack(2, 0, 0)(x)[1].any()
    x = points(3, 2).requires_grad_()
    assert torch.autograd.gradcheck(model, x) and torch.autograd.gradgradcheck(model, x)
    jacobian = torch.func.vmap(torch.func.jacrev(lambda x: model(x)[0]))(x)
    torch.testing.assert_close(jacobian.slogdet()[1], model(x)[1], atol=1e-9, rtol=0)


def test_the_stack_says_what_it_was_given():
    with pytest.raises(ValueError, match="x must have 3 as its last dimension"):
        stack(3, 0, 1)(points(5, 2))
    with pytest.raises(ValueError, match="context must be given"):
        stack(3, 2, 1)(points(5, 3))


# --------------------------------------------------------------------------- the recipe


@pytest.mark.parametrize("context", [0, 2])
@pytest.mark.parametrize("d", [1, 2, 5, 64])
def test_the_recipe_works_in_any_dimension(d, context):
    model = flow.spline(d, context=context)
    data = 3 + 2 * torch.randn(100, d, generator=generator(1))
    given = [torch.randn(100, context, generator=generator(2))] if context else []
    model = flow.spline(d, context=context, data=data)
    expected = torch.distributions.Normal(data.mean(0), data.std(0)).log_prob(data).sum(-1)
    torch.testing.assert_close(model.log_prob(data, *given), expected, atol=1e-3, rtol=1e-4)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    losses = []
    for _ in range(20):
        losses.append(-model.log_prob(data, *given).mean())
        optimizer.zero_grad()
        losses[-1].backward()
        optimizer.step()
    assert losses[-1] < losses[0]
    x = model.sample((7,), generator(0), *given)
    assert x.isfinite().all() and x.shape == ((7, 100, d) if context else (7, d))


@pytest.mark.parametrize("d", [1, 2])
def test_the_density_integrates_to_one(d):
    model = built(lambda: flow.spline(d, 2, (8,), bins=5))
    grid = Grid([[-9, 9]] * d, n=700 if d == 2 else 20_000)
    with torch.no_grad():
        assert grid.integrate(model.log_prob(grid.points).exp()) == pytest.approx(1, abs=1e-3)


@seeded
def test_a_trained_flow_is_close_to_the_truth_and_comes_back(seed):
    target, rng = GALLERY["moons"], generator(seed)
    torch.manual_seed(seed)
    model = flow.spline(2, data=target.sample((512,), rng))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 400)
    for _ in range(400):
        optimizer.zero_grad()
        (-model.log_prob(target.sample((512,), rng)).mean()).backward()
        optimizer.step()
        schedule.step()
    x = target.sample((5000,), rng)
    with torch.no_grad():
        assert (target.log_prob(x) - model.log_prob(x)).mean() < 0.05
        z, ladj = model.transform(x)
        back, inverse = model.transform.inverse(z)
    assert (back - x).abs().max() <= 1e-5
    assert (ladj + inverse).abs().max() <= 1e-3


def test_data_to_standardise_by_are_checked():
    for data in (
        torch.zeros(5, 3),
        torch.zeros(1, 2),
        torch.zeros(2),
        torch.full((5, 2), math.nan),
    ):
        with pytest.raises(ValueError, match="data"):
            flow.spline(2, data=data)
    still = flow.spline(2, data=torch.tensor([[1.0, 5.0], [3.0, 5.0]]))  # the second never varies
    assert still.log_prob(torch.tensor([2.0, 5.0])).isfinite()


def test_a_chain_that_was_changed_is_computed_layer_by_layer():
    """The node by hand knows only the layers as they were made."""
    torch.manual_seed(0)
    x = torch.randn(50, 2)

    def comes_back(chain):
        z, ladj = chain(x)
        back, inverse = chain.inverse(z)
        return torch.allclose(back, x, atol=1e-4) and torch.allclose(inverse, -ladj, atol=1e-3)

    other_net, longer, listened = (perturbed(flow.spline(2)).transform for _ in range(3))
    other_net[0].net = nets.MLP(1, other_net.law.size, (8,))
    longer.transforms.append(perturbed(flow.spline(2)).transform[0])
    heard = []
    listened[1].net.register_forward_hook(lambda *_: heard.append(1))
    assert comes_back(other_net) and comes_back(longer) and comes_back(listened) and heard


@pytest.mark.parametrize("plain", [False, True])
def test_under_autocast_the_splines_themselves_stay_precise(plain):
    """What networks say may be rounded; z, ladj and their gradients are of x's own precision."""
    torch.manual_seed(0)
    model = perturbed(flow.spline(2))
    if plain:  # layer by layer, where each net answers in half precision
        model.transform[0].net.register_forward_hook(lambda *_: None)
    x = torch.randn(50, 2)
    with torch.autocast("cpu", torch.bfloat16):
        half = model.log_prob(x)
    half.sum().backward()
    whole = model.log_prob(x)
    assert half.dtype == torch.float32 and (half - whole).abs().max() < 0.3
    assert all(p.grad.isfinite().all() for p in model.parameters())
