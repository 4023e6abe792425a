"""The laws that a mixture of Gaussians passes through on its way to noise: mixtures, all."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from dgm_lib.nets.inputs import drawing_device, holds, require_rank
from dgm_lib.targets import arguments
from dgm_lib.targets.components import relative


class Noised:
    """The law of x_t = alpha x_0 + sigma ε, for x_0 of a mixture and ε ~ N(0, I).

    It is sum_k w_k N(alpha mu_k, (alpha² sigma_k² + sigma²) I), with the labels of the mixture.
    `alpha` and `sigma` are numbers, or `(*batch, 1)`, one for each point that the law is asked of.

    >>> from dgm_lib import targets
    >>> p = targets.ring().noised(alpha=0.6, sigma=0.8)
    >>> x = torch.zeros(5, 2)
    >>> p.log_prob(x).shape, p.denoise(x).shape, p.posterior(x).shape
    (torch.Size([5]), torch.Size([5, 2]), torch.Size([5, 8]))
    """

    def __init__(self, mixture, alpha: float | Tensor, sigma: float | Tensor) -> None:
        if not hasattr(mixture, "noised"):
            raise ValueError(f"mixture must have known noised laws, got {mixture!r}")
        self.mixture, self.d = mixture, mixture.d
        self.alpha, self.sigma = (_level(*pair) for pair in (("alpha", alpha), ("sigma", sigma)))
        if not holds((self.alpha > 0) | (self.sigma > 0)):
            raise ValueError("sigma must be positive where alpha is 0, got 0")

    @property
    def labels(self) -> Tensor | None:
        """The labels 0, ..., k-1, or None where there are none."""
        return self.mixture.labels

    @property
    def label_weights(self) -> Tensor:
        """p(y), `(k,)`, which noise does not change."""
        return self.mixture.label_weights

    @property
    def box(self) -> Tensor:
        """Rows (low, high), `(d, 2)`, of one alpha and sigma: all but 1e-5 is inside."""
        return self.as_target().box

    def log_prob(self, x: Tensor, label: int | Tensor | None = None) -> Tensor:
        """log p_t(x), or log p_t(x | label), in nats, `(*batch, d) -> (*batch,)`."""
        _, log_w, *_ = self._parts(x, label)
        shares, top = relative(log_w)
        return shares.sum(dim=-1).log() + top.squeeze(-1)

    def score(self, x: Tensor, label: int | Tensor | None = None) -> Tensor:
        """∇ log p_t(x): sum_k p(k | x) (alpha mu_k - x) / var_k, `(*batch, d)`."""
        x, log_w, alpha, variances, _ = self._parts(x, label)
        pull = _normalised(log_w) / variances
        return alpha * (pull @ self._at(x).means) - x * pull.sum(dim=-1, keepdim=True)

    def denoise(self, x: Tensor, label: int | Tensor | None = None) -> Tensor:
        """E[x_0 | x_t = x], `(*batch, d)`, from each component's own posterior mean."""
        x, log_w, alpha, variances, sigma = self._parts(x, label)
        shares, p = _normalised(log_w) / variances, self._at(x)
        kept = (shares * p.scales**2).sum(dim=-1, keepdim=True)
        return (shares * sigma**2) @ p.means + alpha * kept * x

    def posterior(self, x: Tensor) -> Tensor:
        """p(y | x_t = x) of every label y, `(*batch, d) -> (*batch, k)`."""
        return self.log_posterior(x).exp()

    def log_posterior(self, x: Tensor) -> Tensor:
        """log p(y | x_t = x) of every label y, `(*batch, d) -> (*batch, k)`."""
        self.mixture._need_labels()
        x, log_w, *_ = self._parts(x, None)
        of_label = (log_w[..., None, :] + self._at(x).members.log()).logsumexp(dim=-1)
        return of_label.log_softmax(dim=-1)

    def sample(
        self,
        shape: int | tuple[int, ...] = (),
        generator: torch.Generator | None = None,
        label: int | Tensor | None = None,
    ) -> Tensor:
        """Independent draws of x_t, `(*shape, d)`; alpha `(*batch, 1)` must broadcast to them."""
        x0 = self.mixture.sample(shape, generator, label)
        device = drawing_device(generator, x0.device)
        eps = torch.randn(x0.shape, generator=generator, dtype=x0.dtype, device=device).to(x0)
        alpha, sigma = self._levels(x0)
        return alpha * x0 + sigma * eps

    def tilted(self, label: int, w: float):
        """See `targets.Target.tilted`."""
        return self.as_target().tilted(label, w)

    def as_target(self):
        """The same law as a target, with its entropy, modes and box: of one alpha and sigma."""
        if self.alpha.numel() > 1 or self.sigma.numel() > 1:
            raise ValueError(f"alpha must be a number, got shape {tuple(self.alpha.shape)}")
        p, labels = self.mixture._parameters, self.mixture._component_labels
        alpha, sigma = self.alpha.item(), self.sigma.item()
        law = type(self.mixture)(
            alpha * p["means"],
            ((alpha * p["scales"]) ** 2 + sigma**2).sqrt(),
            p["weights"],
            () if labels is None else labels,
        )
        return law.to(self.mixture.device, self.mixture.dtype).named(
            "noised", law=repr(self.mixture), alpha=alpha, sigma=sigma
        )

    def _parts(
        self, x: Tensor, label: int | Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """x; log w_k p_k(x) and the variances of the components, `(*batch, K)`; alpha; sigma."""
        x, row = self.mixture._matched(x, label)
        (alpha, sigma), p = self._levels(x), self._at(x)
        variances = (alpha * p.scales) ** 2 + sigma**2
        axes = zip(x.unbind(dim=-1), p.means.unbind(dim=-1))
        squares = sum((x_i[..., None] - alpha * mean_i).square() for x_i, mean_i in axes)
        log_p = -0.5 * (squares / variances + self.d * (2 * math.pi * variances).log())
        return x, log_p + p.log_shares[row], alpha, variances, sigma

    def _levels(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """alpha and sigma as x is, which they must go with."""
        for name, level in (("alpha", self.alpha), ("sigma", self.sigma)):
            if level.ndim:
                require_rank(x, level, name)
        return self.alpha.to(x), self.sigma.to(x)

    def _at(self, x: Tensor):
        return self.mixture._at(x)

    def __repr__(self) -> str:
        levels = (f"{a.item():g}" if a.numel() == 1 else "..." for a in (self.alpha, self.sigma))
        return "{!r}.noised(alpha={}, sigma={})".format(self.mixture, *levels)


def _level(name: str, value: object) -> Tensor:
    """The argument `name`, numbers of at least 0."""
    if not isinstance(value, Tensor):
        value = torch.tensor(arguments.finite(name, value), dtype=torch.float64)
    if not holds(value >= 0):
        raise ValueError(f"{name} must be at least 0, got {value.min().item():g}")
    return value


def _normalised(log_w: Tensor) -> Tensor:
    """p(k | x), `(*batch, K)`."""
    shares, _ = relative(log_w)
    return shares / shares.sum(dim=-1, keepdim=True)
