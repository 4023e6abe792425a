"""Encoders and decoders: modules that are told one thing and return the law of another.

Each has a network of its own, a perceptron unless another one is given, and knows the dimensions
`d_in` of what it is told and `d_out` of what it is the law of.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.distributions import Bernoulli, Independent, Normal
from torch.nn.functional import softplus

from dgm_lib.core import whole
from dgm_lib.nets import MLP
from dgm_lib.nets.inputs import network, positive

LIMIT = 10.0  # of |log_sigma|


class GaussianEncoder(nn.Module):
    """q(z | x) = N(mu(x), diag sigma(x)²), `(*batch, d)` to a law of `(*batch, d_z)`.

    `net` maps x to 2 d_z numbers, mu and log_sigma. log_sigma stays within ±10, smoothly, and is
    what the network says up to ±5, so that no sigma vanishes. Kingma & Welling (2014).

    >>> q = GaussianEncoder(d=3, d_z=2)(torch.zeros(5, 3))
    >>> q.rsample((7,)).shape, q.log_prob(torch.zeros(5, 2)).shape
    (torch.Size([7, 5, 2]), torch.Size([5]))
    """

    def __init__(
        self, d: int, d_z: int, hidden: Sequence[int] = (64, 64), net: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.d_in, self.d_out = whole("d", d), whole("d_z", d_z)
        self.net = MLP(d, 2 * d_z, hidden) if net is None else network("net", net)

    def forward(self, x: Tensor) -> Independent:
        """The law q(z | x)."""
        mu, log_sigma = _output(self.net, x, 2 * self.d_out).chunk(2, dim=-1)
        return _gaussian(mu, bounded(log_sigma).exp())


class GaussianDecoder(nn.Module):
    """p(x | z) = N(mu(z), sigma² I), `(*batch, d_z)` to a law of `(*batch, d)`.

    `net` maps z to the d numbers mu. `sigma` is a number, or None for one that is learned with the
    rest, from 1. The log-density is -‖x - mu(z)‖² / (2 sigma²) - d log sigma - d/2 · log 2π:
    a squared error that sigma weighs.
    """

    def __init__(
        self,
        d_z: int,
        d: int,
        hidden: Sequence[int] = (64, 64),
        sigma: float | None = None,
        net: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.d_in, self.d_out = whole("d_z", d_z), whole("d", d)
        self.net = MLP(d_z, d, hidden) if net is None else network("net", net)
        # A number stays one: as a buffer in single precision it would not be what was asked for.
        self._fixed = None if sigma is None else positive("sigma", sigma)
        self.log_sigma = nn.Parameter(torch.zeros(())) if sigma is None else None

    @property
    def sigma(self) -> Tensor | float:
        """The standard deviation of x around mu(z), in each coordinate."""
        return bounded(self.log_sigma).exp() if self._fixed is None else self._fixed

    def forward(self, z: Tensor) -> Independent:
        """The law p(x | z)."""
        return _gaussian(_output(self.net, z, self.d_out), self.sigma)


class BernoulliDecoder(nn.Module):
    """p(x | z) = Π_i Bernoulli(x_i; sigmoid(logits_i(z))) of bits x `(*batch, d)`, given z.

    `net` maps z to the d logits. Bits are 0 or 1: of grey values it would not be a law.
    """

    def __init__(
        self, d_z: int, d: int, hidden: Sequence[int] = (64, 64), net: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.d_in, self.d_out = whole("d_z", d_z), whole("d", d)
        self.net = MLP(d_z, d, hidden) if net is None else network("net", net)

    def forward(self, z: Tensor) -> Independent:
        """The law p(x | z)."""
        logits = _output(self.net, z, self.d_out)
        return Independent(Bernoulli(logits=logits, validate_args=True), 1)


def bounded(log_sigma: Tensor) -> Tensor:
    """log_sigma brought smoothly within ±LIMIT; the identity, to rounding, up to ±LIMIT/2."""
    for _ in range(2):  # from below, and upside down from above
        log_sigma = LIMIT - softplus(log_sigma + LIMIT, beta=4.0)
    return log_sigma


def _gaussian(mu: Tensor, sigma: Tensor | float) -> Independent:
    return Independent(Normal(mu, sigma, validate_args=False), 1)


def _output(net: nn.Module, given: Tensor, size: int) -> Tensor:
    out = net(given)
    if out.shape != (*given.shape[:-1], size):
        raise ValueError(
            f"net must return {size} numbers for each point, shape {(*given.shape[:-1], size)} "
            f"for {tuple(given.shape)}, got {tuple(out.shape)}"
        )
    return out
