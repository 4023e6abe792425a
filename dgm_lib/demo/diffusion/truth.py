"""A mixture of Gaussians on its way to noise: all that is exact about it at any time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import torch
from scipy.special import ndtr
from torch import Generator, Tensor

from dgm_lib.demo.diffusion.sliced import DIRECTIONS, SETS, floor, quantiles
from dgm_lib.models.diffusion import Exact

PIXELS = 96  # per axis, of densities
NODES = 200  # of the distribution functions
REACH = 2.8  # standard deviations that are in view
FAR = 5.0  # standard deviations, beyond which there is nothing


class Truth:
    """A mixture `law` on a `path`, and the means of n exact samples to measure against.

    All is seen in units of √(alpha² + sigma²), which is 1 where the path preserves variance: so
    one view, the square `box`, serves all times on all paths.
    """

    def __init__(self, law: Any, path: Any, n: int, rng: Generator | None = None) -> None:
        self.law, self.path, self.n = law, path, n
        self.exact = Exact(path, law)
        self.x0 = law.sample((SETS, n), generator=rng).to(torch.get_default_dtype())
        self.eps = torch.randn(self.x0.shape, generator=rng)
        self.box = view(law)
        self.axes = [np.linspace(low, high, 2 * PIXELS + 1)[1::2] for low, high in self.box]
        self.moment = lru_cache(maxsize=12)(self._moment)

    @cached_property
    def data(self) -> np.ndarray:
        """The density (PIXELS, PIXELS) of the law itself, where the path begins."""
        return self.moment(self.path.span[0]).density

    @cached_property
    def top(self) -> float:
        """The largest density of a coordinate at either end of the path."""
        return float(max(np.max(self.moment(t).marginals) for t in self.path.span))

    def unit(self, t: float) -> float:
        """√(alpha² + sigma²) at the time t."""
        return math.hypot(*levels(self.path, t))

    def samples(self, t: float) -> Tensor:
        """Exact samples of the law at the time t, (SETS, n, 2): the same data with the same ε."""
        alpha, sigma = levels(self.path, t)
        return alpha * self.x0 + sigma * self.eps

    def _moment(self, t: float) -> Moment:
        return Moment(self, t)


class Moment:
    """The law at the time t, in units of √(alpha² + sigma²): still a mixture of Gaussians."""

    def __init__(self, truth: Truth, t: float) -> None:
        self.truth, self.t = truth, t
        self.alpha, self.sigma = levels(truth.path, t)
        self.unit = math.hypot(self.alpha, self.sigma)
        means, scales, weights = components(truth.law)
        self.means, self.weights = self.alpha / self.unit * means, weights
        self.scales = np.hypot(self.alpha * scales, self.sigma) / self.unit

    @cached_property
    def density(self) -> np.ndarray:
        """The density (PIXELS, PIXELS) over the box, the first axis being x1."""
        first, second = (self._along(k) for k in (0, 1))
        return (first * self.weights) @ second.T

    @cached_property
    def marginals(self) -> list[np.ndarray]:
        """The densities of the two coordinates, (PIXELS,) each."""
        return [self._along(k) @ self.weights for k in (0, 1)]

    def _along(self, k: int) -> np.ndarray:
        """The densities of the components along an axis, (PIXELS, K)."""
        z = (self.truth.axes[k][:, None] - self.means[:, k]) / self.scales
        return np.exp(-0.5 * z**2) / (math.sqrt(2 * math.pi) * self.scales)

    @cached_property
    def quantiles(self) -> np.ndarray:
        """Those of the projections, for as many points as there are samples."""
        centres = self.means @ DIRECTIONS  # (K, SLICES)
        reach = FAR * self.scales[:, None]
        values = np.linspace((centres - reach).min(0), (centres + reach).max(0), NODES)
        z = (values[:, None] - centres) / self.scales[:, None]
        return quantiles(values, np.einsum("k,mks->ms", self.weights, ndtr(z)), self.truth.n)

    @cached_property
    def floor(self) -> float:
        """The mean distance of exact samples."""
        return floor(self.truth.samples(self.t) / self.unit, self.quantiles)


def levels(path: Any, t: float) -> tuple[float, float]:
    """alpha and sigma of a path at the time t."""
    at = torch.tensor([t], dtype=torch.float64)
    return path.alpha(at).item(), path.sigma(at).item()


def components(law: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Means (K, 2), standard deviations (K,) and weights (K,) of a mixture of Gaussians."""
    return tuple(a.double().numpy() for a in (law.means, law.scales, law.weights))


def view(law: Any) -> list[tuple[float, float]]:
    """A square that holds nearly all of a mixture's mass, at all times."""
    means, scales, _ = components(law)
    turn = np.linspace(0, math.pi / 2, 9)[:, None]
    reach = REACH * np.hypot(np.cos(turn) * scales, np.sin(turn))[..., None]
    centres = np.cos(turn)[..., None] * means
    return square(np.stack([(centres - reach).min((0, 1)), (centres + reach).max((0, 1))], 1))


def square(box: np.ndarray) -> list[tuple[float, float]]:
    """The smallest square around the middle of a box (2, 2) that holds it."""
    middle, half = box.mean(1), (box[:, 1] - box[:, 0]).max() / 2
    return list(zip((middle - half).tolist(), (middle + half).tolist(), strict=True))


def mixtures(targets: Any) -> Any:
    """The argument `targets`, laws whose noised laws are known."""
    if not isinstance(targets, Mapping):
        raise ValueError(f"targets must map names to mixtures of Gaussians, got {targets!r}")
    for name, law in targets.items():
        if not all(hasattr(law, part) for part in ("noised", "means", "scales", "weights")):
            raise ValueError(f"targets must be mixtures of Gaussians, got {law!r} for {name!r}")
    return targets


def along(own: list[Any], path: Any, usual: Any) -> Any:
    """The argument `path`, which must be that of learned parts where they have their `own`."""
    known = [one for one in own if one is not None]
    if any(one != other for one in known for other in (known[0], path or one)):
        raise ValueError(f"path must be that of the learned parts, {known}, got {path!r}")
    return path or next(iter(known), usual)
