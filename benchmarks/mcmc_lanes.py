"""Samplers that take turns, and what their draws are worth: the harness of `benchmarks.mcmc`."""

from __future__ import annotations

import functools
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, Protocol, TypeVar

import torch
from torch import Tensor

from benchmarks import race
from benchmarks.book import Row
from benchmarks.race import Entry, now
from dgm_lib import core, metrics
from dgm_lib.targets import Target

START = (-2.0, 4.0)  # in each coordinate
BURN_IN = 0.25  # of the budget, before the clock
ENOUGH = 5_000_000  # draws in all
RANKED = 500_000  # of them, for rhat
DRAWS = 100_000  # in hand at a time

T = TypeVar("T")


class Unfit(ValueError):
    """The sampler cannot have this target, or so many chains, or so few."""


class Sampler(Protocol):
    """Running chains, as `factory(target, x, seed)` starts them at x `(chains, d)`."""

    thin: int
    """Steps from one draw to the next."""

    def draw(self) -> Tensor:
        """The next draws, `(n, chains, d)`, as many as take some tenths of a second."""


def setting(target: Target, **settings: T) -> T:
    """The settings for this target."""
    if target.name not in settings:
        raise Unfit(f"it has settings for {', '.join(settings)}, not for {target.name}")
    return settings[target.name]


def block(chains: int, most: int) -> int:
    """How many draws of so many chains to make at a time."""
    return min(max(DRAWS // chains, 1), most)


class Lane:
    """One sampler's run, with random numbers and a clock of its own."""

    def __init__(
        self, entry: Entry, target: Target, chains: int, seed: int, device: torch.device
    ) -> None:
        self.target, self.device, self.stream = target, device, core.RandomStream(seed, device)
        x = torch.empty(chains, target.d).uniform_(*START, generator=core.generator(seed))
        begun = now(device)
        with self.stream:
            self.sampler = entry.factory(target, x.to(device), seed)
            self.sampler.draw()
        self.setup = now(device) - begun
        self.forget()

    def forget(self) -> None:
        """Begin anew from where the chains are."""
        self.draws: list[Tensor] = []
        self.spent, self.wall = 0.0, 0.0

    def run(self, seconds: float, budget: float) -> None:
        """Draw for so long, or to the end of the budget, or until there are enough draws."""
        until = min(self.spent + seconds, budget)
        with self.stream:
            while self.spent < until and not self.done(budget):
                begun, begun_wall = now(self.device), time.perf_counter()
                self.draws.append(self.sampler.draw())
                self.spent += now(self.device) - begun
                self.wall += time.perf_counter() - begun_wall

    def done(self, budget: float) -> bool:
        """Whether the budget is spent, or more draws would tell no more."""
        return self.spent >= budget or sum(x[..., 0].numel() for x in self.draws) >= ENOUGH

    def judged(self) -> Row:
        """What the draws are worth; this takes no time from the budget."""
        x = torch.cat(self.draws).cpu()
        found = worth(x, self.target)
        ess = found.pop("ess")
        return (
            dict(ess_per_s=ess / self.spent)
            | found
            | dict(
                steps_per_s=x[..., 0].numel() * self.sampler.thin / self.spent,
                steps=len(x) * self.sampler.thin,
                setup_s=self.setup,
                drawing_s=self.spent,
                cpu_per_wall=self.spent / self.wall,
            )
        )


def run(
    entries: Mapping[str, Entry],
    target: Target,
    chains: int,
    seed: int,
    budget: float,
    device: torch.device,
) -> Iterator[tuple[str, Row]]:
    """Let the samplers take turns until each has spent its budget; yield their names and worth."""
    lanes = {}
    for name, entry in entries.items():
        try:
            lanes[name] = Lane(entry, target, chains, seed, device)
        except Unfit as error:
            print(f"{target.name}, {chains} chains, {name}: left out, {error}", file=sys.stderr)
    for seconds in (BURN_IN * budget, budget):
        for lane in lanes.values():
            lane.forget()
        while any(not lane.done(seconds) for lane in lanes.values()):
            for lane in lanes.values():
                lane.run(race.SLICE, seconds)
    for name, lane in lanes.items():
        yield name, lane.judged()


# --------------------------------------------------------------------------- judging


class Expectation(NamedTuple):
    """A function of x, `(*batch, d) -> (*batch,)`, with its exact mean and standard deviation."""

    kind: str
    function: Callable[[Tensor], Tensor]
    mean: float
    std: float


@functools.cache
def expectations(target: Target) -> list[Expectation]:
    """What a sampler is judged by: x_i, x_i² and the modes' indicators, integrated on a grid."""
    functions = [("mean", lambda x, i=i: x[..., i]) for i in range(target.d)]
    functions += [("square", lambda x, i=i: x[..., i].square()) for i in range(target.d)]
    if len(target.modes) > 1:
        numbers = range(len(target.modes))
        functions += [("weights", lambda x, k=k: (nearest(x, target) == k).to(x)) for k in numbers]
    low, high = target.box.cpu().double().unbind(dim=1)
    margin = (high - low) / 4  # moments need more of the tails than the box has
    grid = core.Grid(torch.stack([low - margin, high + margin], dim=1), n=600)
    p = target.log_prob(grid.points).exp()
    found = []
    for kind, function in functions:
        values = function(grid.points)
        mean = grid.integrate(p * values)
        variance = grid.integrate(p * (values - mean).square())
        found.append(Expectation(kind, function, mean, math.sqrt(variance)))
    return found


def nearest(x: Tensor, target: Target) -> Tensor:
    """The number of the mode that is nearest, `(*batch, d) -> (*batch,)`."""
    modes = target.modes.to(x)
    return (x @ modes.T - modes.square().sum(dim=-1) / 2).argmax(dim=-1)


def worth(x: Tensor, target: Target) -> Row:
    """How many independent draws these draws `(n, chains, d)` are worth, and how wrong they are.

    The smallest ess of all expectations, the largest rhat, and the largest distance of a mean from
    the exact one in standard errors sqrt(Var f / ess), for each kind.
    """
    if len(x) < 8 or not x.isfinite().all():
        return dict(ess=0.0, rhat=math.inf)
    found = dict(ess=math.inf, rhat=0.0)
    thinned = max(min(math.ceil(x[..., 0].numel() / RANKED), len(x) // 8), 1)
    for kind, function, mean, std in expectations(target):
        values = function(x)
        still = bool(values.amin() == values.amax())  # nothing is known of how it would move
        ess = 1.0 if still else metrics.ess(values).item()
        rhat = math.inf if still else metrics.rhat(values[::thinned]).item()
        error = abs(values.mean(dtype=torch.float64).item() - mean) / std * math.sqrt(ess)
        found["ess"], found["rhat"] = min(found["ess"], ess), max(found["rhat"], rhat)
        found[f"{kind}_z"] = max(found.get(f"{kind}_z", 0.0), error)
    return found
