"""Batch normalisation in which no point sees the others of its batch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from dgm_lib.core import whole
from dgm_lib.nets.inputs import between, maker, require_floats, require_last, require_like, widths
from dgm_lib.nets.mlp import Activation


class VirtualBatchNorm(nn.Module):
    """Each x `(*batch, d)` normalised with a reference batch `(n, d)` and itself, and no other.

    y = γ (x - μ) / √(σ² + ε) + β, with mean μ and variance σ² of the n + 1 points {reference, x}
    in each coordinate. Batch normalisation's would be those of x's own batch, by which all of a
    GAN's samples are entangled. Salimans et al., "Improved techniques for training GANs" (2016).

    >>> layer = VirtualBatchNorm(1, torch.tensor([[0.0], [2.0]]))
    >>> layer(torch.tensor([[1.0], [4.0]])).flatten().tolist()  # of {0, 2, 1} and {0, 2, 4}
    [0.0, 1.2247...]
    """

    def __init__(self, d: int, reference: Tensor | None = None, eps: float = 1e-5) -> None:
        super().__init__()
        self.d, self.eps = whole("d", d), between("eps", eps, 0, math.inf)
        self.register_buffer("reference", None if reference is None else _copy(reference, d))
        self.gamma, self.beta = nn.Parameter(torch.ones(d)), nn.Parameter(torch.zeros(d))

    def forward(self, x: Tensor, reference: Tensor | None = None) -> Tensor:
        """y of the shape of x.

        `reference` `(n, d)` takes the place of the layer's own, as it must where layers before
        this one are trained.
        """
        require_last(x, self.d, "x"), require_floats(x, "x")
        reference = _checked(self.reference if reference is None else reference, self.d)
        n = len(reference)
        mean, var = reference.mean(dim=0), reference.var(dim=0, correction=0)
        away = x - mean
        var = n / (n + 1) * (var + away.square() / (n + 1))
        return self.gamma * (n / (n + 1) * away) / (var + self.eps).sqrt() + self.beta


class VirtualMLP(nn.Module):
    """A perceptron with virtual batch normalisation in every hidden layer.

    `(*batch, d_in) -> (*batch, d_out)`. The reference batch `(n, d_in)` passes through the network
    beside x, so that every layer normalises with what the reference is there, at these weights.
    """

    def __init__(
        self,
        d_in: int,
        d_out: int,
        reference: Tensor,
        hidden: Sequence[int] = (64, 64),
        activation: Activation = nn.SiLU,
    ) -> None:
        super().__init__()
        sizes = (whole("d_in", d_in), *widths(hidden))
        self.d_in, self.d_out = d_in, d_out
        self.register_buffer("reference", _copy(reference, d_in))
        self.linears = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.norms = nn.ModuleList(map(VirtualBatchNorm, sizes[1:]))
        self.activation = maker("activation", activation)()
        self.head = nn.Linear(sizes[-1], whole("d_out", d_out))

    def forward(self, x: Tensor) -> Tensor:
        require_last(x, self.d_in, "x")
        require_like(x, self.head.weight, "x")
        reference = self.reference
        for linear, norm in zip(self.linears, self.norms):
            x, reference = linear(x), linear(reference)
            x, reference = norm(x, reference), norm(reference, reference)
            x, reference = self.activation(x), self.activation(reference)
        return self.head(x)


def _copy(reference: Tensor, d: int) -> Tensor:
    return _checked(reference, d).detach().clone()


def _checked(reference: Tensor, d: int) -> Tensor:
    if not isinstance(reference, Tensor) or reference.ndim != 2 or len(reference) == 0:
        got = tuple(reference.shape) if isinstance(reference, Tensor) else repr(reference)
        raise ValueError(f"reference must be a batch of shape (n, {d}), got {got}")
    require_last(reference, d, "reference")
    return require_floats(reference, "reference")
