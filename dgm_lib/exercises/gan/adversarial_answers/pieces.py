"""Pieces that the answers are made of."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch.nn.functional import softplus

from dgm_lib.exercises import Mistake


class Wrong(NamedTuple):
    """A wrong step and the sentence that names what is wrong with it."""

    name: str
    step: Callable
    hint: str

    def mistake(self, behaves_like: Callable) -> Mistake:
        """As a mistake, recognised by what it does to the parameters."""
        return Mistake(self.name, self.step, self.hint, behaves_like(self.step))


def descend(optimiser: torch.optim.Optimizer, loss: torch.Tensor) -> None:
    """One step down a loss."""
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


def loss_d(discriminator, x, fake):
    """The discriminator's loss; the fakes are as they come."""
    return softplus(-discriminator(x)).mean() + softplus(discriminator(fake)).mean()


def loss_g(discriminator, fake):
    """The generator's non-saturating loss."""
    return softplus(-discriminator(fake)).mean()


def step_from(of_d=loss_d, of_g=loss_g):
    """A step with other losses, each wrong in its own way."""

    def step(generator, discriminator, x, z, optimiser_g, optimiser_d):
        descend(optimiser_d, of_d(discriminator, x, generator(z).detach()))
        descend(optimiser_g, of_g(discriminator, generator(z)))

    return step
