"""A mixture of Gaussians, learned by EM: a latent variable that can be summed over."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from sklearn.cluster import kmeans_plusplus
from torch import Generator, Tensor

from dgm_lib.core import array, whole
from dgm_lib.core import shape as checked_shape
from dgm_lib.models.vae.inputs import double
from dgm_lib.nets.inputs import positive
from dgm_lib.nets.inputs import drawing_device


class MixtureOfGaussians:
    """p(x) = Σ_k w_k N(x; mu_k, diag sigma_k²), to be fitted to data.

    `weights` (K,), `means` (K, d), and `sigma` the standard deviations: a number or (K,) for
    isotropic components, (K, d) for diagonal ones, which they then stay. All is computed in double
    precision and handed back in that of x. Bishop, "Pattern Recognition and Machine Learning"
    (2006), section 9.2.

    >>> p = MixtureOfGaussians([0.5, 0.5], [[-1.0], [1.0]], sigma=0.5)
    >>> p.responsibilities(torch.zeros(3, 1))[0]
    tensor([0.5000, 0.5000])
    """

    def __init__(self, weights: Tensor, means: Tensor, sigma: Tensor | float) -> None:
        self.weights, self.means = array("weights", weights), array("means", means)
        if self.means.ndim != 2 or 0 in self.means.shape:
            raise ValueError(f"means must have shape (K, d), got {tuple(self.means.shape)}")
        components, self.d = self.means.shape
        w = self.weights
        if w.shape != (components,) or (w < 0).any() or abs(w.sum() - 1) > 1e-5:
            raise ValueError(
                f"weights must be {components} probabilities that sum to 1, got {w.tolist()}"
            )
        self.weights = w / w.sum()
        self.sigma = array("sigma", sigma)
        if self.sigma.ndim == 0:
            self.sigma = self.sigma.repeat(components)
        if self.sigma.shape not in ((components,), (components, self.d)):
            raise ValueError(
                f"sigma must be a number or have shape ({components},) or "
                f"({components}, {self.d}), got {tuple(self.sigma.shape)}"
            )
        if not (self.sigma > 0).all():
            raise ValueError(f"sigma must be positive, got {self.sigma.min().item()}")

    @classmethod
    def start(
        cls, x: Tensor, components: int, generator: Generator | None = None
    ) -> MixtureOfGaussians:
        """A start for EM on data `(n, d)`: means by k-means++, apart and in the midst of data.

        The weights are equal, and each sigma is the data's. Arthur & Vassilvitskii (2007).
        """
        x = _data(x)
        components = whole("components", components, at_most=len(x))
        sigma = x.var(dim=0, correction=0).mean().sqrt()
        if not sigma > 0:
            raise ValueError("x must vary, got one point over and over")
        on = drawing_device(generator, "cpu")
        seed = torch.randint(2**32 - 1, (), generator=generator, device=on).item()
        means, _ = kmeans_plusplus(x.numpy(), components, random_state=seed)
        return cls(torch.full((components,), 1 / components).double(), means, sigma)

    def diagonal(self) -> MixtureOfGaussians:
        """The same law, of components whose axes EM may scale one by one: sigma (K, d)."""
        return MixtureOfGaussians(self.weights, self.means, self._sigmas.clone())

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x), `(*batch, d) -> (*batch,)`."""
        return self._joint(double(x, self.d)).logsumexp(dim=-1).to(x)

    def responsibilities(self, x: Tensor) -> Tensor:
        """p(k | x), which component a point is from, `(*batch, d) -> (*batch, K)`."""
        return self._joint(double(x, self.d)).softmax(dim=-1).to(x)

    @torch.no_grad()
    def sample(self, shape: tuple[int, ...] = (), generator: Generator | None = None) -> Tensor:
        """Independent draws in double precision, `(*shape, d)`."""
        shape, device = checked_shape("shape", shape), drawing_device(generator, "cpu")
        like = dict(generator=generator, dtype=torch.float64, device=device)
        cumulated = self.weights.cumsum(dim=0)
        u = torch.rand(shape, **like).cpu() * cumulated[-1]
        k = torch.searchsorted(cumulated, u, right=True).clamp(max=len(cumulated) - 1)
        return self.means[k] + self._sigmas[k] * torch.randn((*shape, self.d), **like).cpu()

    def em(self, x: Tensor, tol: float = 1e-9, min_sigma: float = 1e-6) -> Iterator[float]:
        """EM on data `(n, d)`: after each step, the mean log-likelihood, which never falls.

        The E step finds the responsibilities p(k | x), which make the ELBO tight; the M step the
        weights, means and sigmas that are best for them. This mixture takes each step itself, and
        ends when one gains no more than `tol`. No sigma shrinks below `min_sigma`: a component
        that collapses on a point would have infinite likelihood. Dempster, Laird & Rubin (1977).
        """
        x = double(_data(x), self.d)
        tol, min_sigma = _tolerance(tol), positive("min_sigma", min_sigma)
        if self.sigma.min() < min_sigma:
            raise ValueError(
                f"min_sigma must be at most the smallest sigma, {self.sigma.min().item():g}, "
                f"got {min_sigma:g}"
            )
        return self._steps(x, tol, min_sigma)

    def _steps(self, x: Tensor, tol: float, min_sigma: float) -> Iterator[float]:
        joint, before = self._joint(x), -math.inf
        while True:
            self._maximise(x, joint.softmax(dim=-1), min_sigma)
            joint = self._joint(x)
            now = joint.logsumexp(dim=-1).mean().item()
            yield now
            if now - before <= tol:
                return
            before = now

    def _maximise(self, x: Tensor, shares: Tensor, min_sigma: float) -> None:
        """The M step for data `(n, d)` and responsibilities `(n, K)`."""
        counts = shares.sum(dim=0)
        lives = (counts > torch.finfo(counts.dtype).tiny)[:, None]  # of no data it learns nothing
        shares = shares / torch.where(lives[:, 0], counts, 1)
        means = torch.where(lives, shares.T @ x, self.means)
        var = torch.einsum("nk,nkd->kd", shares, (x[:, None] - means).square())
        if self.sigma.ndim == 1:
            var, lives = var.mean(dim=-1), lives[:, 0]
        self.sigma = torch.where(lives, var.sqrt().clamp(min=min_sigma), self.sigma)
        self.weights, self.means = counts / len(x), means

    def _joint(self, x: Tensor) -> Tensor:
        """log w_k + log N(x; mu_k, diag sigma_k²), `(*batch, K)`."""
        scaled = (x[..., None, :] - self.means) / self._sigmas
        log_norm = self._sigmas.log().sum(dim=-1) + 0.5 * self.d * math.log(2 * math.pi)
        return self.weights.log() - log_norm - 0.5 * scaled.square().sum(dim=-1)

    @property
    def _sigmas(self) -> Tensor:
        """The standard deviations of all coordinates, `(K, d)`."""
        return self.sigma if self.sigma.ndim == 2 else self.sigma[:, None].expand_as(self.means)


def _data(x: Tensor) -> Tensor:
    x = array("x", x)
    if x.ndim != 2 or 0 in x.shape:
        raise ValueError(f"x must have shape (n, d), got {tuple(x.shape)}")
    return x


def _tolerance(tol: float) -> float:
    if not tol >= 0:
        raise ValueError(f"tol must be at least 0, got {tol}")
    return tol
