"""Training a contender, as a generator, under a budget of seconds or of steps."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch

from dgm_lib.arena.contender import Contender
from dgm_lib.core import RandomStream, generator, whole
from dgm_lib.nets.inputs import positive

BATCH = 512


class Round(NamedTuple):
    """Where training stands: the share of the budget that is spent, the steps, the seconds."""

    done: float
    steps: int
    seconds: float


class Budget(Protocol):
    """What training may cost."""

    def spent(self, steps: int, seconds: float) -> float:
        """The share of the budget that is spent, 1 or more when it is used up."""


@dataclass(frozen=True)
class Seconds:
    """So many CPU seconds (on an accelerator, of the clock): fair between families."""

    limit: float

    def __post_init__(self) -> None:
        positive("limit", self.limit)

    def spent(self, steps: int, seconds: float) -> float:
        """The share of the seconds."""
        return seconds / self.limit


@dataclass(frozen=True)
class Steps:
    """So many steps: the same numbers on every machine."""

    limit: int

    def __post_init__(self) -> None:
        whole("limit", self.limit)

    def spent(self, steps: int, seconds: float) -> float:
        """The share of the steps."""
        return steps / self.limit


def rounds(contender: Contender, target, budget: Budget, seed: int = 0) -> Iterator[Round]:
    """Train a contender on fresh batches of 512 exact samples, and yield after each step.

    Contenders with the same seed see the same batches. The seconds are those of training alone,
    whatever is done between two rounds.

    >>> from dgm_lib import arena, targets
    >>> for now in arena.rounds(arena.vae(seed=0), targets.moons(), arena.Steps(3)):
    ...     pass
    >>> now.steps, now.done
    (3, 1.0)
    """
    # Of one seed the model's own noise would be made of the numbers that the data are made of.
    data, stream = generator(seed, target.device), RandomStream(seed + 2**31, target.device)
    done, steps, seconds = 0.0, 0, 0.0
    while done < 1:
        begun = now(target.device)
        with stream:
            contender.progress(done)
            contender.step(target.sample((BATCH,), data))
        steps, seconds = steps + 1, seconds + now(target.device) - begun
        contender.seconds, done = seconds, min(budget.spent(steps, seconds), 1.0)
        yield Round(done, steps, seconds)


def now(device: torch.device) -> float:
    """CPU seconds of this process; on an accelerator those of the clock, once its work is done."""
    if device.type == "cpu":
        return time.process_time()
    torch.accelerator.synchronize()
    return time.perf_counter()
