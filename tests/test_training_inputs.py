"""Wrong losses and wrong arguments of training are named at once."""

from functools import partial
from itertools import repeat

import pytest
import torch
from torch import nn

from dgm_lib.nets import MLP
from dgm_lib.training import checkpoint, cosine, draws, epochs, fit, train
from tests.runs import DATA, TRUTH, net, no_bar, square  # noqa: F401


def detached(model, x):
    return model(x).detach().mean()


def test_wrong_losses_are_named():
    wrong = {
        "loss detached must depend on the model's parameters": detached,
        "must return a scalar tensor, got shape": lambda model, x: model(x),
        "must return a scalar tensor, got 3.0": lambda model, x: 3.0,
        "must return a scalar tensor, got None": lambda model, x: None,
        "must depend on the model's param": lambda m, x: torch.ones(2, requires_grad=True).sum(),
    }
    for message, loss in wrong.items():
        with pytest.raises(ValueError, match=message):
            next(train(MLP(2, 2), loss, repeat(DATA)))
    with pytest.raises(ValueError, match="loss detached"):
        next(train(MLP(2, 2), partial(detached), repeat(DATA)))


def test_wrong_arguments_are_refused_at_once():
    wrong = {
        "model must have parameters": dict(model=nn.Tanh()),
        "batches must be an iterable.*epochs": dict(batches=DATA),
        "batches must be an iterable.*draws": dict(batches=TRUTH),
        "steps must be": dict(steps=0),
        "lr must be": dict(lr=-1.0),
        "clip must be": dict(clip=0.0),
        "ema must be": dict(ema=1.0),
        "schedule needs steps": dict(schedule=cosine, steps=None),
    }
    for message, argument in wrong.items():
        options = {"model": MLP(2, 2), "loss": square, "batches": repeat(DATA), "steps": 5}
        with pytest.raises(ValueError, match=message):
            train(**{**options, **argument})
    with pytest.raises(ValueError, match="model must have parameters"):
        train(MLP(2, 2).requires_grad_(False), square, repeat(DATA))
    for call in (lambda: draws(TRUTH, 0), lambda: epochs(DATA, -1)):
        with pytest.raises(ValueError, match="size must be"):
            call()
    for data in (DATA[:0], (DATA, DATA[:3]), ()):
        with pytest.raises(ValueError, match="data must"):
            epochs(data, 2)
    with pytest.raises(ValueError, match="every must be"):
        checkpoint(iter(()), "x", every=0)
    with pytest.raises(ValueError, match="k must be"):
        fit(net(), square, repeat(DATA), steps=1).smooth(0)
