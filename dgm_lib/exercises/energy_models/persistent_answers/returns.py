"""Chains that move as they should, and something else that is returned."""

import torch

from dgm_lib.exercises.energy_models.persistent_answers.pieces import run, with_methods


def _returns_the_old(self, step, k=1):
    before = self.x
    self.x = run(self.x, step, k)
    return before


def _returns_nothing(self, step, k=1):
    self.x = run(self.x, step, k)


def _returns_itself(self, step, k=1):
    self.x = run(self.x, step, k)
    return self


def _returns_all(self, step, k=1):
    visited = []
    for _ in range(k):
        self.x = step(self.x).detach()
        visited.append(self.x)
    return torch.stack(visited)


def _returns_a_list(self, step, k=1):
    return list(_returns_all(self, step, k))


def _returns_all_in_a_row(self, step, k=1):
    return _returns_all(self, step, k).flatten(0, 1)


def _yields(self, step, k=1):
    for _ in range(k):
        self.x = step(self.x).detach()
        yield self.x


def _averages_the_steps(self, step, k=1):
    return _returns_all(self, step, k).mean(0)


def _averages_the_chains(self, step, k=1):
    self.x = run(self.x, step, k)
    return self.x.mean(0)


def _returns_numpy(self, step, k=1):
    self.x = run(self.x, step, k)
    return self.x.numpy()


WRONG = (
    (
        "returns the old",
        with_methods(_returns_the_old),
        "you return the chains as they were before the steps: return the new ones",
    ),
    (
        "returns nothing",
        with_methods(_returns_nothing),
        "`advance` moves the chains but returns nothing: they are the negatives, return them",
    ),
    (
        "returns itself",
        with_methods(_returns_itself),
        "`advance` returns the object: return its chains, a tensor (n, d)",
    ),
    (
        "returns all",
        with_methods(_returns_all),
        "`advance` returns the chains after each of the k steps: only the last are asked for",
    ),
    (
        "returns a list",
        with_methods(_returns_a_list),
        "`advance` returns a list of all k steps: return the last chains, a tensor (n, d)",
    ),
    (
        "returns all in a row",
        with_methods(_returns_all_in_a_row),
        "`advance` returns the chains of all k steps in one tensor: only the last are asked for",
    ),
    (
        "yields",
        with_methods(_yields),
        "`advance` is a generator: nothing moves until it is iterated. Use `return` after the loop",
    ),
    (
        "averages the steps",
        with_methods(_averages_the_steps),
        "the k steps are averaged: a mean of samples is no sample, return the last",
    ),
    (
        "averages the chains",
        with_methods(_averages_the_chains),
        "the chains are averaged: every one of them is a negative, return all (n, d)",
    ),
    (
        "returns numpy",
        with_methods(_returns_numpy),
        "`advance` returns a numpy array: stay in torch",
    ),
)
