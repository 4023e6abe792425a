"""The entropy of a law: a number in nats that knows how it was obtained."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

WINDOW = 6.5  # scales on each side of a Gaussian, beyond which lies 1e-10 of its mass ...
_TRUNCATION = 1e-8  # ... where -log p is 20 or so


class Entropy(float):
    """H = -E[log p(x)] in nats: a float with `how` it was obtained and its error `stderr`."""

    how: str
    stderr: float

    def __new__(cls, value: float, how: str, stderr: float = 0.0) -> Entropy:
        entropy = super().__new__(cls, value)
        entropy.how, entropy.stderr = how, stderr
        return entropy

    def __getnewargs__(self) -> tuple[float, str, float]:
        return float(self), self.how, self.stderr


def quadrature(log_prob: Callable[[Tensor], Tensor], lattice: Tensor, spacing: float) -> Entropy:
    """-∫ p log p by the trapezoidal rule on the points `lattice * spacing`, integers (n, d).

    For smooth densities the rule converges faster than any power of the spacing; `stderr` is the
    difference from the rule at twice the spacing, hence an upper bound rather than an estimate.
    """
    d = lattice.shape[-1]
    heights = log_prob(lattice.double() * spacing)
    surprise = -heights.exp() * heights
    on_coarser = (lattice % 2 == 0).all(dim=-1)
    fine = surprise.sum().item() * spacing**d
    coarse = surprise[on_coarser].sum().item() * (2 * spacing) ** d
    return Entropy(fine, how="quadrature", stderr=abs(fine - coarse) + _TRUNCATION)


def windows(centres: Tensor, half_widths: Tensor, spacing: float) -> Tensor:
    """The lattice points within a half-width of any centre (k, d), each once, `(n, d)` integers."""
    d = centres.shape[-1]
    cells = []
    for half_width in half_widths.unique():
        near = (centres[half_widths == half_width] / spacing).round().long()
        reach = int(torch.ceil(half_width / spacing))
        offsets = torch.cartesian_prod(*[torch.arange(-reach, reach + 1)] * d).reshape(-1, d)
        cells.append((near[:, None] + offsets).reshape(-1, d))
    return torch.cat(cells).unique(dim=0)


def monte_carlo(log_prob: Callable[[Tensor], Tensor], x: Tensor) -> Entropy:
    """The mean of -log p over exact samples x, for where there are too many axes to integrate."""
    surprise = -log_prob(x).double()
    stderr = surprise.std().item() / len(x) ** 0.5
    return Entropy(surprise.mean().item(), how=f"Monte Carlo, {len(x):,} samples", stderr=stderr)
