"""Families with a latent variable whose likelihood is only bounded: the VAE."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from dgm_lib import objectives
from dgm_lib.arena.families.trained import Trained, WithDensity, seeded
from dgm_lib.exercises.vae.gaussian_elbo import gaussian_elbo
from dgm_lib.models.vae import VAE, GaussianDecoder, GaussianEncoder, StandardNormal

Elbo = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]

DRAWS = 250
START = 0.3  # of sigma: from 1 the decoder learns to leave z alone before it has seen any use in it


class Latent(Trained, WithDensity):
    """A VAE; what it says of its likelihood is a bound, on average too low and never too high."""

    likelihood = f"IWAE bound, {DRAWS} draws"
    at_once = 256

    def density(self, x: Tensor) -> Tensor:
        """The importance-weighted bound on log q(x), by draws that are new each time."""
        return objectives.iwae(self.model, x, k=DRAWS)


@seeded
def vae(seed: int, elbo: Elbo = gaussian_elbo) -> Latent:
    """Gaussian encoder and decoder of perceptrons (64, 64, 64), z in 2-D, sigma learned."""
    hidden = (64, 64, 64)
    encoder, decoder = GaussianEncoder(2, 2, hidden), GaussianDecoder(2, 2, hidden)
    nn.init.constant_(decoder.log_sigma, math.log(START))
    return Latent(VAE(StandardNormal(2), encoder, decoder), partial(negative, elbo), lr=5e-3)


def negative(elbo: Elbo, model: VAE, x: Tensor) -> Tensor:
    """-mean elbo(x, x_mean, sigma, mu, log_var) at one reparameterised draw for each datum."""
    q = model.encoder(x).base_dist
    z = q.mean + q.stddev * torch.randn_like(q.mean)
    x_mean = model.decoder(z).mean
    return -elbo(x, x_mean, model.decoder.sigma, q.mean, 2 * q.stddev.log()).mean()
