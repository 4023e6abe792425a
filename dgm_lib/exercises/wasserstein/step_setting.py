"""The game of a critic that is clipped, and of a generator that waits."""

from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor

from dgm_lib.exercises.engine import games


class Duel(games.Game):
    """A critic and a generator, data and codes, the critic's optimiser and its bound c."""

    settings: ClassVar = [
        {},
        {"data": 3, "fakes": 5, "d_z": 3, "c": 0.3},
        {"optimiser": torch.optim.RMSprop, "rate": 0.05, "c": 0.95},
    ]

    def __init__(
        self, optimiser: type = torch.optim.SGD, rate: float = 0.6, c: float = 0.7, **sizes: int
    ) -> None:
        super().__init__(games.Critic(2, torch.float64), **sizes)
        self.optimiser, self.c = optimiser(self.judge.parameters(), lr=rate), c

    def turn(self, step: Callable, x: Tensor, z: Tensor) -> None:
        """One step of the critic."""
        step(self.judge, self.generator, x, z, self.optimiser, self.c)
