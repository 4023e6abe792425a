"""Families that are a game of two networks: samples, and no likelihood."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from dgm_lib import objectives
from dgm_lib.arena.families.trained import Standardised, adam, seeded
from dgm_lib.exercises.wasserstein.gradient_penalty import gradient_penalty as course_penalty
from dgm_lib.models import gan as models
from dgm_lib.nets import frozen

HIDDEN = (64, 64, 64)


class Game(Standardised):
    """Generator and judge take turns, with half a batch each time, by Adam."""

    def __init__(self, lr: float, betas: tuple[float, float], d_z: int = 2, turns: int = 1) -> None:
        super().__init__()
        self.generator = models.Generator(d_z, 2, HIDDEN)
        self.judge = models.Discriminator(2, HIDDEN)
        self.of_generator, self.of_judge = (
            adam(net, lr, betas) for net in (self.generator, self.judge)
        )
        self.turns, self.count = turns, 0

    def judge_loss(self, x: Tensor, fake: Tensor) -> Tensor:
        """What the judge makes small, from data and samples `(n, d)`."""
        raise NotImplementedError

    def generator_loss(self, fake: Tensor) -> Tensor:
        """What the generator makes small."""
        raise NotImplementedError

    def learn(self, x: Tensor) -> None:
        """The turns that a batch allows: the generator has one for every `turns` of the judge."""
        for part in x.chunk(2):
            fake = self.generator.rsample((len(part),))
            self.descend(self.of_judge, self.judge_loss(part, fake.detach()))
            self.count += 1
            if self.count % self.turns == 0:
                with frozen(self.judge):
                    self.descend(self.of_generator, self.generator_loss(fake))

    def draw(self, n: int) -> Tensor:
        """n draws of the generator."""
        return self.generator.sample((n,))

    def both(self, x: Tensor, fake: Tensor) -> tuple[Tensor, ...]:
        """What the judge says of data and of samples, in one pass."""
        return self.judge(torch.cat([x, fake])).chunk(2)


class Gan(Game):
    """The non-saturating game with R1, γ = 0.1.

    Of z in 2-D it can lose modes again in a longer run; of z in 8-D (seed 100) it is steadier.
    """

    def __init__(self, discriminator_loss: Callable, r1: Callable) -> None:
        super().__init__(lr=4e-3, betas=(0.0, 0.99), d_z=8)
        self.discriminator_loss, self.r1 = discriminator_loss, r1

    def judge_loss(self, x: Tensor, fake: Tensor) -> Tensor:
        """The discriminator's, and the penalty on its slope at the data."""
        return self.discriminator_loss(*self.both(x, fake)) + self.r1(self.judge, x, 0.1)

    def generator_loss(self, fake: Tensor) -> Tensor:
        """-mean log D."""
        return objectives.non_saturating(self.judge(fake))


class Wasserstein(Game):
    """A critic whose slope is kept at 1 by a penalty of weight 0.1, 5 steps for each of G's."""

    def __init__(self, critic_loss: Callable, penalty: Callable) -> None:
        super().__init__(lr=1e-3, betas=(0.0, 0.9), turns=5)
        self.critic_loss, self.penalty = critic_loss, penalty

    def judge_loss(self, x: Tensor, fake: Tensor) -> Tensor:
        """The critic's, and the penalty on the way from samples to data."""
        epsilon = torch.rand_like(x[:, :1])
        penalty = self.penalty(self.judge, x, fake, epsilon)
        return self.critic_loss(*self.both(x, fake)) + 0.1 * penalty

    def generator_loss(self, fake: Tensor) -> Tensor:
        """-mean f."""
        return -self.judge(fake).mean()


@seeded
def gan(
    seed: int,
    discriminator_loss: Callable = objectives.discriminator_loss,
    r1: Callable = objectives.r1,
) -> Gan:
    """Two perceptrons (64, 64, 64), z in 8-D: the non-saturating game with R1."""
    return Gan(discriminator_loss, r1)


@seeded
def wgan_gp(
    seed: int,
    critic_loss: Callable = objectives.critic_loss,
    gradient_penalty: Callable = course_penalty,
) -> Wasserstein:
    """Two such perceptrons, z in 2-D, a critic instead of the discriminator, a gradient penalty."""
    return Wasserstein(critic_loss, gradient_penalty)
