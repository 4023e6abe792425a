"""Paths in n steps, each of which adds noise of variance β_i."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from dgm_lib.core import array, whole
from dgm_lib.nets.inputs import between
from dgm_lib.paths.continuous import VariancePreserving

_LARGEST = 0.999  # a step that leaves nothing could not be undone


def linear_betas(n: int, first: float = 0.1, last: float = 20.0) -> Tensor:
    """β_1, ..., β_n in equal steps from first/n to last/n, at most 0.999, `(n,)` in float64.

    For n = 1000 they are those of Ho, Jain & Abbeel (2020), 1e-4 to 0.02; for another n the noise
    at the end is about the same.
    """
    n, last = whole("n", n), between("last", last, 0, math.inf)
    if not between("first", first, 0, math.inf) or first > last:
        raise ValueError(f"first and last must be 0 < first <= last, got {first!r} and {last!r}")
    return (torch.linspace(first, last, n, dtype=torch.float64) / n).clamp(max=_LARGEST)


def cosine_betas(n: int, offset: float = 0.008) -> Tensor:
    """β_i = 1 - ᾱ_i / ᾱ_{i-1}, at most 0.999, where ᾱ_i = cos²(π/2 · (i/n + s) / (1 + s)), `(n,)`.

    The offset s keeps the first steps from being too small. Nichol & Dhariwal (2021).
    """
    n, offset = whole("n", n), between("offset", offset, 0, math.inf)
    i = torch.arange(n + 1, dtype=torch.float64)
    angle = math.pi / 2 * (i / n + offset) / (1 + offset)
    return (1 - (angle[1:].cos() / angle[:-1].cos()) ** 2).clamp(max=_LARGEST)


def alpha_bar(betas: Tensor) -> Tensor:
    """ᾱ_i = Π_{j <= i} (1 - β_j), what is left of the signal's variance, `(n,) -> (n,)`."""
    return (-_steps(betas)).log1p().cumsum(dim=0).exp()


class Discrete(VariancePreserving):
    """The path through q(x_i | x_{i-1}) = N(√(1 - β_i) x_{i-1}, β_i I), i = 1, ..., n, at t = i/n.

    `times` `(n + 1,)` are 0, 1/n, ..., 1, where alpha² is 1, ᾱ_1, ..., ᾱ_n. Between two of them the
    rate of noise is constant, so that it is a path in continuous time as well.

    >>> path = Discrete(linear_betas(1000))
    >>> path.alpha(path.times[-1:]).square()
    tensor([4.0358e-05], dtype=torch.float64)
    """

    def __init__(self, betas: Tensor) -> None:
        betas = _steps(betas)
        self.betas, self.n = betas, len(betas)
        self.alpha_bar = alpha_bar(betas)
        self.times = torch.arange(self.n + 1, dtype=torch.float64) / self.n
        self._rates = -self.n * (-betas).log1p()
        self._integrals = torch.cat([betas.new_zeros(1), -(-betas).log1p().cumsum(dim=0)])

    def beta(self, t: Tensor) -> Tensor:
        return self._rates.to(t)[self._step(t)]

    def integral(self, t: Tensor) -> Tensor:
        step = self._step(t)
        return self._integrals.to(t)[step] + self.beta(t) * (t - step.to(t) / self.n)

    def _step(self, t: Tensor) -> Tensor:
        """The number of the step that t falls in, from 0; t = 1 belongs to the last."""
        return (t.detach() * self.n).long().clamp(0, self.n - 1)

    def __repr__(self) -> str:
        return f"Discrete(n={self.n})"


def _steps(betas: Tensor) -> Tensor:
    """The argument `betas`, `(n,)` in double precision."""
    betas = array("betas", betas)
    if betas.ndim != 1 or not betas.numel() or not ((0 < betas) & (betas < 1)).all():
        raise ValueError(f"betas must be numbers above 0 and below 1, (n,), got {betas.tolist()}")
    return betas
