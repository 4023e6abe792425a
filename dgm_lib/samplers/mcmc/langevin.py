"""Langevin: a small step up the score, and noise."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor

from dgm_lib.nets.inputs import require_beside
from dgm_lib.samplers.mcmc.hastings import copies, like, metropolis, probability
from dgm_lib.samplers.mcmc.kernel import Kernel, Step, column, normal, positive, settle
from dgm_lib.samplers.mcmc.law import Function, Law, function
from dgm_lib.samplers.mcmc.state import State


def ula(log_prob: Function, h: Step, score: Function | None = None) -> Kernel:
    """The unadjusted Langevin algorithm: x' = x + h s(x) + sqrt(2h) ε with ε ~ N(0, I).

    It never rejects, unless a step diverges, and so samples p only in the limit h -> 0: on
    N(0, σ²) its variance is σ² / (1 - h / (2σ²)). `log_prob` may leave out its normaliser; the
    score s = ∇ log p is autograd's unless given. Roberts and Tweedie, "Exponential convergence of
    Langevin distributions and their discrete approximations" (1996).
    """
    law, h = Law(log_prob, score), positive("h", h)

    def move(state: State, generator: Generator | None) -> State:
        x = _langevin(state, h, generator)
        log_p, s = law.with_score(x)
        return settle(state, log_p.isfinite().to(x), generator, x, log_p, s, step=h)

    return Kernel(law, move, h, gradients=True)


def langevin_log_q(x_new: Tensor, x: Tensor, score: Tensor, h: Step) -> Tensor:
    """log q(x'|x) = log N(x'; x + h s(x), 2h I), `(*chains,)`, with its normaliser.

    `score` is the tensor s(x) `(*chains, d)`; `h` is a number, or `(*chains,)`.
    """
    require_beside(x, x_new, "x_new"), require_beside(x, score, "score")
    h = torch.as_tensor(positive("h", h)).to(x)
    gap = x_new - x - h[..., None] * score
    return -gap.square().sum(dim=-1) / (4 * h) - x.shape[-1] / 2 * torch.log(4 * math.pi * h)


def mala(
    log_prob: Function,
    h: Step,
    score: Function | None = None,
    log_q: Callable[[Tensor, Tensor, Tensor, Step], Tensor] = langevin_log_q,
) -> Kernel:
    """The Metropolis-adjusted Langevin algorithm: the move of `ula`, accepted or not.

    q(x'|x) = N(x'; x + h s(x), 2h I) is not symmetric: the way back starts from the score at x'.
    `log_prob` may leave out its normaliser; the score s = ∇ log p is autograd's unless given; `h`
    is a number, or a tensor of one per chain. Roberts and Tweedie (1996).
    """
    law, h, log_q = Law(log_prob, score), positive("h", h), function("log_q", log_q)

    def move(state: State, generator: Generator | None) -> State:
        x = _langevin(state, h, generator)
        log_p, s = law.with_score(x)
        forward = like("log_q", log_q(*copies(x, state.x, state.score, h)), log_p)
        backward = like("log_q", log_q(*copies(state.x, x, s, h)), log_p)
        prob = probability(metropolis(state.log_p, log_p, forward, backward), log_p)
        return settle(state, prob, generator, x, log_p, s, step=h)

    return Kernel(law, move, h, gradients=True)


def _langevin(state: State, h: Step, generator: Generator | None) -> Tensor:
    h = column(h, state.x)
    return state.x + h * state.score + (2 * h) ** 0.5 * normal(state.x, generator)
