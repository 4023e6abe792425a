"""Parallel tempering: hot chains cross the valleys and hand what they find down to the cold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from dgm_lib.core import Density, array
from dgm_lib.samplers.mcmc.hastings import copies, density, probability
from dgm_lib.samplers.mcmc.kernel import Kernel, uniform
from dgm_lib.samplers.mcmc.law import Function, Law, evaluate, function
from dgm_lib.samplers.mcmc.state import State

Swap = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


def swap_probability(log_p_i: Tensor, log_p_j: Tensor, beta_i: Tensor, beta_j: Tensor) -> Tensor:
    """The probability that levels i and j swap: min(1, (p(x_j) / p(x_i))^(beta_i - beta_j)).

    log p(x_i) and log p(x_j) `(*chains,)` are of the law itself, at beta = 1, up to one constant.
    Geyer, "Markov chain Monte Carlo maximum likelihood" (1991).
    """
    return ((beta_i - beta_j) * (log_p_j - log_p_i)).clamp(max=0).exp()


@dataclass(frozen=True)
class Swaps:
    """The swaps of one step: level `lower[k]` with the next, for every chain.

    `accept_prob` and `accepted` are `(len(lower), *chains)`.
    """

    lower: range
    accept_prob: Tensor
    accepted: Tensor


class _Flat:
    """The reference where there is none: a constant."""

    def log_prob(self, x: Tensor) -> Tensor:
        return x.new_zeros(x.shape[:-1])

    def score(self, x: Tensor) -> Tensor:
        return torch.zeros_like(x)


class Tempered:
    """The laws of the levels, q0^(1 - beta) p^beta, as one function of x `(levels, *chains, d)`.

    It is the `log_prob` that `make` gets, and has a `score` if `tempering` was given one.
    """

    def __init__(
        self, betas: Tensor, log_prob: Function, score: Function | None, base: Density | _Flat
    ) -> None:
        self._betas, self._log_prob, self._base = betas, log_prob, base
        self._score, self._base_score = score, Law(base.log_prob, getattr(base, "score", None))

    def __call__(self, x: Tensor) -> Tensor:
        """(1 - beta) log q0(x) + beta log p(x), `(levels, *chains)`."""
        full = evaluate("log_prob", self._log_prob, x)
        base = evaluate("reference.log_prob", self._base.log_prob, x)
        return _mixed(self._betas, base, full)

    @property
    def score(self) -> Function | None:
        """The gradient, or None, which leaves it to autograd."""
        if self._score is None:
            return None
        return lambda x: _mixed(self._betas, self._base_score.gradient(x)[1], self._score(x))


def tempering(
    make: Callable[[Tempered], Kernel],
    log_prob: Function,
    betas: Tensor | Sequence[float],
    accept: Swap = swap_probability,
    reference: Density | None = None,
    score: Function | None = None,
) -> Tempering:
    """Parallel tempering: level k holds chains of the law p^betas[k], and neighbours swap places.

    One step moves all levels `(K, *chains, d)` at once by the kernel `make(log_prob)`, then tries
    to swap the even pairs of neighbours or, in turn, the odd ones. `betas` `(K,)` fall from 1; the
    sample is level 0, `kernel.cold(state)`. With a `reference` q0 the laws are q0^(1 - beta)
    p^beta, and a level with beta = 0, to which `make` is blind, is drawn from q0 anew in each step.
    `log_prob` may leave out its normaliser. A score for `make` is `log_prob.score`, None for
    autograd's unless given here. Geyer (1991); the turns: Syed et al., "Non-reversible parallel
    tempering" (2022).
    """
    return Tempering(make, log_prob, _ladder(betas, reference), accept, reference, score)


class Tempering:
    """The kernel that `tempering` makes."""

    gradients = False  # it finds for itself what a state lacks

    def __init__(
        self,
        make: Callable[[Tempered], Kernel],
        log_prob: Function,
        betas: Tensor,
        accept: Swap,
        reference: Density | None,
        score: Function | None,
    ) -> None:
        base = _Flat() if reference is None else reference
        self.betas, self.reference = betas, reference
        self._warm = int((betas > 0).sum())
        self._accept = function("accept", accept)
        self._law = Law(log_prob, score)
        self._base = Law(base.log_prob, getattr(base, "score", None))
        self.inner = function("make", make)(Tempered(betas[: self._warm], log_prob, score, base))
        if not isinstance(self.inner, Kernel):
            raise ValueError(f"make must return a Kernel, got {self.inner!r}")

    @torch.inference_mode(False)
    @torch.no_grad()
    def init(self, x: Tensor) -> State:
        """Chains that start at x, one row of chains for each level, `(K, *chains, d)`."""
        x = self._law.start(x)
        if x.ndim < 2 or len(x) != len(self.betas):
            raise ValueError(
                f"x must have shape ({len(self.betas)}, *chains, d), one row for each of betas, "
                f"got {tuple(x.shape)}"
            )
        warm = self.inner.init(x[: self._warm])
        if self._warm == len(x):
            return warm
        exact = x[self._warm :]
        return _joined(warm, State.fresh(exact, *self._look(self._base, exact)))

    @torch.inference_mode(False)
    @torch.no_grad()
    def __call__(self, state: State, generator: Generator | None = None) -> State:
        """The state after one step on each level and one round of swaps."""
        if len(state.x) != len(self.betas):
            raise ValueError(f"state must have {len(self.betas)} levels, got {len(state.x)}")
        n = self._warm
        warm = self.inner(_part(state, slice(n)), generator)
        x = warm.x
        if n < len(self.betas):
            exact = self.reference.sample(x.shape[1:-1], generator=generator).to(x)
            x = torch.cat([x, exact[None]])
        # log p and its gradient follow from the tempered ones: p is not asked again.
        base = self._look(self._base, x)
        tempered = [warm.log_p, warm.score][: len(base)]
        full = [_unmixed(self.betas, b[:n], t) for b, t in zip(base, tempered)]
        if n < len(self.betas):
            full = [torch.cat(both) for both in zip(full, self._look(self._law, x[n:]))]
            warm = _joined(warm, State.fresh(x[n:], *(b[n:] for b in base)))
        return self._swapped(warm, self._turn(state), base, full, generator)

    def cold(self, state: State) -> State:
        """The state of level 0, whose law is p itself."""
        return _part(state, 0)

    def _look(self, law: Law, x: Tensor) -> list[Tensor]:
        """log p(x), and the score if the inner kernel goes by it."""
        return [*law.with_score(x)] if self.inner.gradients else [law.log_prob(x)]

    def _turn(self, state: State) -> int:
        """The first level to swap with the next: 0 and 1 in turn, where there are three levels."""
        was_even = state.swaps is not None and state.swaps.lower.start == 0
        return int(was_even and len(self.betas) > 2)

    def _swapped(
        self,
        state: State,
        first: int,
        base: list[Tensor],
        full: list[Tensor],
        generator: Generator | None,
    ) -> State:
        """The state after one round of swaps, of which `first` is the first level."""
        k = len(self.betas)
        lower, upper = slice(first, k - 1, 2), slice(first + 1, k, 2)
        # +inf where q0 rules out what p, at beta = 1, does not: it is never handed up.
        ratio, beta = full[0] - base[0], _per_level(self.betas, full[0])
        given = copies(ratio[lower], ratio[upper], beta[lower], beta[upper])
        prob = probability(self._accept(*given), ratio[upper])
        accepted = uniform(prob, generator) < prob

        def exchanged(t: Tensor) -> Tensor:
            swap = accepted.view(*accepted.shape, *[1] * (t.ndim - accepted.ndim))
            new = t.clone()
            new[lower] = torch.where(swap, t[upper], t[lower])
            new[upper] = torch.where(swap, t[lower], t[upper])
            return new

        mixed = [_mixed(self.betas, exchanged(b), exchanged(f)) for b, f in zip(base, full)]
        log_p, score = mixed if len(mixed) == 2 else (*mixed, None)
        swaps = Swaps(range(first, k - 1, 2), prob, accepted)
        return state.replace(x=exchanged(state.x), log_p=log_p, score=score, swaps=swaps)


_PER_CHAIN = ("x", "log_p", "score", "proposal", "accept_prob", "accepted", "path", "leapfrogs")


def _joined(warm: State, exact: State) -> State:
    """The levels that `make` moved, and the one of exact draws."""
    if warm.leapfrogs is not None:
        exact = exact.replace(leapfrogs=torch.zeros_like(warm.leapfrogs[:1]))
    if warm.path is not None:
        exact = exact.replace(path=exact.x.expand(len(warm.path), *exact.x.shape))
    both = {
        name: torch.cat([value, getattr(exact, name)], dim=1 if name == "path" else 0)
        for name in _PER_CHAIN
        if (value := getattr(warm, name)) is not None
    }
    return warm.replace(**both)


def _part(state: State, levels: int | slice) -> State:
    """Some of a state's levels."""
    part = {
        name: value[:, levels] if name == "path" else value[levels]
        for name in _PER_CHAIN
        if (value := getattr(state, name)) is not None
    }
    return state.replace(**part)


def _mixed(betas: Tensor, base: Tensor, full: Tensor) -> Tensor:
    """(1 - beta) base + beta full; what has the weight 0 may be infinite, and does not count."""
    beta = _per_level(betas, full)
    mixed = (1 - beta) * base + beta * full
    return mixed.where(beta > 0, base).where(beta < 1, full)


def _unmixed(betas: Tensor, base: Tensor, mixed: Tensor) -> Tensor:
    """The `full` of which `_mixed` made this, at beta > 0."""
    beta = _per_level(betas, mixed)
    return (base + (mixed - base) / beta).where(beta < 1, mixed)


def _per_level(betas: Tensor, like: Tensor) -> Tensor:
    """A number for each level, to multiply `like` `(levels, ...)`."""
    return betas[: len(like)].to(like).view(-1, *[1] * (like.ndim - 1))


def _ladder(betas: Tensor | Sequence[float], reference: Density | None) -> Tensor:
    if reference is not None:
        density("reference", reference)
    betas = array("betas", betas)
    if betas.ndim != 1 or len(betas) < 2 or betas[0] != 1 or not (betas.diff() < 0).all():
        raise ValueError(f"betas must fall from 1, at least two of them, got {betas.tolist()}")
    if betas[-1] < 0 or (betas[-1] == 0 and reference is None):
        need = "positive without a reference" if reference is None else "at least 0"
        raise ValueError(f"betas must be {need}, got {betas.tolist()}")
    return betas
