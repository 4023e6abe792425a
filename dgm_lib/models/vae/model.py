"""The variational autoencoder, and the autoencoder that it is not."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn

from dgm_lib.core import shape as checked_shape
from dgm_lib.core import whole
from dgm_lib.models.vae import inputs, laws
from dgm_lib.nets.inputs import network


class Terms(NamedTuple):
    """The two parts of an ELBO, per datum: log p(x | z) `(*batch,)`, and the divergences.

    `kls` has one tensor for each layer of latents, `(*batch, d_z)` where the laws are products of
    one-dimensional ones, else `(*batch, 1)`.
    """

    log_px: Tensor
    kls: tuple[Tensor, ...]

    @property
    def kl(self) -> Tensor:
        """The sum of the divergences, `(*batch,)`."""
        return sum(kl.sum(dim=-1) for kl in self.kls)

    @property
    def elbo(self) -> Tensor:
        """log p(x | z) - KL, `(*batch,)`."""
        return self.log_px - self.kl


class VAE(nn.Module):
    """p(x) = ∫ p(x | z) p(z) dz, with q(z | x) to tell which z may have made x.

    `prior` is a law of z, `encoder` is q(z | x) and `decoder` is p(x | z): anything that returns a
    law when it is called, so that a flow may be each of them. The integral is unknown, and there
    is no `log_prob`: there are weights, and `objectives.elbo` and `iwae` made of them.
    Kingma & Welling (2014); Rezende, Mohamed & Wierstra (2014).

    >>> from dgm_lib.models import vae
    >>> model = VAE(vae.StandardNormal(2), vae.GaussianEncoder(3, 2), vae.GaussianDecoder(2, 3))
    >>> x = model.sample((5,))
    >>> x.shape, model.log_weights(x, k=7).shape
    (torch.Size([5, 3]), torch.Size([7, 5]))
    """

    def __init__(self, prior, encoder, decoder) -> None:
        super().__init__()
        self.prior = inputs.prior_law(prior)
        self.encoder = inputs.conditional("encoder", encoder)
        self.decoder = inputs.conditional("decoder", decoder)
        self.d, self.d_z = inputs.dimensions(prior, [encoder], [decoder])

    def log_weights(self, x: Tensor, k: int = 1, generator: Generator | None = None) -> Tensor:
        """log p(x | z) + log p(z) - log q(z | x) at k draws z of q(z | x), reparameterised.

        `(*batch, d) -> (k, *batch)`. The mean of the weights is unbiased for p(x); the mean of
        their logarithms, for the ELBO.
        """
        x = inputs.data(self, x, self.d)
        z, log_q = laws.rsample_with_log_prob(self.encoder(x), (whole("k", k),), generator)
        batch = (k, *x.shape[:-1])
        log_q = laws.per_point("encoder", log_q, batch)
        log_p = laws.per_point("prior", self.prior.log_prob(z), batch)
        return self._log_px(x.expand(*batch, -1), z) + log_p - log_q

    def terms(self, x: Tensor, generator: Generator | None = None) -> Terms:
        """log p(x | z) at one draw z, and KL(q(z | x) ‖ p(z)), in closed form if there is one."""
        x = inputs.data(self, x, self.d)
        q = self.encoder(x)
        z, log_q = laws.rsample_with_log_prob(q, (), generator)
        log_q = laws.per_point("encoder", log_q, x.shape[:-1])
        return Terms(self._log_px(x, z), (laws.divergence(q, self.prior, z, log_q),))

    @torch.no_grad()
    def sample(self, shape: tuple[int, ...] = (), generator: Generator | None = None) -> Tensor:
        """Independent draws, `(*shape, d)`: z from the prior, then x from p(x | z)."""
        z = laws.sample(self.prior, checked_shape("shape", shape), generator)
        z = inputs.as_parameters(self, z)
        return laws.sample(self.decoder(z), (), generator)

    def _log_px(self, x: Tensor, z: Tensor) -> Tensor:
        return laws.per_point("decoder", self.decoder(z).log_prob(x), x.shape[:-1])


class Autoencoder(nn.Module):
    """x → z → x by two networks and no law: there is nothing to draw z from.

    >>> from dgm_lib.nets import MLP
    >>> Autoencoder(MLP(3, 2), MLP(2, 3))(torch.zeros(5, 3)).shape
    torch.Size([5, 3])
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder = network("encoder", encoder)
        self.decoder = network("decoder", decoder)

    def encode(self, x: Tensor) -> Tensor:
        """The code of x, `(*batch, d) -> (*batch, d_z)`."""
        return self.encoder(x)

    def decode(self, z: Tensor) -> Tensor:
        """The point of a code, `(*batch, d_z) -> (*batch, d)`."""
        return self.decoder(z)

    def forward(self, x: Tensor) -> Tensor:
        """The reconstruction of x, `(*batch, d) -> (*batch, d)`."""
        return self.decode(self.encode(x))
