"""Games that a step is tried on, and the story of what it does to the two networks."""

import functools
from collections.abc import Callable

import torch
from torch import Tensor

from dgm_lib.exercises.engine.compare import differs
from dgm_lib.exercises.engine.exercise import Tolerance
from dgm_lib.exercises.gan.stand_ins import Discriminator, Generator

NEAR = Tolerance(1e-6, 1e-8)


def settings() -> list[dict]:
    """Optimisers, and numbers of data and of fakes."""
    return [
        {},
        {"data": 3, "fakes": 5, "d_z": 3},
        {"optimiser": torch.optim.Adam, "rates": (0.02, 0.05)},
    ]


class Game:
    """A generator, a discriminator, data and codes, and the optimisers of both."""

    def __init__(
        self,
        data: int = 4,
        fakes: int = 4,
        d_z: int = 2,
        optimiser: type = torch.optim.SGD,
        rates: tuple[float, float] = (0.7, 0.4),
    ) -> None:
        self.generator = Generator(d_z, 2, torch.float64)
        self.discriminator = Discriminator(2, torch.float64)
        self.optimisers = (
            optimiser(self.generator.parameters(), lr=rates[0]),
            optimiser(self.discriminator.parameters(), lr=rates[1]),
        )
        self.sizes, self.number = ((data, 2), (fakes, d_z)), 0

    def play(self, step: Callable) -> None:
        """One step, with data and codes that are new each time."""
        self.number += 1
        x, z = (_points(shape, i + 2 * self.number) for i, shape in enumerate(self.sizes))
        step(self.generator, self.discriminator, x + 1, z, *self.optimisers)

    def parameters(self) -> dict[str, Tensor]:
        """All parameters of each network, in one vector each."""
        networks = {"discriminator": self.discriminator, "generator": self.generator}
        return {
            name: torch.cat([p.detach().flatten() for p in network.parameters()]).clone()
            for name, network in networks.items()
        }

    def count_gradients_of_the_generator(self) -> list[Tensor]:
        """A list that grows by one whenever a gradient reaches the generator."""
        seen: list[Tensor] = []
        self.generator.shift.register_hook(lambda gradient: seen.append(gradient))
        return seen

    def is_trainable(self) -> bool:
        """Whether every parameter of both networks still asks for a gradient."""
        networks = self.generator, self.discriminator
        return all(p.requires_grad for network in networks for p in network.parameters())


def _points(shape: tuple[int, int], start: int) -> Tensor:
    count = torch.arange(shape[0] * shape[1], dtype=torch.float64)
    return (1.3 * count + 0.7 * start).sin().reshape(shape)


def differ(out: Tensor, expected: Tensor) -> str:
    """Words if two vectors of parameters are not the same, else ""."""
    return differs(out, expected, NEAR)


@functools.lru_cache(maxsize=256)
def story(step: Callable) -> tuple:
    """All that a step does in two games, in numbers that can be compared; errors are part of it."""
    told: list = []
    for setting in settings()[:2]:
        game = Game(**setting)
        count = game.count_gradients_of_the_generator()
        try:
            for _ in range(3):
                game.play(step)
                told += [len(count), *(_told(p) for p in game.parameters().values())]
            told.append(game.is_trainable())
        except Exception as error:
            told.append(str(error)[:40])
    return tuple(told)


def _told(vector: Tensor) -> tuple:
    return tuple(round(value, 7) for value in vector.tolist())
