"""Finite mixtures of isotropic Gaussians: everything about them is known."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from dgm_lib.targets import arguments
from dgm_lib.targets.components import relative
from dgm_lib.targets.entropy import WINDOW, Entropy, quadrature, windows
from dgm_lib.targets.noised import Noised
from dgm_lib.targets.target import Target

TAIL = 4.75  # standard deviations: a Gaussian leaves 1e-6 beyond it on each side
_MOST_CELLS = 10**6  # of the lattice, in the window of the widest component


class GaussianMixture(Target):
    """p(x) = sum_k w_k N(x; mu_k, sigma_k^2 I), with each component assigned to a label.

    `means` (K, d); `scale` one number or (K,); `weights` (K,), equal ones for None; `labels` (K,)
    integers that map each component to its label, each to its own for None, and to none at all
    for `()`. Bishop, "Pattern Recognition and Machine Learning" (2006), section 9.2.

    >>> p = GaussianMixture(means=[[-1.0], [1.0]], scale=0.5, weights=[0.25, 0.75])
    >>> p.posterior(torch.zeros(1))
    tensor([0.2500, 0.7500])
    """

    def __init__(
        self,
        means: Tensor | Sequence,
        scale: float | Tensor | Sequence = 1.0,
        weights: Tensor | Sequence | None = None,
        labels: Tensor | Sequence | None = None,
    ) -> None:
        means = arguments.points("means", means)
        k, d = means.shape
        scales = _scales(scale, k)
        super().__init__(
            d,
            arguments.weights("weights", weights, k),
            _component_labels(labels, k),
            means=means,
            scales=scales,
            precisions=scales**-2,
            log_norms=-d * (scales.log() + 0.5 * math.log(2 * math.pi)),
        )
        self.mode_scale = scales[0].item() if (scales == scales[0]).all() else None
        self.named("GaussianMixture", components=k, d=d)

    @property
    def means(self) -> Tensor:
        """The components' means mu, `(K, d)`."""
        return self._own(self._parameters["means"])

    @property
    def scales(self) -> Tensor:
        """The components' standard deviations sigma, `(K,)`."""
        return self._own(self._parameters["scales"])

    @property
    def weights(self) -> Tensor:
        """The components' probabilities w, `(K,)`."""
        return self._own(self._parameters["weights"])

    def score(self, x: Tensor, label: int | Tensor | None = None) -> Tensor:
        """The score in closed form: sum_k p(k | x) (mu_k - x) / sigma_k^2, `(*batch, d)`."""

        def block(x: Tensor, row: int | Tensor) -> Tensor:
            shares, _ = relative(self._weighted(x, row))
            pull = shares / shares.sum(dim=-1, keepdim=True) * self._at(x).precisions
            return pull @ self._at(x).means - x * pull.sum(dim=-1, keepdim=True)

        return self._blockwise(block, x, label)

    def noised(self, alpha: float | Tensor, sigma: float | Tensor) -> Noised:
        """The law of alpha x + sigma ε, ε ~ N(0, I): of x_t on a path from data to noise."""
        return Noised(self, alpha, sigma)

    def _component_log_prob(self, x: Tensor) -> Tensor:
        p = self._at(x)
        # Axis by axis: a tensor of all differences (*batch, K, d) would be d times larger.
        axes = zip(x.unbind(dim=-1), p.means.unbind(dim=-1))
        squares = sum((x_i[..., None] - mean_i).square() for x_i, mean_i in axes)
        return p.log_norms - 0.5 * squares * p.precisions

    def _component_sample(
        self, component: Tensor, like: Tensor, generator: torch.Generator | None
    ) -> Tensor:
        p = self._at(like)
        shape = (len(component), self.d)
        noise = torch.randn(shape, generator=generator, dtype=like.dtype, device=like.device)
        return p.means[component] + p.scales[component, None] * noise

    def _box(self) -> Tensor:
        means, margins = self._parameters["means"], TAIL * self._parameters["scales"][:, None]
        return torch.stack([(means - margins).amin(dim=0), (means + margins).amax(dim=0)], dim=1)

    def _entropy(self) -> Entropy:
        scales, means = self._parameters["scales"], self._parameters["means"]
        if self.mode_scale and (means == means[0]).all():
            value = self.d * (math.log(self.mode_scale) + 0.5 * math.log(2 * math.pi * math.e))
            return Entropy(value, how="closed form")
        spacing = scales.min().item() / 3
        cells = (2 * WINDOW * scales.max().item() / spacing) ** self.d
        if self.d > 2 or cells > _MOST_CELLS:
            return super()._entropy()
        return quadrature(self.log_prob, windows(means, WINDOW * scales, spacing), spacing)

    def _starts(self) -> tuple[Tensor, float]:
        means, scales = self._parameters["means"], self._parameters["scales"]
        return means, scales.min().item()

    def _mean(self) -> Tensor:
        return self._parameters["weights"] @ self._parameters["means"]

    def _covariance(self) -> Tensor:
        w, scales = self._parameters["weights"], self._parameters["scales"]
        apart = self._parameters["means"] - self._mean()
        within = (w @ scales**2) * torch.eye(self.d, dtype=torch.float64)
        return within + apart.T @ (w[:, None] * apart)


def _scales(scale: object, k: int) -> Tensor:
    scales = arguments.array("scale", scale)
    if scales.shape not in ((), (k,)):
        raise ValueError(f"scale must be a number or have shape ({k},), got {tuple(scales.shape)}")
    if (scales <= 0).any():
        raise ValueError(f"scale must be positive, got {scales.tolist()}")
    return scales.expand(k).clone()


def _component_labels(labels: object, k: int) -> Tensor | None:
    if labels is None:
        return torch.arange(k)
    if arguments.tensor("labels", labels).numel() == 0:
        return None
    labels = arguments.integers("labels", labels)
    distinct = labels.unique()
    if labels.shape != (k,) or not torch.equal(distinct, torch.arange(len(distinct))):
        raise ValueError(f"labels must have shape ({k},) and cover 0, 1, ..., got {labels}")
    return labels
