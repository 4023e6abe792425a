"""Four steps for the "break it" cell of lecture 07a: two of them do not play the game."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, softplus

Step = Callable[..., None]


def four_steps() -> dict[str, Step]:
    """Steps `(generator, discriminator, x, z, optimiser_g, optimiser_d)`: which fail, and why?"""

    def descend(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    def loss_d(discriminator: nn.Module, x: Tensor, fake: Tensor) -> Tensor:
        return softplus(-discriminator(x)).mean() + softplus(discriminator(fake)).mean()

    def ada(generator, discriminator, x, z, optimiser_g, optimiser_d) -> None:
        fake = generator(z).detach()  # where it should not be as well: no gradient reaches G
        descend(optimiser_d, loss_d(discriminator, x, fake))
        descend(optimiser_g, softplus(-discriminator(fake)).mean())

    def ben(generator, discriminator, x, z, optimiser_g, optimiser_d) -> None:
        fake = generator(z)
        descend(optimiser_d, loss_d(discriminator, x, fake.detach()))
        descend(optimiser_g, softplus(-discriminator(fake)).mean())

    def cyd(generator, discriminator, x, z, optimiser_g, optimiser_d) -> None:
        with torch.no_grad():
            fake = generator(z)
        descend(optimiser_d, loss_d(discriminator, x, fake))
        logits = discriminator(generator(z))
        descend(optimiser_g, binary_cross_entropy_with_logits(logits, torch.ones_like(logits)))

    def dee(generator, discriminator, x, z, optimiser_g, optimiser_d) -> None:
        descend(optimiser_d, loss_d(discriminator, x, generator(z).detach()))
        optimiser_g.zero_grad()
        softplus(-discriminator(generator(z))).mean().backward()
        optimiser_g.step()
        optimiser_d.step()  # D follows G's loss as well, and unlearns what it knew

    return {"Ada": ada, "Ben": ben, "Cyd": cyd, "Dee": dee}
