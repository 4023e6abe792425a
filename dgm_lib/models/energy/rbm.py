"""The restricted Boltzmann machine, and its exact law where it is small."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from numbers import Real

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from dgm_lib.core import array, whole
from dgm_lib.core import shape as checked_shape
from dgm_lib.models.energy.draws import bernoulli, categorical
from dgm_lib.nets.inputs import holds, require_last, require_rank

MOST_UNITS = 20  # a million states
ROWS = 2**13  # states looked at together


class RBM(nn.Module):
    """A restricted Boltzmann machine of binary units: p(v, h) ∝ exp(v·b + h·c + vᵀW h).

    Given the hidden units the visible ones are independent, and the other way round, so that
    Gibbs sampling draws a whole layer at once. Summing over h gives p(v) ∝ exp(-F(v)) with
    the free energy F(v) = -v·b - Σ_j log(1 + exp(c_j + (vW)_j)): that is the model's `energy`.
    W starts small and random, b and c at 0. (Smolensky, 1986; Hinton, 2002.)

    >>> rbm = RBM(visible=64, hidden=16)
    >>> v = rbm.gibbs(torch.zeros(5, 64))
    >>> v.shape, rbm.energy(v).shape, rbm.hidden(v).shape
    (torch.Size([5, 64]), torch.Size([5]), torch.Size([5, 16]))
    """

    def __init__(self, visible: int, hidden: int) -> None:
        super().__init__()
        self.n_visible, self.n_hidden = whole("visible", visible), whole("hidden", hidden)
        self.W = nn.Parameter(0.01 * torch.randn(self.n_visible, self.n_hidden))
        self.b = nn.Parameter(torch.zeros(self.n_visible))
        self.c = nn.Parameter(torch.zeros(self.n_hidden))

    def energy(self, v: Tensor) -> Tensor:
        """The free energy F(v) = -log Σ_h exp(-E(v, h)), `(*batch, visible) -> (*batch,)`."""
        v = self._units("v", v, self.n_visible)
        return -_log_weight(v, self.b, self.W, self.c)

    def joint_energy(self, v: Tensor, h: Tensor) -> Tensor:
        """E(v, h) = -v·b - h·c - vᵀW h, `(*batch, visible), (*batch, hidden) -> (*batch,)`."""
        v, h = self._units("v", v, self.n_visible), self._units("h", h, self.n_hidden)
        require_rank(v, h[..., :1], "h")
        return -(v @ self.b + h @ self.c + ((v @ self.W) * h).sum(dim=-1))

    def hidden(self, v: Tensor) -> Tensor:
        """The probabilities P(h_j = 1 | v) = σ(c + vW), `(*batch, visible) -> (*batch, hidden)`."""
        return torch.sigmoid(self.c + self._units("v", v, self.n_visible) @ self.W)

    def visible(self, h: Tensor) -> Tensor:
        """The probabilities P(v_i = 1 | h) = σ(b + Wh), `(*batch, hidden) -> (*batch, visible)`."""
        return torch.sigmoid(self.b + self._units("h", h, self.n_hidden) @ self.W.T)

    @torch.no_grad()
    def gibbs(self, v: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """One step of Gibbs sampling, h ~ p(h | v) and then v' ~ p(v' | h): leaves p(v) as it is.

        `(*batch, visible) -> (*batch, visible)`, zeros and ones.
        """
        h = bernoulli(self.hidden(v), generator)
        return bernoulli(self.visible(h), generator)

    def tempered(self, beta: float, base_bias: Tensor | None = None) -> RBM:
        """A copy on the way to this one: weights βW, biases (1 - β) b₀ + βb and βc.

        Itself an RBM, whose `energy` and `gibbs` are what annealed importance sampling needs. At
        β = 0 the units are independent, with visible biases b₀ `(visible,)` (0 unless given):
        its `log_Z` is known however large it is, and one `gibbs` step from anywhere draws from it
        exactly. (Salakhutdinov & Murray, 2008.)
        """
        if not isinstance(beta, Real) or not 0 <= beta <= 1:
            raise ValueError(f"beta must be a number from 0 to 1, got {beta!r}")
        base = torch.zeros_like(self.b) if base_bias is None else array("base_bias", base_bias)
        if base.shape != self.b.shape:
            raise ValueError(
                f"base_bias must have shape {tuple(self.b.shape)}, got {tuple(base.shape)}"
            )
        between = copy.deepcopy(self).requires_grad_(False)
        between.W *= beta
        between.c *= beta
        between.b.lerp_(base.detach().to(self.b), 1 - beta)
        return between

    @torch.no_grad()
    def log_Z(self) -> float:
        """log Z = log Σ_{v,h} exp(-E(v, h)), exactly: every state of the smaller side is visited.

        At most 20 units there (a million states), unless no weight couples the two sides.
        """
        if not self.W.any():
            return (softplus(self.b.double()).sum() + softplus(self.c.double()).sum()).item()
        return Enumerated(self).log_Z

    def _units(self, name: str, units: Tensor, size: int) -> Tensor:
        require_last(units, size, name)
        if units.is_complex():
            raise ValueError(f"{name} must hold real numbers, got {units.dtype}")
        return units.to(self.W.dtype)


class Enumerated(nn.Module):
    """The exact law of an RBM with at most 20 units on its smaller side, by enumeration.

    It has what the RBM itself cannot: `log_prob`, whose gradient reaches the parameters through F
    and through log Z, and independent samples. Both are computed anew at each call, in float64.
    """

    def __init__(self, rbm: RBM) -> None:
        super().__init__()
        if not isinstance(rbm, RBM):
            raise ValueError(f"rbm must be an RBM, got {rbm!r}")
        if min(rbm.n_visible, rbm.n_hidden) > MOST_UNITS:
            raise ValueError(
                f"rbm must have at most {MOST_UNITS} units on one side for its 2^units states to "
                f"be visited, got {rbm.n_visible} and {rbm.n_hidden}: estimate log Z by annealed "
                f"importance sampling"
            )
        self.rbm, self.d = rbm, rbm.n_visible

    @property
    @torch.no_grad()
    def log_Z(self) -> float:
        """log Z, as `RBM.log_Z` returns it."""
        return self._log_weights().logsumexp(dim=0).item()

    def log_prob(self, v: Tensor) -> Tensor:
        """log P(v) = -F(v) - log Z of zeros and ones, `(*batch, visible) -> (*batch,)`."""
        require_last(v, self.d, "v")
        if not holds((v == 0) | (v == 1)):
            raise ValueError("v must hold zeros and ones only")
        b, W, c = (parameter.double() for parameter in (self.rbm.b, self.rbm.W, self.rbm.c))
        return _log_weight(v.double(), b, W, c) - self._log_weights().logsumexp(dim=0)

    @torch.no_grad()
    def sample(
        self, shape: tuple[int, ...] = (), generator: torch.Generator | None = None
    ) -> Tensor:
        """Independent draws of v, zeros and ones, `(*shape, visible)`."""
        sizes = checked_shape("shape", shape)
        drawn = categorical(self._log_weights(), sizes.numel(), generator)
        own, _, _ = self._smaller()
        units = _states(drawn, len(own)).to(self.rbm.W.dtype)
        if self.rbm.n_hidden < self.rbm.n_visible:
            units = bernoulli(self.rbm.visible(units), generator)
        return units.reshape(*sizes, self.d)

    def _log_weights(self) -> Tensor:
        """The unnormalised log-probability of each state of the smaller side, `(2^units,)`."""
        smaller = self._smaller()
        return torch.cat([_log_weight(states, *smaller) for states in _all_states(smaller[0])])

    def _smaller(self) -> tuple[Tensor, Tensor, Tensor]:
        """The biases of the smaller side, the weights from it, and the biases of the other side."""
        b, W, c = (parameter.double() for parameter in (self.rbm.b, self.rbm.W, self.rbm.c))
        return (c, W.T, b) if len(c) < len(b) else (b, W, c)


def _log_weight(units: Tensor, own: Tensor, weights: Tensor, other: Tensor) -> Tensor:
    """log Σ over the other side of exp(-E), `(*batch, m)`, (m,), (m, n), (n,) `-> (*batch,)`."""
    return units @ own + softplus(other + units @ weights).sum(dim=-1)


def _states(codes: Tensor, units: int) -> Tensor:
    """The binary digits of whole numbers, the lowest first, `(n,) -> (n, units)`."""
    return (codes[:, None] >> torch.arange(units, device=codes.device)) & 1


def _all_states(like: Tensor) -> Iterator[Tensor]:
    """All states of as many units as `like` has, some rows at a time."""
    for codes in torch.arange(2 ** len(like), device=like.device).split(ROWS):
        yield _states(codes, len(like)).to(like)
