"""The racers of `benchmarks.gan` whose critic or discriminator is kept from being steep."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmarks.gan_recipes import HIDDEN, Judge, NonSaturating, both
from dgm_lib import objectives
from dgm_lib.models import gan
from dgm_lib.nets import clip_, spectral_norm


class Clipped(NonSaturating):
    """A WGAN of 5 critic steps for one of the generator, the critic's weights clipped to ±0.1.

    By RMSprop at 5e-4, which falls alike. Arjovsky, Chintala & Bottou (2017).
    """

    lr, turns = 5e-4, 5

    def optimizer(self, net: nn.Module) -> torch.optim.Optimizer:
        return torch.optim.RMSprop(net.parameters(), lr=self.lr)

    def loss_of_discriminator(self, D: Judge, x: Tensor, fake: Tensor) -> Tensor:
        return objectives.critic_loss(*both(D, x, fake))

    def loss_of_generator(self, x: Tensor, fake: Tensor) -> Tensor:
        return -self.D(fake).mean()

    def after(self) -> None:
        clip_(self.D, 0.1)


class GradientPenalty(NonSaturating):
    """A WGAN-GP of 5 critic steps for one of the generator, with a penalty of weight 0.1.

    That weight is its authors' for toys. By Adam at 1e-3, β = (0, 0.9). Gulrajani et al. (2017).
    """

    lr, betas, turns = 1e-3, (0.0, 0.9), 5

    def loss_of_discriminator(self, D: Judge, x: Tensor, fake: Tensor) -> Tensor:
        penalty = objectives.gradient_penalty(D, x, fake, weight=0.1)
        return objectives.critic_loss(*both(D, x, fake)) + penalty

    def loss_of_generator(self, x: Tensor, fake: Tensor) -> Tensor:
        return -self.D(fake).mean()


class SpectralNorm(NonSaturating):
    """The layers of D have the spectral norm 1, one power iteration a use. Miyato et al. (2018)."""

    def discriminator(self) -> nn.Module:
        return spectral_norm(gan.Discriminator(2, HIDDEN))
