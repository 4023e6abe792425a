"""Wrong losses and wrong arguments of training are named at once."""

import math
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
        "schedule needs steps": dict(schedule=cosine, steps=None),
        "schedule must be a function, got a float": dict(schedule=0.5),
        "model must be a torch module, got None": dict(model=None),
        "loss must be a function, got None": dict(loss=None),
        "optimizer must be a function.*got a SGD": dict(optimizer=torch.optim.SGD([torch.ones(1)])),
        "optimizer must be a function.*one that returns a list": dict(optimizer=list),
        "optimizer must make a step.*LBFGS needs a closure": dict(optimizer=torch.optim.LBFGS),
    }
    values = {
        "steps": (0, True, 2.5, "a", math.nan),
        "lr": (-1.0, "a", math.nan, True, [0.1]),
        "clip": (0.0, "a", math.inf),
        "ema": (1.0, 0, "a"),
        "seed": ("a", 1.5, None),
    }
    cases = [(f"{name} must be", {name: bad}) for name in values for bad in values[name]]
    for message, argument in [*wrong.items(), *cases]:
        options = {"model": MLP(2, 2), "loss": square, "batches": repeat(DATA), "steps": 5}
        with pytest.raises(ValueError, match=message):
            train(**{**options, **argument})
    with pytest.raises(ValueError, match="model must have parameters"):
        train(MLP(2, 2).requires_grad_(False), square, repeat(DATA))
    for call in (lambda: draws(TRUTH, 0), lambda: epochs(DATA, -1)):
        with pytest.raises(ValueError, match="size must be"):
            call()
    for data in (DATA[:0], (DATA, DATA[:3]), (), [1, 2], torch.tensor(1.0), (DATA, [1])):
        with pytest.raises(ValueError, match="data must"):
            epochs(data, 2)
    for every in (0, math.nan, 2.5, "a"):
        with pytest.raises(ValueError, match="every must be"):
            checkpoint(iter(()), "x", every=every)
    with pytest.raises(ValueError, match="steps must be"):
        fit(net(), square, repeat(DATA), steps=None)
    with pytest.raises(ValueError, match="k must be"):
        fit(net(), square, repeat(DATA), steps=1).smooth(0)
