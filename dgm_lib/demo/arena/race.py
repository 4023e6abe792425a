"""The simulation of the arena explorer: two contenders in training, and their snapshots."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Generator

from dgm_lib import arena
from dgm_lib.core import RandomStream
from dgm_lib.demo.arena.truth import SAMPLES, Truth
from dgm_lib.demo.laws import Laws
from dgm_lib.demo.run import Frame

SHOTS = 30  # snapshots of a training, the more of them the earlier
AT_ONCE = "exact"  # the likelihood that is quick enough to be asked for at each of them
SIDES = ("left", "right")


@dataclass(frozen=True)
class Shot:
    """What a contender was like at some time: its samples (n, 2), and how far they are off."""

    truth: Truth
    steps: int
    seconds: float
    samples: np.ndarray
    jsd: float
    gap: float | None

    @cached_property
    def density(self) -> np.ndarray:
        """That of the samples over the view, blurred."""
        return self.truth.blurred(self.samples)


class Side:
    """A family in training on a law, under a budget, and the snapshots that were taken of it."""

    def __init__(
        self, name: str, contender: Any, truth: Truth, budget: arena.Steps | arena.Seconds
    ) -> None:
        self.name, self.contender, self.truth, self.budget = name, contender, truth, budget
        self.shots: list[Shot] = []
        self.now = arena.Round(0.0, 0, 0.0)
        self.stream = RandomStream(0, "cpu")

    @property
    def by_time(self) -> bool:
        """Whether the budget is one of seconds."""
        return isinstance(self.budget, arena.Seconds)

    def training(self, seed: int) -> Iterator[Shot | None]:
        """One update each; a snapshot, when one was taken."""
        for now in arena.rounds(self.contender, self.truth.law, self.budget, seed):
            self.now = now
            due = now.done >= (len(self.shots) / SHOTS) ** 2 or now.done >= 1
            yield self.shoot() if due else None

    @torch.no_grad()
    def shoot(self) -> Shot:
        """Take a snapshot."""
        with self.stream:
            x = self.contender.sample(SAMPLES).detach().cpu()
            quick = getattr(self.contender, "likelihood", None) == AT_ONCE
            gap = self.truth.gap(self.contender) if quick else None
        seen = x[x.isfinite().all(dim=1)].double().numpy()
        _, steps, seconds = self.now
        self.shots.append(Shot(self.truth, steps, seconds, seen, self.truth.jsd(x), gap))
        return self.shots[-1]

    def at(self, percent: float) -> Shot:
        """The snapshot at this share of the training so far."""
        limit = percent / 100 * self.clock(self.shots[-1])
        past = [shot for shot in self.shots if self.clock(shot) <= limit]
        return past[-1] if past else self.shots[0]

    def clock(self, shot: Shot) -> float:
        """When it was taken: seconds or steps, as the budget counts."""
        return shot.seconds if self.by_time else shot.steps


class Race:
    """`sim(p, rng)`, with families by name, and laws of which the `Truth` is known."""

    def __init__(self, families: Mapping[str, Callable[[int], Any]], laws: Laws) -> None:
        self.families, self.laws = families, laws

    def __call__(self, p: SimpleNamespace, rng: Generator) -> Iterator[Frame]:
        truth, seed = self.laws.chosen(p), int(torch.randint(2**31, (), generator=rng))
        sides = [
            Side(name, made(self.families[name], seed, name), truth, p.budget)
            for name in (p.left, p.right)
        ]
        both = [side.training(seed) for side in sides]
        yield frame(sides, [next(one) for one in both])
        while any(side.now.done < 1 for side in sides):
            turn = range(2)
            if sides[0].by_time:  # whoever has had less of it
                turn = [min((0, 1), key=lambda k: sides[k].now.done)]
            new = [next(both[k], None) if k in turn else None for k in (0, 1)]
            yield frame(sides, new)


def frame(sides: list[Side], new: list[Shot | None]) -> Frame:
    """The sides, and the numbers of their new snapshots."""
    found: Frame = dict(sides=tuple(sides))
    for where, shot in zip(SIDES, new, strict=True):
        if shot is not None:
            found[f"jsd_{where}"] = shot.jsd
            if shot.gap is not None:
                found[f"gap_{where}"] = shot.gap
    return found


def made(family: Callable[[int], Any], seed: int, name: str) -> Any:
    """A fresh contender, if that is what a family makes."""
    contender = family(seed)
    if not isinstance(contender, arena.Contender):
        raise ValueError(
            f"families must make contenders (arena.Contender), got {contender!r} for {name!r}"
        )
    return contender
