"""Training learns: updates, rates, averages, clipping and batches are what they claim to be."""

import math
from contextlib import closing
from functools import partial
from itertools import islice, repeat

import pytest
import torch
from torch import nn
from torch.distributions import Independent, Normal

from dgm_lib.metrics import nll_gap
from dgm_lib.nets import MLP
from dgm_lib.objectives import nll
from dgm_lib.training import constant, cosine, draws, epochs, fit, train
from tests.runs import DATA, TRUTH, equal, net, no_bar, square  # noqa: F401


class Gaussian(nn.Module):
    def __init__(self):
        super().__init__()
        self.mu, self.log_sigma = (nn.Parameter(torch.zeros(2).double()) for _ in range(2))

    def log_prob(self, x):
        return Independent(Normal(self.mu, self.log_sigma.exp()), 1).log_prob(x)


@pytest.mark.parametrize("seed", range(3))
def test_a_gaussian_is_fitted_to_a_thousandth_of_a_nat(seed):
    history = fit(Gaussian(), nll, draws(TRUTH, 256), steps=600, lr=0.05, seed=seed)
    torch.manual_seed(100 + seed)
    assert nll_gap(history.model, TRUTH, TRUTH.sample((4000,))).value < 1e-3
    assert history.smooth(50)[-1] < history.smooth(50)[50] - 0.5


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, partial(torch.optim.SGD, momentum=0.5)])
def test_another_optimiser_takes_the_given_rate(optimizer):
    model = nn.Linear(1, 1, bias=False)
    start = model.weight.item()
    loss = lambda model, x: model(x).sum()  # noqa: E731
    run = train(model, loss, [torch.ones(1, 1)], optimizer=optimizer, lr=0.25)
    assert next(run).model.weight.item() == pytest.approx(start - 0.25)


def test_cosine_is_the_default_and_starts_at_the_full_rate():
    lrs = [step.lr for step in train(net(), square, repeat(DATA), steps=8, lr=0.1)]
    assert lrs == pytest.approx([0.05 * (1 + math.cos(math.pi * k / 8)) for k in range(8)])
    for options in (dict(steps=5, schedule=constant), dict()):
        run = islice(train(net(), square, repeat(DATA), lr=0.1, **options), 5)
        assert [step.lr for step in run] == [0.1] * 5
    assert (cosine(0), cosine(0.5), cosine(1)) == pytest.approx((1, 0.5, 0))


def test_groups_of_parameters_keep_their_own_rates():
    def optimizer(parameters):
        first = {"params": parameters[:2], "lr": 1.0}
        return torch.optim.SGD([first, {"params": parameters[2:]}], lr=0.5)

    run = train(net(), square, repeat(DATA), steps=2, optimizer=optimizer, schedule=lambda s: 1 - s)
    groups = [step.state()["optimizer"]["param_groups"] for step in run]
    rates = [[group["lr"] for group in step] for step in groups]
    assert rates == [[1.0, 0.5], [0.5, 0.25]]


def test_the_average_is_its_recursion():
    expected = None
    for step in train(net(), square, repeat(DATA), steps=20, lr=0.01, ema=0.9):
        weights = [p.detach().clone() for p in step.model.parameters()]
        if expected is None:
            expected = weights
        else:
            expected = [0.9 * e + 0.1 * w for e, w in zip(expected, weights)]
        torch.testing.assert_close(list(step.averaged.parameters()), expected)
    assert type(step.averaged) is type(step.model)


def test_clipping_bounds_the_update_and_reports_the_norm_before():
    model = MLP(2, 2)
    before = nn.utils.parameters_to_vector(model.parameters()).detach().clone()
    loss = lambda model, x: 1e4 * model(x).square().mean()  # noqa: E731
    run = train(model, loss, repeat(DATA), optimizer=torch.optim.SGD, lr=1.0, clip=0.5)
    step = next(run)
    moved = (nn.utils.parameters_to_vector(model.parameters()) - before).norm()
    assert step.grad_norm > 1 and moved.item() == pytest.approx(0.5, rel=1e-4)


def test_steps_see_the_loss_and_gradient_the_update_was_made_from():
    model = nn.Linear(1, 1, bias=False)
    weight = model.weight.item()
    step = next(train(model, lambda m, x: m(x).square().mean(), [torch.full((3, 1), 2.0)]))
    assert step.index == 1
    assert step.loss == pytest.approx(4 * weight**2)
    assert step.grad_norm == pytest.approx(abs(8 * weight))


def test_updates_run_in_training_mode_and_the_consumers_mode_is_kept():
    model, seen = net(), []

    def loss(model, x):
        seen.append(model.training)
        return square(model, x)

    for step in train(model, loss, repeat(DATA), steps=4):
        assert model.training == (step.index in (1,))
        model.eval()
    assert seen == [True] * 4 and not model.training


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("part", [True, False])
def test_every_part_of_the_model_is_left_in_the_mode_it_was_in(whole, part):
    model = net(0.5).train(whole)
    model[1].train(part)
    modes = [module.training for module in model.modules()]
    for _ in train(model, square, repeat(DATA), steps=3):
        assert [module.training for module in model.modules()] == modes


def test_frozen_parameters_stay_and_a_run_may_be_closed():
    model = net()
    model[0].requires_grad_(False)
    before = {name: p.detach().clone() for name, p in model[0].named_parameters()}
    with closing(train(model, square, repeat(DATA), ema=0.9)) as run, torch.no_grad():
        assert next(run).grad_norm > 0  # under the consumer's no_grad, too
    assert equal(before, {name: p.detach() for name, p in model[0].named_parameters()})


# --------------------------------------------------------------------------- batches


def test_every_point_comes_once_an_epoch_in_another_order():
    torch.manual_seed(0)
    x, y = torch.arange(10), torch.arange(10) * 2
    batches = iter(epochs((x, y), 4))
    orders = []
    for _ in range(3):
        parts = list(islice(batches, 3))
        assert [len(a) for a, _ in parts] == [4, 4, 2]
        assert all(torch.equal(b, 2 * a) for a, b in parts)
        orders.append(torch.cat([a for a, _ in parts]))
        assert torch.equal(orders[-1].sort().values, x)
    assert not torch.equal(orders[0], orders[1])


def test_tuples_are_passed_on_and_finite_batches_end_a_run_without_steps():
    loss = lambda model, x, y: (model(x) - y).square().mean()  # noqa: E731
    assert len(list(train(nn.Linear(2, 2), loss, [(DATA, DATA)] * 5))) == 5
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(DATA, DATA), batch_size=5)
    assert len(list(train(nn.Linear(2, 2), loss, loader))) == 3
    with pytest.raises(ValueError, match="batches must last for 9 steps, but ended after 5"):
        list(train(nn.Linear(2, 2), loss, [(DATA, DATA)] * 5, steps=9))
