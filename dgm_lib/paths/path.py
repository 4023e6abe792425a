"""What a path from data to noise is, and what follows from its alpha and sigma alone."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor

from dgm_lib.nets.inputs import require_beside, require_time


class Path(ABC):
    """x_t = alpha(t) x_0 + sigma(t) ε with ε ~ N(0, I): data at t = 0, noise at t = 1.

    Times are `(*batch, 1)`, the rank of x, and so are alpha and sigma; a size of 1 in t's batch
    shape stands for all of x's. `span` is the part of [0, 1] in which all conversions are finite:
    without noise there is no score, without signal an ε does not tell x_0.
    Kingma, Salimans, Poole & Ho, "Variational diffusion models" (2021).
    """

    span: tuple[float, float] = (0.0, 1.0)

    @abstractmethod
    def alpha(self, t: Tensor) -> Tensor:
        """What is left of the signal, alpha(t)."""

    @abstractmethod
    def sigma(self, t: Tensor) -> Tensor:
        """The standard deviation of the noise, sigma(t)."""

    @abstractmethod
    def alpha_dot(self, t: Tensor) -> Tensor:
        """The derivative of alpha."""

    @abstractmethod
    def sigma_dot(self, t: Tensor) -> Tensor:
        """The derivative of sigma."""

    def variance_dot(self, t: Tensor) -> Tensor:
        """The derivative of sigma², 2 sigma sigma'."""
        return 2 * self.sigma(t) * self.sigma_dot(t)

    def log_snr(self, t: Tensor) -> Tensor:
        """The logarithm of the signal-to-noise ratio, log alpha² / sigma²."""
        return 2 * (self.alpha(t).log() - self.sigma(t).log())

    # ------------------------------------------------------------------ from data and noise

    def noised(self, x0: Tensor, t: Tensor, eps: Tensor) -> Tensor:
        """x_t = alpha x_0 + sigma ε, `(*batch, d)`."""
        alpha, sigma = self._at(x0, t, eps, "eps")
        return alpha * x0 + sigma * eps

    def velocity(self, x0: Tensor, t: Tensor, eps: Tensor) -> Tensor:
        """u = dx_t/dt = alpha' x_0 + sigma' ε, with x_0 and ε held fixed, `(*batch, d)`.

        Its mean given x_t is the velocity of the probability-flow ODE. Lipman et al. (2023).
        """
        require_time(x0, t), require_beside(x0, eps, "eps")
        return self.alpha_dot(t) * x0 + self.sigma_dot(t) * eps

    def v(self, x0: Tensor, t: Tensor, eps: Tensor) -> Tensor:
        """v = alpha ε - sigma x_0, `(*batch, d)`. Salimans & Ho (2022)."""
        alpha, sigma = self._at(x0, t, eps, "eps")
        return alpha * eps - sigma * x0

    # ------------------------------------------------------------------ from x_t and a prediction

    def x0_from_eps(self, x_t: Tensor, t: Tensor, eps: Tensor) -> Tensor:
        """x_0 = (x_t - sigma ε) / alpha."""
        alpha, sigma = self._at(x_t, t, eps, "eps")
        return (x_t - sigma * eps) / alpha

    def eps_from_x0(self, x_t: Tensor, t: Tensor, x0: Tensor) -> Tensor:
        """ε = (x_t - alpha x_0) / sigma."""
        alpha, sigma = self._at(x_t, t, x0, "x0")
        return (x_t - alpha * x0) / sigma

    def x0_from_v(self, x_t: Tensor, t: Tensor, v: Tensor) -> Tensor:
        """x_0 = (alpha x_t - sigma v) / (alpha² + sigma²)."""
        alpha, sigma = self._at(x_t, t, v, "v")
        return (alpha * x_t - sigma * v) / (alpha**2 + sigma**2)

    def eps_from_v(self, x_t: Tensor, t: Tensor, v: Tensor) -> Tensor:
        """ε = (sigma x_t + alpha v) / (alpha² + sigma²)."""
        alpha, sigma = self._at(x_t, t, v, "v")
        return (sigma * x_t + alpha * v) / (alpha**2 + sigma**2)

    def x0_from_velocity(self, x_t: Tensor, t: Tensor, u: Tensor) -> Tensor:
        """x_0 = (sigma' x_t - sigma u) / (alpha sigma' - sigma alpha')."""
        alpha, sigma = self._at(x_t, t, u, "u")
        return (self.sigma_dot(t) * x_t - sigma * u) / self._turn(t)

    def eps_from_velocity(self, x_t: Tensor, t: Tensor, u: Tensor) -> Tensor:
        """ε = (alpha u - alpha' x_t) / (alpha sigma' - sigma alpha')."""
        alpha, sigma = self._at(x_t, t, u, "u")
        return (alpha * u - self.alpha_dot(t) * x_t) / self._turn(t)

    def score_from_eps(self, eps: Tensor, t: Tensor) -> Tensor:
        """The score of the law of x_t, -E[ε | x_t] / sigma, from that mean. Vincent (2011)."""
        require_time(eps, t)
        return -eps / self.sigma(t)

    def eps_from_score(self, score: Tensor, t: Tensor) -> Tensor:
        """E[ε | x_t] = -sigma · score."""
        require_time(score, t)
        return -self.sigma(t) * score

    # ------------------------------------------------------------------ as a process

    def drift(self, x_t: Tensor, t: Tensor) -> Tensor:
        """f(x, t) = x alpha' / alpha of the SDE dx = f dt + g dW, `(*batch, d)`.

        Run from data, it has the law of x_t at every t. Song et al., "Score-based generative
        modeling through stochastic differential equations" (2021).
        """
        require_time(x_t, t)
        return self.shrinkage(t) * x_t

    def shrinkage(self, t: Tensor) -> Tensor:
        """alpha' / alpha, by which the drift multiplies x."""
        return self.alpha_dot(t) / self.alpha(t)

    def diffusion(self, t: Tensor) -> Tensor:
        """g(t) of the SDE dx = f dt + g dW: g² = (sigma²)' - 2 sigma² alpha' / alpha."""
        return (self.variance_dot(t) - 2 * self.sigma(t) ** 2 * self.shrinkage(t)).sqrt()

    def transition(self, s: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """The scale a and the sigma of q(x_t | x_s) = N(a x_s, sigma² I), for times s <= t."""
        scale = self.alpha(t) / self.alpha(s)
        variance = self.sigma(t) ** 2 - (scale * self.sigma(s)) ** 2
        return scale, variance.clamp(min=0).sqrt()

    def posterior(self, x_t: Tensor, t: Tensor, x0: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
        """The mean `(*batch, d)` and the sigma `(*batch, 1)` of q(x_s | x_t, x_0), for s <= t.

        A product of Gaussians in x_s, q(x_t | x_s) q(x_s | x_0). Ho, Jain & Abbeel (2020), (7).
        """
        require_time(x_t, t), require_time(x_t, s, "s"), require_beside(x_t, x0, "x0")
        scale, step = self.transition(s, t)
        before, after = self.sigma(s), self.sigma(t)
        mean = (scale * before**2 * x_t + self.alpha(s) * step**2 * x0) / after**2
        return mean, step * before / after

    # ------------------------------------------------------------------

    def _at(self, x: Tensor, t: Tensor, other: Tensor, name: str) -> tuple[Tensor, Tensor]:
        """alpha and sigma at a time that goes with these points, and with the others `name`."""
        require_time(x, t), require_beside(x, other, name)
        return self.alpha(t), self.sigma(t)

    def _turn(self, t: Tensor) -> Tensor:
        """The determinant of (x_0, ε) -> (x_t, velocity)."""
        return self.alpha(t) * self.sigma_dot(t) - self.sigma(t) * self.alpha_dot(t)
