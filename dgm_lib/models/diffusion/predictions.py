"""What a network may be asked to say of a noised point: any of these tells all the others.

Each is worth another weighting of the errors, and is fine where another one is not: ε says nothing
of x_0 where there is no signal left, nor x_0 of ε where there is no noise.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor


class Prediction(ABC):
    """A linear combination of x_0 and ε, whose mean given x_t a network learns.

    `path` is one of `dgm_lib.paths`.
    """

    @abstractmethod
    def target(self, path, x0: Tensor, t: Tensor, eps: Tensor) -> Tensor:
        """The combination itself, `(*batch, d)`: what the network is to say."""

    @abstractmethod
    def x0(self, path, x_t: Tensor, t: Tensor, value: Tensor) -> Tensor:
        """The x_0 that goes with the network's answer."""

    @abstractmethod
    def eps(self, path, x_t: Tensor, t: Tensor, value: Tensor) -> Tensor:
        """The ε that goes with the network's answer."""

    def __repr__(self) -> str:
        return type(self).__name__.lower()


class Noise(Prediction):
    """ε itself. Ho, Jain & Abbeel (2020)."""

    def target(self, path, x0: Tensor, t: Tensor, eps: Tensor) -> Tensor:
        return eps

    def x0(self, path, x_t: Tensor, t: Tensor, value: Tensor) -> Tensor:
        return path.x0_from_eps(x_t, t, value)

    def eps(self, path, x_t: Tensor, t: Tensor, value: Tensor) -> Tensor:
        return value


class Data(Prediction):
    """x_0 itself: a denoiser."""

    def target(self, path, x0: Tensor, t: Tensor, eps: Tensor) -> Tensor:
        return x0

    def x0(self, path, x_t: Tensor, t: Tensor, value: Tensor) -> Tensor:
        return value

    def eps(self, path, x_t: Tensor, t: Tensor, value: Tensor) -> Tensor:
        return path.eps_from_x0(x_t, t, value)


class V(Prediction):
    """v = alpha ε - sigma x_0. Salimans & Ho (2022)."""

    def target(self, path, x0: Tensor, t: Tensor, eps: Tensor) -> Tensor:
        return path.v(x0, t, eps)

    def x0(self, path, x_t: Tensor, t: Tensor, value: Tensor) -> Tensor:
        return path.x0_from_v(x_t, t, value)

    def eps(self, path, x_t: Tensor, t: Tensor, value: Tensor) -> Tensor:
        return path.eps_from_v(x_t, t, value)


class Velocity(Prediction):
    """u = alpha' x_0 + sigma' ε: flow matching. Lipman et al. (2023)."""

    def target(self, path, x0: Tensor, t: Tensor, eps: Tensor) -> Tensor:
        return path.velocity(x0, t, eps)

    def x0(self, path, x_t: Tensor, t: Tensor, value: Tensor) -> Tensor:
        return path.x0_from_velocity(x_t, t, value)

    def eps(self, path, x_t: Tensor, t: Tensor, value: Tensor) -> Tensor:
        return path.eps_from_velocity(x_t, t, value)


class Score(Prediction):
    """-ε / sigma, whose mean given x_t is the score of its law. Vincent (2011)."""

    def target(self, path, x0: Tensor, t: Tensor, eps: Tensor) -> Tensor:
        return path.score_from_eps(eps, t)

    def x0(self, path, x_t: Tensor, t: Tensor, value: Tensor) -> Tensor:
        return path.x0_from_eps(x_t, t, path.eps_from_score(value, t))

    def eps(self, path, x_t: Tensor, t: Tensor, value: Tensor) -> Tensor:
        return path.eps_from_score(value, t)


noise, data, v, velocity, score = Noise(), Data(), V(), Velocity(), Score()
