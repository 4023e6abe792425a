"""A VAE with several layers of latents."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn

from dgm_lib.core import shape as checked_shape
from dgm_lib.core import whole
from dgm_lib.models.vae import inputs, laws
from dgm_lib.models.vae.model import Terms


class Draw(NamedTuple):
    """One layer on the way up: q(z_l | z_l-1), a draw z_l of it, and its log-density there."""

    q: object
    z: Tensor
    log_q: Tensor


class HierarchicalVAE(nn.Module):
    """p(z_L) p(z_L-1 | z_L) ... p(x | z_1), with q(z_1 | x) q(z_2 | z_1) ... q(z_L | z_L-1).

    Both lists run upwards from the data: `encoders` are q(z_1 | x), q(z_2 | z_1), ... and
    `decoders` p(x | z_1), p(z_1 | z_2), ...; a `GaussianEncoder` serves as p(z_1 | z_2) too, where
    sigma may depend on z_2. `prior` is that of z_L. Sønderby et al. (2016).

    >>> from dgm_lib.models import vae
    >>> encoders = [vae.GaussianEncoder(4, 3), vae.GaussianEncoder(3, 2)]
    >>> decoders = [vae.GaussianDecoder(3, 4), vae.GaussianEncoder(2, 3)]
    >>> model = HierarchicalVAE(vae.StandardNormal(2), encoders, decoders)
    >>> [tuple(kl.shape) for kl in model.terms(torch.zeros(5, 4)).kls]
    [(5, 3), (5, 2)]
    """

    def __init__(self, prior, encoders: Iterable, decoders: Iterable) -> None:
        super().__init__()
        self.prior = inputs.prior_law(prior)
        encoders, decoders = _listed("encoders", encoders), _listed("decoders", decoders)
        if len(encoders) != len(decoders):
            raise ValueError(
                f"decoders must be as many as encoders, {len(encoders)}, got {len(decoders)}"
            )
        self.d, *self.d_z = inputs.dimensions(prior, encoders, decoders)
        self.encoders = nn.ModuleList(map(_as_module, encoders))
        self.decoders = nn.ModuleList(map(_as_module, decoders))

    def log_weights(self, x: Tensor, k: int = 1, generator: Generator | None = None) -> Tensor:
        """log p(x, z_1, ..., z_L) - log q(z_1, ..., z_L | x) at k draws of all layers.

        `(*batch, d) -> (k, *batch)`. As for a `VAE`, the mean of the weights is unbiased for p(x).
        """
        x = inputs.data(self, x, self.d)
        ups = self._up(x, (whole("k", k),), generator)
        batch = (k, *x.shape[:-1])
        log_w, below = x.new_zeros(batch), x.expand(*batch, -1)
        for decoder, (_, z, log_q) in zip(self.decoders, ups):
            log_p = laws.per_point("decoder", decoder(z).log_prob(below), batch)
            log_w, below = log_w + log_p - log_q, z
        return log_w + laws.per_point("prior", self.prior.log_prob(below), batch)

    def terms(self, x: Tensor, generator: Generator | None = None) -> Terms:
        """The ELBO as log p(x | z_1) minus one divergence for each layer, at one draw.

        The last is KL(q(z_L | z_L-1) ‖ p(z_L)), in closed form if there is one. A lower one is
        E log q(z_l | z_l-1) - log p(z_l | z_l+1), taken at the draw: z_l+1 comes from z_l, so that
        the closed form of KL(q(z_l | z_l-1) ‖ p(z_l | z_l+1)) is not its mean.
        """
        x = inputs.data(self, x, self.d)
        ups = self._up(x, (), generator)
        p_x, *p_below = (decoder(up.z) for decoder, up in zip(self.decoders, ups))
        lower = [laws.log_ratio(up.q, p, up.z, up.log_q) for up, p in zip(ups, p_below)]
        top = laws.divergence(ups[-1].q, self.prior, ups[-1].z, ups[-1].log_q)
        log_px = laws.per_point("decoder", p_x.log_prob(x), x.shape[:-1])
        return Terms(log_px, (*lower, top))

    @torch.no_grad()
    def sample(self, shape: tuple[int, ...] = (), generator: Generator | None = None) -> Tensor:
        """Independent draws, `(*shape, d)`, layer by layer from the prior down."""
        z = laws.sample(self.prior, checked_shape("shape", shape), generator)
        z = inputs.as_parameters(self, z)
        for decoder in reversed(self.decoders):
            z = laws.sample(decoder(z), (), generator)
        return z

    def _up(self, x: Tensor, shape: laws.Shape, generator: Generator | None) -> list[Draw]:
        """So many draws of all layers for each point of `(*batch, d)`."""
        found, below = [], x
        for encoder in self.encoders:
            q = encoder(below)
            z, log_q = laws.rsample_with_log_prob(q, shape, generator)
            found.append(Draw(q, z, laws.per_point("encoder", log_q, z.shape[:-1])))
            below, shape = z, ()
        return found


class Function(nn.Module):
    """A function as a module, so that it may stand in a list of them."""

    def __init__(self, function: Callable) -> None:
        super().__init__()
        self.forward = function


def _as_module(conditional: Callable) -> nn.Module:
    return conditional if isinstance(conditional, nn.Module) else Function(conditional)


def _listed(name: str, values: Iterable) -> list:
    try:
        found = [inputs.conditional(f"every one of {name}", value) for value in values]
    except TypeError:
        raise ValueError(f"{name} must be a sequence, one for each layer, got {values!r}") from None
    if not found:
        raise ValueError(f"{name} must hold at least one, got none")
    return found
