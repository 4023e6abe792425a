"""Annealed importance sampling: the normalising constant of a law that is only known up to one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from dgm_lib.core import array, whole
from dgm_lib.nets.inputs import network

LogProb = Callable[[Tensor], Tensor]
"""log p up to a constant, `(*chains, d) -> (*chains,)`."""

Move = Callable[[Tensor, torch.Generator | None], Tensor]
"""One move of all chains, (x, generator) -> x, that leaves a law as it is."""


class Annealed(NamedTuple):
    """Weighted chains on their way: x `(*chains, d)`, log_w `(*chains,)`, and where they are."""

    x: Tensor
    log_w: Tensor
    beta: float


def ais(
    log_prob_at: Callable[[float], LogProb],
    kernel_at: Callable[[float], Move],
    betas: Sequence[float] | Tensor,
    x: Tensor,
    generator: torch.Generator | None = None,
) -> Iterator[Annealed]:
    """Carry exact draws of one law to another by small steps, with weights that make up for it.

    log_prob_at(β) is the log-density of the law p_β, up to a constant Z_β; kernel_at(β) a
    move that leaves p_β as it is, need not converge to it, and may be of any kind. x `(*chains, d)`
    are exact draws of p at betas[0]. At each β after the first

        log w ← log w + log p_β(x) - log p_β'(x),  β' the one before;  then x moves by kernel_at(β).

    What is yielded first has log w = 0. The mean of w is then Z_β / Z_betas[0] without bias, at
    every β: `metrics.log_mean_exp(log_w)` is its log with an error. And weighted by w, x are draws
    of p_β. A chain whose point p_β rules out has weight 0 from then on; to keep it where p_β
    can move it, it is put on the place of one that still counts. (Neal, 2001.)

    >>> from dgm_lib.core import generator
    >>> def log_prob_at(beta):  # from N(0, 1) to N(0, 1/4)
    ...     return lambda x: -(1 + 3 * beta) * x.square().sum(-1) / 2
    >>> def exact(beta):
    ...     return lambda x, g: torch.randn(x.shape, generator=g) / (1 + 3 * beta) ** 0.5
    >>> g = generator(0)
    >>> x = torch.randn(999, 1, generator=g)
    >>> for step in ais(log_prob_at, exact, torch.linspace(0, 1, 51), x, g):
    ...     pass
    >>> error = step.log_w.exp().mean().log() - torch.tensor(0.5).log()
    >>> step.beta, abs(error.item()) < 0.03
    (1.0, True)
    """
    schedule = array("betas", betas)
    if schedule.ndim != 1 or len(schedule) == 0:
        raise ValueError(f"betas must have shape (K,), got {tuple(schedule.shape)}")
    if not (isinstance(x, Tensor) and x.ndim >= 1 and x.isfinite().all()):
        raise ValueError("x must be a tensor (*chains, d) of finite numbers")
    return _anneal(log_prob_at, kernel_at, schedule.tolist(), x.detach(), generator)


def geometric(log_prob_0: LogProb, log_prob_1: LogProb) -> Callable[[float], LogProb]:
    """The laws p_β ∝ p_0^(1-β) p_1^β between two, as `log_prob_at` wants them.

    >>> halfway = geometric(lambda x: x.sum(-1), lambda x: 3 * x.sum(-1))(0.5)
    >>> halfway(torch.ones(2))
    tensor(4.)
    """
    network("log_prob_0", log_prob_0), network("log_prob_1", log_prob_1)

    def log_prob_at(beta: float) -> LogProb:
        if beta == 0:  # and not 0 times the -inf of a point that p_1 rules out
            return log_prob_0
        if beta == 1:
            return log_prob_1
        return lambda x: (1 - beta) * log_prob_0(x) + beta * log_prob_1(x)

    return log_prob_at


def move(kernel, n: int = 1) -> Move:
    """n steps of a Markov chain's `kernel` as one function, (x, generator) -> x.

    `kernel` is one of `mcmc`, or whatever has `kernel.init(x)` and `kernel(state, generator)` that
    give states with their `x`. With a path as above, `lambda beta: move(mcmc.mala(path(beta), h))`
    is a `kernel_at`.
    """
    n = whole("n", n)
    if not hasattr(kernel, "init"):
        raise ValueError(f"kernel must have init(x), as those of mcmc, got {kernel!r}")

    def moved(x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        state = kernel.init(x)
        for _ in range(n):
            state = kernel(state, generator)
        return state.x

    return moved


def _anneal(
    log_prob_at: Callable[[float], LogProb],
    kernel_at: Callable[[float], Move],
    betas: list[float],
    x: Tensor,
    generator: torch.Generator | None,
) -> Iterator[Annealed]:
    log_w = torch.zeros_like(_positive(log_prob_at, betas[0], x))
    yield Annealed(x, log_w, betas[0])
    for before, beta in pairwise(betas):
        log_w = log_w + _evaluated(log_prob_at, beta, x) - _positive(log_prob_at, before, x)
        x = _moved(kernel_at(beta), _with_weight(x, log_w), generator)
        yield Annealed(x, log_w, beta)


def _positive(log_prob_at: Callable[[float], LogProb], beta: float, x: Tensor) -> Tensor:
    """log p_β where the chains came to be by p_β: it cannot be -inf there."""
    log_p = _evaluated(log_prob_at, beta, x)
    if log_p.isneginf().any():
        raise ValueError(
            f"x must be draws of the law at betas[0], and kernel_at(beta) must leave p_beta as it "
            f"is: got a chain where log_prob_at(beta) is -inf at beta = {beta:g}"
        )
    return log_p


@torch.no_grad()
def _evaluated(log_prob_at: Callable[[float], LogProb], beta: float, x: Tensor) -> Tensor:
    log_p = log_prob_at(beta)(x.clone()).detach()  # a copy, in case it works in place
    if log_p.shape != x.shape[:-1]:
        raise ValueError(
            f"log_prob_at(beta) must return one number per chain, shape {tuple(x.shape[:-1])}, "
            f"got {tuple(log_p.shape)} at beta = {beta:g}"
        )
    if log_p.isnan().any() or log_p.isposinf().any():
        raise ValueError(
            f"log_prob_at(beta) must be a number or -inf, got NaN or +inf at beta = {beta:g}"
        )
    return log_p


def _with_weight(x: Tensor, log_w: Tensor) -> Tensor:
    """The chains x, those of weight 0 on the place of the first that has some."""
    dead = log_w.isneginf()
    if not dead.any():
        return x
    if dead.all():
        raise ValueError("betas must lead through laws that overlap: no chain has weight any more")
    return torch.where(dead[..., None], x[~dead][0], x)


def _moved(move: Move, x: Tensor, generator: torch.Generator | None) -> Tensor:
    moved = move(x, generator)
    if moved.shape != x.shape:
        raise ValueError(
            f"kernel_at(beta) must return chains of shape {tuple(x.shape)}, "
            f"got {tuple(moved.shape)}"
        )
    return moved.detach()
