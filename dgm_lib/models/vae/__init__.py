"""Latent-variable models: p(x) = ∫ p(x | z) p(z) dz.

A VAE is put together from a prior, an encoder q(z | x) and a decoder p(x | z), modules that are
laws or return them, and knows its likelihood only by bounds. PPCA and a mixture of Gaussians are
those whose likelihood is known.

>>> from dgm_lib.models import flow, vae
>>> model = vae.VAE(flow.realnvp(2), vae.GaussianEncoder(4, 2), vae.GaussianDecoder(2, 4))
>>> model.sample((5,)).shape
torch.Size([5, 4])
"""

from dgm_lib.models.vae.conditionals import BernoulliDecoder, GaussianDecoder, GaussianEncoder
from dgm_lib.models.vae.hierarchical import HierarchicalVAE
from dgm_lib.models.vae.mixture import MixtureOfGaussians
from dgm_lib.models.vae.model import VAE, Autoencoder, Terms
from dgm_lib.models.vae.ppca import PPCA
from dgm_lib.models.vae.prior import StandardNormal

__all__ = [
    "PPCA",
    "VAE",
    "Autoencoder",
    "BernoulliDecoder",
    "GaussianDecoder",
    "GaussianEncoder",
    "HierarchicalVAE",
    "MixtureOfGaussians",
    "StandardNormal",
    "Terms",
]
