"""Latent-variable models whose likelihood is known, for the tests of models/vae."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from dgm_lib.core import generator
from dgm_lib.models import vae

DOUBLE = torch.float64
SEEDS = range(3)


def normal(*shape: int, seed: int = 0) -> Tensor:
    """Gaussian numbers in double precision."""
    return torch.randn(*shape, generator=generator(seed), dtype=DOUBLE)


def affine(weight: Tensor, bias: Tensor) -> nn.Linear:
    """The map v -> weight v + bias."""
    net = nn.Linear(weight.shape[1], weight.shape[0], dtype=DOUBLE)
    with torch.no_grad():
        net.weight.copy_(weight)
        net.bias.copy_(bias)
    return net


def ppca(seed: int = 0, d: int = 4) -> vae.PPCA:
    """Two latent directions, orthogonal, so that the posterior is a product of two laws."""
    W = torch.linalg.qr(normal(d, 2, seed=seed)).Q * torch.tensor([1.5, 0.8], dtype=DOUBLE)
    return vae.PPCA(W, normal(d, seed=seed + 50), 0.6)


def linear_vae(p: vae.PPCA, shift: float = 0.0, stretch: float = 1.0) -> vae.VAE:
    """p as a VAE, whose q is the posterior, moved by `shift` and its sigma times `stretch`."""
    at_mean = p.posterior(p.mu)
    pull = torch.linalg.solve(p.W.T @ p.W + p.sigma**2 * torch.eye(p.d_z, dtype=DOUBLE), p.W.T)
    log_sigma = at_mean.variance.sqrt().log() + math.log(stretch)
    net = affine(
        torch.cat([pull, torch.zeros_like(pull)]), torch.cat([shift - pull @ p.mu, log_sigma])
    )
    encoder = vae.GaussianEncoder(p.d, p.d_z, net=net)
    decoder = vae.GaussianDecoder(p.d_z, p.d, sigma=p.sigma, net=affine(p.W, p.mu))
    return vae.VAE(vae.StandardNormal(p.d_z).double(), encoder, decoder)


def kl_to_posterior(p: vae.PPCA, model: vae.VAE, x: Tensor) -> Tensor:
    """KL(q(z | x) ‖ p(z | x)) of two Gaussian laws, `(*batch,)`."""
    q, truth = model.encoder(x), p.posterior(x)
    full = torch.distributions.MultivariateNormal(q.mean, torch.diag_embed(q.variance))
    return torch.distributions.kl_divergence(full, truth)
