"""Chains that keep a graph, share their memory or start elsewhere."""

import torch

from dgm_lib.exercises.energy_models.persistent_answers.pieces import run, with_methods


def _aliases(self, x0):
    self.x = x0


def _asks_for_gradients(self, step, k=1):
    self.x = run(self.x, step, k).requires_grad_()
    return self.x


def _no_detach(self, step, k=1):
    for _ in range(k):
        self.x = step(self.x)
    return self.x


def _detaches_what_it_returns(self, step, k=1):
    return _no_detach(self, step, k).detach()


def _detaches_what_it_keeps(self, step, k=1):
    x = _no_detach(self, step, k)
    self.x = x.detach()
    return x


def _detaches_before_the_step(self, step, k=1):
    for _ in range(k):
        self.x = step(self.x.detach())
    return self.x


def _copies_into_itself(self, step, k=1):
    for _ in range(k):
        self.x.copy_(step(self.x.clone()).detach())
    return self.x


def _noise(self, x0):
    self.x = torch.randn_like(x0)


def _zeros(self, x0):
    self.x = torch.zeros_like(x0)


def _one_chain(self, x0):
    self.x = x0[:1].clone()


class _Shared:
    """One state for all objects of the class."""

    state = {}

    def __init__(self, x0):
        self.state["x"] = x0.detach().clone()

    def advance(self, step, k=1):
        self.state["x"] = run(self.state["x"], step, k)
        return self.state["x"]


NOISE = (
    "noise",
    with_methods(init=_noise),
    "the chains start from random points: they start from x0",
)


WRONG = (
    (
        "no detach",
        with_methods(_no_detach),
        "the samples hang on the model's graph, which grows from call to call: detach what "
        "each step returns",
    ),
    (
        "detaches what it returns",
        with_methods(_detaches_what_it_returns),
        "the chains are kept with their graph, which grows from call to call: detach what "
        "you keep, not only what you return",
    ),
    (
        "detaches what it keeps",
        with_methods(_detaches_what_it_keeps),
        "what you return hangs on the model's graph: detach it as you do what you keep",
    ),
    (
        "detaches before the step",
        with_methods(_detaches_before_the_step),
        "you detach before the step, so that the last one still hangs on the model's graph: detach "
        "its result",
    ),
    (
        "asks for gradients",
        with_methods(_asks_for_gradients),
        "the samples are detached, but ask for gradients anew: leave requires_grad off",
    ),
    (
        "alias",
        with_methods(init=_aliases),
        "the chains move when x0 is written to later: start from x0.clone()",
    ),
    (
        "writes into x0",
        with_methods(_copies_into_itself, _aliases),
        "`advance` writes into x0: keep the chains in a tensor of their own",
    ),
    (
        "writes into what it returned",
        with_methods(_copies_into_itself),
        "the samples of one call change in the next: `advance` writes into the tensor that it "
        "returned",
    ),
    ("zeros", with_methods(init=_zeros), "the chains start from zero: they start from x0"),
    ("one chain", with_methods(init=_one_chain), "only the first chain is kept: x0 has n of them"),
    (
        "shared",
        _Shared,
        "two sets of chains share their state: keep it in `self`, set in `__init__`",
    ),
)
