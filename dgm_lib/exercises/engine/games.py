"""Small networks that play a game, and the story of what an answer does to them."""

import functools
from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from dgm_lib.exercises.engine.compare import differs
from dgm_lib.exercises.engine.exercise import Tolerance

NEAR = Tolerance(1e-6, 1e-8)


class Generator(nn.Module):
    """z (*batch, d_z) -> x (*batch, d), by one bent layer."""

    name = "a generator"

    def __init__(self, d_z: int, d: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.weight = _numbers(d_z, d, start=0.4, dtype=dtype)
        self.bias = _numbers(d, start=2.1, dtype=dtype)

    def forward(self, z: Tensor) -> Tensor:
        """G(z), (*batch, d_z) -> (*batch, d)."""
        moved = z @ self.weight + self.bias
        return moved + 0.4 * moved.sin()


class Judge(nn.Module):
    """x (*batch, d) -> a number (*batch,), bent in every direction, and steep by the scale."""

    name: ClassVar[str]
    first_bias: ClassVar[float] = 0.3

    def __init__(self, d: int, dtype: torch.dtype, scale: float = 1.0) -> None:
        super().__init__()
        self.weight = _numbers(d, 4, start=1.3, dtype=dtype)
        self.last = _numbers(4, start=0.2, dtype=dtype)
        self.bias = nn.Parameter(torch.tensor(self.first_bias, dtype=dtype))
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        """What it says of x, (*batch, d) -> (*batch,)."""
        return self.scale * ((x @ self.weight).tanh() @ self.last + self.bias)


class Discriminator(Judge):
    """x (*batch, d) -> the logit (*batch,)."""

    name = "a discriminator"


class Critic(Judge):
    """x (*batch, d) -> the score (*batch,)."""

    name = "a critic"
    first_bias = 0.8


class Game:
    """A judge and a generator, with data and codes that are new for each step.

    A subclass holds what else its step is given, by `turn`, and the games to try, in `settings`.
    """

    settings: ClassVar[list[dict[str, Any]]]

    def __init__(self, judge: Judge, data: int = 4, fakes: int = 4, d_z: int = 2) -> None:
        self.judge, self.generator = judge, Generator(d_z, 2, torch.float64)
        self.sizes, self.number = ((data, 2), (fakes, d_z)), 0

    def turn(self, step: Callable, x: Tensor, z: Tensor) -> None:
        """One step on these data and codes."""
        raise NotImplementedError

    def play(self, step: Callable) -> None:
        """One step on the next data and codes."""
        self.number += 1
        x, z = (_points(shape, i + 2 * self.number) for i, shape in enumerate(self.sizes))
        self.turn(step, x + 1, z)

    def parameters(self) -> dict[str, Tensor]:
        """All parameters of each network, in one vector each."""
        return {
            network.name.removeprefix("a "): torch.cat(
                [p.detach().flatten() for p in network.parameters()]
            ).clone()
            for network in (self.judge, self.generator)
        }

    def count_gradients_of_the_generator(self) -> list[Tensor]:
        """A list that grows by one whenever a gradient reaches the generator."""
        seen: list[Tensor] = []
        self.generator.bias.register_hook(lambda gradient: seen.append(gradient))
        return seen

    def is_trainable(self) -> bool:
        """Whether every parameter of both networks still asks for a gradient."""
        networks = self.generator, self.judge
        return all(p.requires_grad for network in networks for p in network.parameters())


def differ(out: Tensor, expected: Tensor) -> str:
    """Words if two vectors of parameters are not the same, else ""."""
    return differs(out, expected, NEAR)


@functools.lru_cache(maxsize=256)
def story(step: Callable, game: type[Game]) -> tuple:
    """All that a step does in two games, in numbers that can be compared; errors are part of it."""
    told: list = []
    for setting in game.settings[:2]:
        played = game(**setting)
        count = played.count_gradients_of_the_generator()
        try:
            for _ in range(3):
                played.play(step)
                told += [len(count), *(_told(p) for p in played.parameters().values())]
            told.append(played.is_trainable())
        except Exception as error:
            told.append(str(error)[:40])
    return tuple(told)


def _numbers(*shape: int, start: float, dtype: torch.dtype) -> nn.Parameter:
    """Weights between -1 and 1, no two alike."""
    count = torch.arange(torch.Size(shape).numel(), dtype=torch.float64)
    return nn.Parameter((start + 1.7 * count).sin().reshape(shape).to(dtype))


def _points(shape: tuple[int, int], start: int) -> Tensor:
    count = torch.arange(shape[0] * shape[1], dtype=torch.float64)
    return (1.3 * count + 0.7 * start).sin().reshape(shape)


def _told(vector: Tensor) -> tuple:
    return tuple(round(value, 7) for value in vector.tolist())
