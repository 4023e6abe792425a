"""Paths in closed form: straight, cosine, linear, exploding."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from numbers import Real

import torch
from torch import Tensor

from dgm_lib.paths.path import Path


@dataclass(frozen=True)
class Straight(Path):
    """alpha = 1 - t, sigma = t: straight lines at constant speed.

    Lipman et al., "Flow matching for generative modeling" (2023); Liu et al. (2023).
    """

    span = (1e-3, 1 - 1e-3)

    def alpha(self, t: Tensor) -> Tensor:
        return 1 - t

    def sigma(self, t: Tensor) -> Tensor:
        return t

    def alpha_dot(self, t: Tensor) -> Tensor:
        return -torch.ones_like(t)

    def sigma_dot(self, t: Tensor) -> Tensor:
        return torch.ones_like(t)


@dataclass(frozen=True)
class Cosine(Path):
    """alpha = cos πt/2, sigma = sin πt/2: a quarter turn, in which alpha² + sigma² = 1.

    Nichol & Dhariwal, "Improved denoising diffusion probabilistic models" (2021).
    """

    span = (1e-3, 1 - 1e-3)

    def alpha(self, t: Tensor) -> Tensor:
        return torch.sin(math.pi / 2 * (1 - t))  # the cosine of t, and 0 at t = 1 in float32 too

    def sigma(self, t: Tensor) -> Tensor:
        return torch.sin(math.pi / 2 * t)

    def alpha_dot(self, t: Tensor) -> Tensor:
        return -math.pi / 2 * self.sigma(t)

    def sigma_dot(self, t: Tensor) -> Tensor:
        return math.pi / 2 * self.alpha(t)


class VariancePreserving(Path):
    """alpha² = exp(-∫ β dt) = 1 - sigma², the law of dx = -β/2 x dt + √β dW."""

    span = (1e-4, 1.0)

    @abstractmethod
    def beta(self, t: Tensor) -> Tensor:
        """The rate of noise, β(t)."""

    @abstractmethod
    def integral(self, t: Tensor) -> Tensor:
        """∫ β from 0 to t."""

    def alpha(self, t: Tensor) -> Tensor:
        return (-self.integral(t) / 2).exp()

    def sigma(self, t: Tensor) -> Tensor:
        return (-torch.expm1(-self.integral(t))).sqrt()

    def alpha_dot(self, t: Tensor) -> Tensor:
        return -self.beta(t) / 2 * self.alpha(t)

    def sigma_dot(self, t: Tensor) -> Tensor:
        return self.beta(t) / 2 * self.alpha(t) ** 2 / self.sigma(t)

    def variance_dot(self, t: Tensor) -> Tensor:
        return self.beta(t) * self.alpha(t) ** 2  # finite at 0, where sigma' is not

    def shrinkage(self, t: Tensor) -> Tensor:
        return -self.beta(t) / 2

    def diffusion(self, t: Tensor) -> Tensor:
        return self.beta(t).sqrt()


@dataclass(frozen=True)
class Linear(VariancePreserving):
    """β(t) = beta_min + t (beta_max - beta_min): DDPM's path, in continuous time.

    Ho, Jain & Abbeel (2020); the VP-SDE of Song et al. (2021).
    """

    beta_min: float = 0.1
    beta_max: float = 20.0

    def __post_init__(self) -> None:
        _ordered("beta_min", self.beta_min, "beta_max", self.beta_max)

    def beta(self, t: Tensor) -> Tensor:
        return self.beta_min + t * (self.beta_max - self.beta_min)

    def integral(self, t: Tensor) -> Tensor:
        return self.beta_min * t + (self.beta_max - self.beta_min) / 2 * t**2


@dataclass(frozen=True)
class Exploding(Path):
    """alpha = 1, sigma = sigma_min (sigma_max / sigma_min)^t: noise in equal ratios.

    At t = 0 a noise of sigma_min is left; at t = 1 that of sigma_max should drown the data.
    Song & Ermon, NCSN (2019); the VE-SDE of Song et al. (2021).
    """

    sigma_min: float = 0.01
    sigma_max: float = 10.0

    def __post_init__(self) -> None:
        _ordered("sigma_min", self.sigma_min, "sigma_max", self.sigma_max)

    def alpha(self, t: Tensor) -> Tensor:
        return torch.ones_like(t)

    def sigma(self, t: Tensor) -> Tensor:
        return self.sigma_min * (self._log_ratio * t).exp()

    def alpha_dot(self, t: Tensor) -> Tensor:
        return torch.zeros_like(t)

    def sigma_dot(self, t: Tensor) -> Tensor:
        return self._log_ratio * self.sigma(t)

    @property
    def _log_ratio(self) -> float:
        return math.log(self.sigma_max / self.sigma_min)


def _ordered(low_name: str, low: object, high_name: str, high: object) -> None:
    """Raise unless 0 < low < high < ∞."""
    for name, value in ((low_name, low), (high_name, high)):
        if not isinstance(value, Real) or isinstance(value, bool) or not 0 < value < math.inf:
            raise ValueError(f"{name} must be positive, got {value!r}")
    if not low < high:
        raise ValueError(f"{high_name} must be above {low_name}, {low!r}, got {high!r}")
