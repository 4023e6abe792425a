"""The game of a generator and a discriminator, each with an optimiser of its own."""

from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor

from dgm_lib.exercises.engine import games


class Game(games.Game):
    """A generator, a discriminator, data and codes, and the optimisers of both."""

    settings: ClassVar = [
        {},
        {"data": 3, "fakes": 5, "d_z": 3},
        {"optimiser": torch.optim.Adam, "rates": (0.02, 0.05)},
    ]

    def __init__(
        self,
        optimiser: type = torch.optim.SGD,
        rates: tuple[float, float] = (0.7, 0.4),
        **sizes: int,
    ) -> None:
        super().__init__(games.Discriminator(2, torch.float64), **sizes)
        self.optimisers = (
            optimiser(self.generator.parameters(), lr=rates[0]),
            optimiser(self.judge.parameters(), lr=rates[1]),
        )

    def turn(self, step: Callable, x: Tensor, z: Tensor) -> None:
        """One alternating step."""
        step(self.generator, self.judge, x, z, *self.optimisers)
