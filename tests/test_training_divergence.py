"""Divergence: what is not finite stops the run, is explained, and leaves sound weights."""

import math
from itertools import repeat

import pytest
from torch import nn

from dgm_lib.training import Diverged, fit, train
from tests.runs import DATA, equal, net, no_bar, square  # noqa: F401


def snapshot(step):
    return [t.detach().clone() for t in (*step.model.parameters(), *step.averaged.parameters())]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_goes_back_to_weights_whose_loss_was(bad):
    def loss(model, x):
        loss.calls += 1
        return square(model, x) * (bad if loss.calls == 8 else 1)

    loss.calls = 0
    model, kept = net(), {}
    with pytest.raises(Diverged, match=f"at step 8: the loss is {bad}.*learning rate") as caught:
        for step in train(model, loss, repeat(DATA), steps=20, lr=0.01, ema=0.9):
            kept[step.index] = snapshot(step)
    # The weights after step 7 gave the bad loss; those after step 6 gave a finite one.
    assert equal(kept[6], snapshot(step)) and caught.value.step == 8
    assert all(p.grad is None for p in model.parameters())
    assert all(b.isfinite().all() for b in model.buffers())


def test_a_gradient_that_is_not_finite_is_not_applied_and_its_parameter_named():
    model = nn.Linear(2, 1)

    def loss(model, x):
        loss.calls += 1
        return model(x).square().mean() + (model.bias * (loss.calls < 4)).square().sum().sqrt()

    loss.calls, kept = 0, {}
    with pytest.raises(Diverged, match="step 4: the gradient has norm nan.*bias"):
        for step in train(model, loss, repeat(DATA), lr=0.01, ema=0.5):
            kept[step.index] = snapshot(step)
    assert equal(kept[3], snapshot(step))


@pytest.mark.parametrize("steps", [1, 10])
def test_an_update_to_infinity_is_undone_before_anybody_sees_it(steps):
    model = net()
    before = [p.detach().clone() for p in model.parameters()]
    with pytest.raises(Diverged, match="step 1: the update made the weights infinite"):
        list(train(model, square, repeat(DATA), steps=steps, lr=1e39))
    assert equal(before, [p.detach() for p in model.parameters()])


def test_bad_data_are_blamed_on_the_data():
    model = net()
    with pytest.raises(Diverged, match="step 3.*batch itself"):
        list(train(model, square, [DATA, DATA, DATA * math.nan]))
    assert all(t.isfinite().all() for t in model.state_dict().values())
    with pytest.raises(Diverged, match="step 1"):
        fit(net(), square, repeat(DATA * math.inf), steps=5)
