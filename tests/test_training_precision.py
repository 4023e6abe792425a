"""Mixed precision is one argument, a compiled loss another; neither changes what is learned."""

import math
from itertools import islice, repeat

import pytest
import torch
from torch import nn

from dgm_lib.nets import MLP
from dgm_lib.training import Diverged, checkpoint, cosine, epochs, load, train
from tests.runs import DATA, OPTIONS, equal, net, square

HALVES = [torch.bfloat16, torch.float16]


def smooth(model, x):
    return (model(x) - x.sin()).square().mean()


@pytest.mark.parametrize("precision", HALVES, ids=str)
def test_products_are_in_half_precision_and_the_weights_are_not(precision):
    found = set()

    def loss(model, x):
        found.add(model(x).dtype)
        return smooth(model, x)

    def run(**more):
        torch.manual_seed(0)
        return list(train(MLP(2, 2, (32,)), loss, repeat(DATA), steps=200, lr=0.01, **more))

    half = run(precision=precision)
    assert found == {precision} and not torch.is_autocast_enabled("cpu")
    whole = run()
    assert found == {precision, torch.float32}
    assert {p.dtype for p in half[-1].model.parameters()} == {torch.float32}
    # A product's relative error is 2^-8 or 2^-11, and of a residual of size 1 that is all there is.
    assert half[0].loss == pytest.approx(whole[0].loss, rel=0.02) and half[0].loss != whole[0].loss
    assert max(half[-1].loss, whole[-1].loss) < 0.02 * whole[0].loss


def steep(model, x):
    """A loss whose gradient, 2^16 times as long, is beyond float16's 65504."""
    return 100 * model(x).square().mean()


def test_updates_that_float16_overflows_are_left_out():
    torch.manual_seed(0)
    model = nn.Linear(2, 2)
    before = [p.detach().clone() for p in model.parameters()]
    run = train(model, steep, repeat(DATA), steps=60, lr=0.1, ema=0.9, precision=torch.float16)
    first = next(run)
    assert math.isfinite(first.loss) and not math.isfinite(first.grad_norm)
    assert equal(before, [p.detach() for p in model.parameters()])
    rest = list(run)
    assert sum(not math.isfinite(step.grad_norm) for step in rest) < 10
    assert math.isfinite(rest[-1].grad_norm) and rest[-1].loss < first.loss / 100
    torch.manual_seed(0)
    whole = train(nn.Linear(2, 2), steep, repeat(DATA), steps=60, lr=0.1)
    assert next(whole).loss == pytest.approx(first.loss, rel=0.02)


def test_float16_resumes_to_the_bit_with_the_scale_that_it_had(tmp_path):
    def run(**more):
        options = {**OPTIONS, "precision": torch.float16, **more}
        torch.manual_seed(0)
        return train(nn.Linear(2, 2), steep, epochs(DATA, 5), **options)

    whole = list(checkpoint(run(), tmp_path / "whole.pt"))
    list(islice(checkpoint(run(), tmp_path / "half.pt", every=3), 3))
    rest = list(checkpoint(run(resume=tmp_path / "half.pt"), tmp_path / "rest.pt"))
    assert [s.loss for s in whole[3:]] == [s.loss for s in rest]
    assert equal(load(tmp_path / "whole.pt"), load(tmp_path / "rest.pt"))
    with pytest.raises(ValueError, match=r"precision must be torch\.float16, as in .*, got None"):
        run(resume=tmp_path / "half.pt", precision=None)


@pytest.mark.parametrize("precision", HALVES, ids=str)
def test_a_gradient_that_is_nan_in_any_scale_is_a_divergence(precision):
    model = nn.Linear(2, 2)

    def loss(model, x):
        return model(x).square().mean() + (0 * model.bias).square().sum().sqrt()

    with pytest.raises(Diverged, match="the gradient has norm nan.*bias"):
        list(train(model, loss, repeat(DATA), steps=30, precision=precision))
    assert all(p.isfinite().all() and p.grad is None for p in model.parameters())


def test_a_checkpoint_from_before_there_was_a_precision_resumes():
    state = next(train(net(), square, repeat(DATA))).state()
    for name in ("precision", "processes"):
        del state["settings"][name]
    del state["scaler"]
    assert next(train(net(), square, repeat(DATA), resume=state)).index == 2


@pytest.mark.parametrize("wrong", [torch.float32, torch.float64, torch.int8, "bf16", 16, True])
def test_other_precisions_are_refused(wrong):
    with pytest.raises(ValueError, match=r"precision must be torch\.bfloat16, torch\.float16 or"):
        train(net(), square, repeat(DATA), precision=wrong)


@pytest.mark.parametrize("precision", [None, torch.bfloat16], ids=str)
def test_a_compiled_loss_trains_as_the_loss_does(precision):
    def run(loss):
        torch.manual_seed(0)
        model, options = MLP(2, 2, (8,)), dict(steps=9, schedule=cosine, precision=precision)
        steps = list(train(model, loss, repeat(DATA), **options))
        return [step.loss for step in steps], dict(model.state_dict())

    torch._dynamo.reset()
    assert equal(run(torch.compile(smooth, backend="eager")), run(smooth))
