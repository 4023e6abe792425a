"""The No-U-Turn sampler: Hamiltonian Monte Carlo that finds out how far to go."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from dgm_lib.core import whole
from dgm_lib.samplers.mcmc.hamiltonian import leapfrog
from dgm_lib.samplers.mcmc.kernel import Kernel, Step, column, normal, positive, uniform
from dgm_lib.samplers.mcmc.law import Function, Law
from dgm_lib.samplers.mcmc.state import State

_DIVERGENT = 1000.0  # an energy that is off by this much has left the true way for good


def nuts(
    log_prob: Function,
    step: Step,
    max_depth: int = 10,
    score: Function | None = None,
    keep_path: bool = False,
) -> Kernel:
    """The No-U-Turn sampler: double a trajectory, forwards or backwards, until it turns round.

    The new x is one of the trajectory's points, drawn with weights exp(-H) and with a preference
    for the newer half. A half that turns within itself, or whose energy diverges, ends the doubling
    and is left out. All chains double together, each until its own end; `accept_prob` is the mean
    of min(1, exp(H - H')) over the points, whose number is `leapfrogs`. `log_prob` may leave out
    its normaliser. Hoffman and Gelman, "The No-U-Turn sampler" (2014); in this form Betancourt, "A
    conceptual introduction to Hamiltonian Monte Carlo" (2017).
    """
    law, step = Law(log_prob, score), positive("step", step)
    max_depth = whole("max_depth", max_depth, at_most=20)

    def move(state: State, generator: Generator | None) -> State:
        tree = _Tree(law, state, normal(state.x, generator), keep_path)
        for depth in range(max_depth):
            forwards = uniform(state.log_p, generator) < 0.5
            half = tree.half(forwards, column(step, state.x), 2**depth, generator)
            tree.join(half, forwards, generator)
            if not tree.growing.any():
                break
        return state.replace(
            x=tree.chosen.x,
            log_p=tree.chosen.log_p,
            score=tree.chosen.score,
            proposal=tree.chosen.x,
            accept_prob=tree.acceptance / tree.count,
            accepted=tree.chosen.place != 0,
            step=step,
            path=tree.path(),
            leapfrogs=tree.count.long(),
        )

    return Kernel(law, move, step, gradients=True)


@dataclass
class _Point:
    """Points in phase space, one per chain, and how many steps they are from the start."""

    x: Tensor
    v: Tensor
    score: Tensor
    log_p: Tensor
    place: Tensor

    @property
    def energy(self) -> Tensor:
        return self.v.square().sum(dim=-1) / 2 - self.log_p

    def or_else(self, choose: Tensor, other: _Point) -> _Point:
        """This point, and for the chosen chains the other one."""
        row = choose[..., None]
        return _Point(
            torch.where(row, other.x, self.x),
            torch.where(row, other.v, self.v),
            torch.where(row, other.score, self.score),
            torch.where(choose, other.log_p, self.log_p),
            torch.where(choose, other.place, self.place),
        )


@dataclass
class _Half:
    """A half of a tree: its outer end, a point drawn from it, and sums over its points."""

    end: _Point
    chosen: _Point
    log_w: Tensor  # log sum exp(H0 - H)
    momentum: Tensor  # sum v
    sound: Tensor  # neither turned within itself nor diverged


class _Tree:
    """The trajectories of all chains, as far as they have grown."""

    def __init__(self, law: Law, state: State, v: Tensor, keep_path: bool) -> None:
        self.law = law
        zero = torch.zeros_like(state.log_p)
        self.left = self.right = self.chosen = _Point(state.x, v, state.score, state.log_p, zero)
        self.energy = self.chosen.energy
        self.log_w, self.momentum = zero, v
        self.acceptance = self.count = zero
        self.growing = torch.ones_like(zero, dtype=torch.bool)
        self.visited = [self.chosen] if keep_path else None

    def half(self, forwards: Tensor, step: Step, n: int, generator: Generator | None) -> _Half:
        """n more points at the end that each chain has chosen, which join the tree later or not."""
        end = self.left.or_else(forwards, self.right)
        direction = torch.where(forwards, 1.0, -1.0).to(end.x)
        none = torch.full_like(self.log_w, -math.inf)
        half = _Half(end, end, none, torch.zeros_like(end.x), self.growing)
        marks: dict[int, tuple[Tensor, Tensor]] = {}
        for i in range(n):
            new = self._step(half.end, direction, step)
            gain = (self.energy - new.energy).nan_to_num(nan=-math.inf)
            self.acceptance = self.acceptance + half.sound * gain.clamp(max=0).exp()
            self.count = self.count + half.sound
            half.sound = half.sound & (gain > -_DIVERGENT)
            marks[i] = new.v, half.momentum
            half.end = half.end.or_else(half.sound, new)
            half.log_w = torch.logaddexp(half.log_w, gain)
            take = uniform(gain, generator).log() < gain - half.log_w
            half.chosen = half.chosen.or_else(half.sound & take, new)
            half.momentum = half.momentum + new.v
            half.sound = half.sound & ~_has_turned_within(marks, i, new.v, half.momentum)
            if self.visited is not None:
                self.visited.append(half.end)
            if not half.sound.any():
                break
        return half

    def join(self, half: _Half, forwards: Tensor, generator: Generator | None) -> None:
        """Take in the halves that are sound, and see which trees have turned round by that."""
        gain = half.log_w - self.log_w
        take = uniform(gain, generator).log() < gain
        self.chosen = self.chosen.or_else(half.sound & take, half.chosen)
        self.right = self.right.or_else(half.sound & forwards, half.end)
        self.left = self.left.or_else(half.sound & ~forwards, half.end)
        # What is added for the others does not matter: they have stopped for good.
        self.log_w = torch.logaddexp(self.log_w, half.log_w)
        self.momentum = self.momentum + half.momentum
        self.growing = half.sound & ~_has_turned(self.left.v, self.right.v, self.momentum)

    def path(self) -> Tensor | None:
        """The points visited in the order of the trajectory; a chain that stops early repeats."""
        if self.visited is None:
            return None
        places = torch.stack([point.place for point in self.visited])
        order = places.argsort(dim=0, stable=True)[..., None]
        return torch.stack([point.x for point in self.visited]).take_along_dim(order, dim=0)

    def _step(self, at: _Point, direction: Tensor, step: Step) -> _Point:
        found = []

        def score(x: Tensor) -> Tensor:
            if x is at.x:
                return at.score
            found[:] = self.law.gradient(x)
            return found[1]

        x, v = leapfrog(at.x, at.v, score, direction[..., None] * step, 1)
        log_p, s = self.law.judged(x, *found)
        return _Point(x, v, s, log_p, at.place + direction)


def _has_turned(first: Tensor, last: Tensor, momentum: Tensor) -> Tensor:
    """Whether one end of a stretch moves back towards the other, as seen from its sum of v."""
    return ((first * momentum).sum(dim=-1) <= 0) | ((last * momentum).sum(dim=-1) <= 0)


def _has_turned_within(
    marks: dict[int, tuple[Tensor, Tensor]], i: int, v: Tensor, momentum: Tensor
) -> Tensor:
    """Whether one of the sub-trees that point i completes has turned round.

    They hold the last 2, 4, 8, ... points. `marks` has v at a point and the sum of v before it, for
    the first point of each sub-tree that is open; the others are dropped.
    """
    turned = torch.zeros_like(v[..., 0], dtype=torch.bool)
    size = 2
    while (i + 1) % size == 0:
        marks.pop(i + 1 - size // 2)
        first, before = marks[i + 1 - size]
        turned = turned | _has_turned(first, v, momentum - before)
        size *= 2
    return turned
