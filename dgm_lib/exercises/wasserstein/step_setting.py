"""Duels that a critic's step is tried on, and the story of what it does to the two networks."""

import functools
from collections.abc import Callable

import torch
from torch import Tensor

from dgm_lib.exercises.engine.compare import differs
from dgm_lib.exercises.engine.exercise import Tolerance
from dgm_lib.exercises.wasserstein.stand_ins import Critic, Generator

NEAR = Tolerance(1e-6, 1e-8)


def settings() -> list[dict]:
    """Optimisers, numbers of data and of fakes, and bounds."""
    return [
        {},
        {"data": 3, "fakes": 5, "d_z": 3, "c": 0.3},
        {"optimiser": torch.optim.RMSprop, "rate": 0.05, "c": 0.95},
    ]


class Duel:
    """A critic and a generator, data and codes, the critic's optimiser and its bound c."""

    def __init__(
        self,
        data: int = 4,
        fakes: int = 4,
        d_z: int = 2,
        optimiser: type = torch.optim.SGD,
        rate: float = 0.6,
        c: float = 0.7,
    ) -> None:
        self.critic, self.generator = Critic(2, torch.float64), Generator(d_z, 2, torch.float64)
        self.optimiser = optimiser(self.critic.parameters(), lr=rate)
        self.sizes, self.number, self.c = ((data, 2), (fakes, d_z)), 0, c

    def play(self, step: Callable) -> None:
        """One step, with data and codes that are new each time."""
        self.number += 1
        x, z = (_points(shape, i + 2 * self.number) for i, shape in enumerate(self.sizes))
        step(self.critic, self.generator, x + 1, z, self.optimiser, self.c)

    def parameters(self) -> dict[str, Tensor]:
        """All parameters of each network, in one vector each."""
        networks = {"critic": self.critic, "generator": self.generator}
        return {
            name: torch.cat([p.detach().flatten() for p in network.parameters()]).clone()
            for name, network in networks.items()
        }

    def count_gradients_of_the_generator(self) -> list[Tensor]:
        """A list that grows by one whenever a gradient reaches the generator."""
        seen: list[Tensor] = []
        self.generator.bias.register_hook(lambda gradient: seen.append(gradient))
        return seen

    def is_trainable(self) -> bool:
        """Whether every parameter of both networks still asks for a gradient."""
        networks = self.generator, self.critic
        return all(p.requires_grad for network in networks for p in network.parameters())


def _points(shape: tuple[int, int], start: int) -> Tensor:
    count = torch.arange(shape[0] * shape[1], dtype=torch.float64)
    return (1.3 * count + 0.7 * start).sin().reshape(shape)


def differ(out: Tensor, expected: Tensor) -> str:
    """Words if two vectors of parameters are not the same, else ""."""
    return differs(out, expected, NEAR)


@functools.lru_cache(maxsize=256)
def story(step: Callable) -> tuple:
    """All that a step does in two duels, in numbers that can be compared; errors are part of it."""
    told: list = []
    for setting in settings()[:2]:
        duel = Duel(**setting)
        count = duel.count_gradients_of_the_generator()
        try:
            for _ in range(3):
                duel.play(step)
                told += [len(count), *(_told(p) for p in duel.parameters().values())]
            told.append(duel.is_trainable())
        except Exception as error:
            told.append(str(error)[:40])
    return tuple(told)


def _told(vector: Tensor) -> tuple:
    return tuple(round(value, 7) for value in vector.tolist())
