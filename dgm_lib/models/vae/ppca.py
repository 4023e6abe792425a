"""Probabilistic PCA: the latent-variable model of which everything is known."""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Generator, Tensor
from torch.distributions import LowRankMultivariateNormal, MultivariateNormal

from dgm_lib.core import array, whole
from dgm_lib.core import shape as checked_shape
from dgm_lib.models.vae.inputs import double
from dgm_lib.nets.inputs import positive
from dgm_lib.nets.inputs import drawing_device


class PPCA:
    """x = W z + mu + sigma ε with z and ε standard Gaussian: x ~ N(mu, W Wᵀ + sigma² I).

    W `(d, d_z)`, mu `(d,)`, sigma a number; all is computed in double precision and handed back in
    that of x. The posterior is Gaussian too, so that `VAE(StandardNormal(d_z), ppca.posterior,
    decoder)` has bounds whose gaps are known. Tipping & Bishop (1999).

    >>> p = PPCA(W=[[3.0], [4.0]], mu=[0.0, 0.0], sigma=1.0)
    >>> p.posterior(torch.zeros(2)).covariance_matrix  # sigma² M⁻¹, M = WᵀW + sigma² I = 26
    tensor([[0.0385]])
    """

    def __init__(self, W: Tensor, mu: Tensor, sigma: float) -> None:
        self.W, self.mu, self.sigma = array("W", W), array("mu", mu), positive("sigma", sigma)
        if self.W.ndim != 2 or 0 in self.W.shape:
            raise ValueError(f"W must have shape (d, d_z), got {tuple(self.W.shape)}")
        self.d, self.d_z = self.W.shape
        if self.mu.shape != (self.d,):
            raise ValueError(f"mu must have shape ({self.d},), as W, got {tuple(self.mu.shape)}")

    @classmethod
    def fit(cls, x: Tensor, d_z: int) -> PPCA:
        """The one of greatest likelihood for data `(n, d)`, d_z < d, in closed form.

        With eigenvalues λ_1 ≥ ... ≥ λ_d and eigenvectors U of the data's covariance, sigma² is the
        mean of those left out and W = U_q (Λ_q - sigma² I)^½. Any rotation W R is as good; the
        largest entry of each column is made positive.
        """
        x = array("x", x)
        if x.ndim != 2 or x.shape[1] < 2 or len(x) < 2:
            raise ValueError(f"x must have shape (n, d), n and d at least 2, got {tuple(x.shape)}")
        n, d = x.shape
        d_z = whole("d_z", d_z, at_most=d - 1)
        mu = x.mean(dim=0)
        _, roots, axes = torch.linalg.svd(x - mu, full_matrices=False)
        variances = torch.zeros(d, dtype=x.dtype)
        variances[: len(roots)] = roots.square() / n
        var = variances[d_z:].mean()  # sigma²
        if not var > 1e-14 * variances[0]:
            raise ValueError(f"x must vary in more than d_z = {d_z} directions: sigma would be 0")
        W = axes[:d_z].T * (variances[:d_z] - var).clamp(min=0).sqrt()
        signs = W.gather(0, W.abs().argmax(dim=0, keepdim=True)).sign()
        return cls(W * torch.where(signs == 0, 1, signs), mu, var.sqrt().item())

    @property
    def mean(self) -> Tensor:
        """E x, `(d,)`."""
        return self.mu

    @property
    def covariance(self) -> Tensor:
        """W Wᵀ + sigma² I, `(d, d)`."""
        return self.W @ self.W.T + self.sigma**2 * torch.eye(self.d, dtype=torch.float64)

    @property
    def entropy(self) -> float:
        """The entropy in nats, in closed form."""
        return self._law.entropy().item()

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x), `(*batch, d) -> (*batch,)`."""
        return self._law.log_prob(double(x, self.d)).to(x)

    def posterior(self, x: Tensor) -> MultivariateNormal:
        """p(z | x) = N(M⁻¹ Wᵀ (x - mu), sigma² M⁻¹) with M = WᵀW + sigma² I, given `(*batch, d)`.

        (A "posterior covariance sigma² M", as some slides print, would grow with W.)
        """
        centred = double(x, self.d) - self.mu
        mean = torch.linalg.solve(self._M, self.W.T @ centred[..., None]).squeeze(-1)
        return MultivariateNormal(mean.to(x), scale_tril=self._spread.to(x))

    @torch.no_grad()
    def sample(self, shape: tuple[int, ...] = (), generator: Generator | None = None) -> Tensor:
        """Independent draws in double precision, `(*shape, d)`."""
        shape, device = checked_shape("shape", shape), drawing_device(generator, "cpu")
        noise = torch.randn(
            (*shape, self.d_z + self.d), generator=generator, dtype=torch.float64, device=device
        )
        z, eps = noise.cpu().split([self.d_z, self.d], dim=-1)
        return self.mu + z @ self.W.T + self.sigma * eps

    def __repr__(self) -> str:
        return f"PPCA(d={self.d}, d_z={self.d_z}, sigma={self.sigma:.4g})"

    @cached_property
    def _law(self) -> LowRankMultivariateNormal:
        return LowRankMultivariateNormal(
            self.mu, self.W, torch.full_like(self.mu, self.sigma**2), validate_args=False
        )

    @cached_property
    def _M(self) -> Tensor:
        return self.W.T @ self.W + self.sigma**2 * torch.eye(self.d_z, dtype=torch.float64)

    @cached_property
    def _spread(self) -> Tensor:
        """The Cholesky factor of the posterior's covariance."""
        like = MultivariateNormal(
            self.W.new_zeros(self.d_z), precision_matrix=self._M / self.sigma**2
        )
        return like.scale_tril
