"""Chains that do not go on, or not with the steps that they are given."""

import torch

from dgm_lib.exercises.energy_models.persistent_answers.pieces import (
    Chains,
    run,
    with_methods,
)


def _not_kept(self, step, k=1):
    return run(self.x, step, k)


def _drops_the_result(self, step, k=1):
    for _ in range(k):
        step(self.x)
    return self.x


def _one_step(self, step, k=1):
    self.x = step(self.x).detach()
    return self.x


def _from_one_point(self, step, k=1):
    for _ in range(k):
        x = step(self.x).detach()
    self.x = x
    return self.x


def _keeps_the_first_step(self, step, k=1):
    self.x = step(self.x).detach()
    return run(self.x, step, k - 1)


def _one_too_many(self, step, k=1):
    self.x = run(self.x, step, k + 1)
    return self.x


def _one_too_few(self, step, k=1):
    self.x = run(self.x, step, k - 1)
    return self.x


def _adds_the_step(self, step, k=1):
    for _ in range(k):
        self.x = self.x + step(self.x).detach()
    return self.x


def _chain_by_chain(self, step, k=1):
    self.x = torch.stack([run(x, step, k) for x in self.x])
    return self.x


def _row_by_row(self, step, k=1):
    self.x = torch.cat([run(x[None], step, k) for x in self.x])
    return self.x


def _first_step_forever(self, step, k=1):
    self.step = getattr(self, "step", step)
    self.x = run(self.x, self.step, k)
    return self.x


def _first_k_forever(self, step, k=1):
    self.k = getattr(self, "k", k)
    self.x = run(self.x, step, self.k)
    return self.x


def _counts_all_steps(self, step, k=1):
    self.steps = getattr(self, "steps", 0) + k
    self.x = run(self.x, step, self.steps)
    return self.x


def _up_to_k_in_all(self, step, k=1):
    self.steps = getattr(self, "steps", 0)
    while self.steps < k:
        self.x, self.steps = step(self.x).detach(), self.steps + 1
    return self.x


def _steps_twice(self, step, k=1):
    for _ in range(k):
        step(self.x)
        self.x = step(self.x).detach()
    return self.x


def _ten_by_default(self, step, k=10):
    return Chains.advance(self, step, k)


def _k_needed(self, step, k):
    return Chains.advance(self, step, k)


def _shuffles(self, step, k=1):
    self.x = run(self.x, step, k).flip(0)
    return self.x


WRONG = (
    (
        "not kept",
        with_methods(_not_kept),
        "every call starts from x0 again, as CD-k does from the data: the new chains are not kept, "
        "put them into self.x",
    ),
    (
        "one step",
        with_methods(_one_step),
        "every call takes one step only: is k not used, or the `return` inside the loop?",
    ),
    (
        "result dropped",
        with_methods(_drops_the_result),
        "what step returns is dropped, and the chains stay where they are: self.x = step(self.x)",
    ),
    (
        "from one point",
        with_methods(_from_one_point),
        "each of the k steps starts from the same chains: give a step what the one before returned",
    ),
    (
        "keeps the first step",
        with_methods(_keeps_the_first_step),
        "only the first of the k steps is kept: the next call must start from the last",
    ),
    (
        "one too many",
        with_methods(_one_too_many),
        "k + 1 steps are taken: range(k) makes k of them",
    ),
    ("one too few", with_methods(_one_too_few), "k − 1 steps are taken: range(k) makes k of them"),
    (
        "adds the step",
        with_methods(_adds_the_step),
        "step(x) is added to x: it returns the new points, not how far to move",
    ),
    (
        "chain by chain",
        with_methods(_chain_by_chain),
        "step is given single chains: it takes all of them at once, (n, d)",
    ),
    (
        "row by row",
        with_methods(_row_by_row),
        "step is given single chains, as (1, d): it takes all of them at once, (n, d)",
    ),
    (
        "the first step forever",
        with_methods(_first_step_forever),
        "the step of the first call is used forever: the model learns, so each call brings its own",
    ),
    (
        "the first k forever",
        with_methods(_first_k_forever),
        "the k of the first call is used forever: each call brings its own",
    ),
    (
        "counts all steps",
        with_methods(_counts_all_steps),
        "k is added up over the calls: each call takes only its own k steps",
    ),
    (
        "up to k in all",
        with_methods(_up_to_k_in_all),
        "k counts the steps of all calls: each call takes k more",
    ),
    (
        "steps twice",
        with_methods(_steps_twice),
        "step is called twice for each step kept: its noise is then another one, and half the work "
        "is lost",
    ),
    (
        "ten by default",
        with_methods(_ten_by_default),
        "`advance(step)` must take one step: the default of k is 1",
    ),
    (
        "k needed",
        with_methods(_k_needed),
        "`advance(step)` must take one step: give k the default 1",
    ),
    (
        "changes the order",
        with_methods(_shuffles),
        "the chains change places: row i is the same chain in every call",
    ),
)
