"""Metropolis and Hastings: propose anything, keep it with the right probability."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import torch
from torch import Generator, Tensor

from dgm_lib.core import Density
from dgm_lib.samplers.mcmc.kernel import Kernel, Step, column, normal, positive, settle
from dgm_lib.samplers.mcmc.law import Function, Law, function
from dgm_lib.samplers.mcmc.state import State

Accept = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


def metropolis(
    log_p: Tensor, log_p_new: Tensor, log_q_forward: Tensor, log_q_backward: Tensor
) -> Tensor:
    """The probability of moving from x to x', min(1, p(x') q(x|x') / (p(x) q(x'|x))).

    All `(*chains,)`: log p(x) and log p(x') up to one constant, log q(x'|x) of the way forward and
    log q(x|x') of the way back. Hastings, "Monte Carlo sampling methods using Markov chains and
    their applications" (1970).
    """
    log_ratio = log_p_new + log_q_backward - log_p - log_q_forward
    return log_ratio.clamp(max=0).exp()


def metropolis_hastings(
    log_prob: Function,
    propose: Callable[[Tensor, Generator | None], Tensor],
    log_q: Callable[[Tensor, Tensor], Tensor] | None = None,
    accept: Accept = metropolis,
) -> Kernel:
    """Moves `propose(x, generator) -> x'` of any kind, corrected to leave p invariant.

    `log_q(to, given)` is log q(to | given), `(*chains,)`; None says that q is symmetric. `log_prob`
    may leave out its normaliser.
    """
    law, accept = Law(log_prob), function("accept", accept)
    propose = function("propose", propose)
    log_q = None if log_q is None else function("log_q", log_q)

    def move(state: State, generator: Generator | None) -> State:
        x = like("propose", propose(state.x.clone(), generator), state.x)
        return decide(law, state, x, log_q, accept, generator)

    return Kernel(law, move)


def random_walk(log_prob: Function, step: Step, accept: Accept = metropolis) -> Kernel:
    """Random-walk Metropolis: x' = x + step ε with ε ~ N(0, I).

    `log_prob` may leave out its normaliser; `step` is a number, or a tensor of one per chain.
    Metropolis et al., "Equation of state calculations by fast computing machines" (1953).
    """
    law, step, accept = Law(log_prob), positive("step", step), function("accept", accept)

    def move(state: State, generator: Generator | None) -> State:
        x = state.x + column(step, state.x) * normal(state.x, generator)
        return decide(law, state, x, None, accept, generator, step=step)

    return Kernel(law, move, step)


def independence(log_prob: Function, law: Density, accept: Accept = metropolis) -> Kernel:
    """Proposals x' ~ law, wherever the chain is: q(x'|x) = law(x').

    `log_prob` may leave out its normaliser. It works as well as the law covers p. Tierney, "Markov
    chains for exploring posterior distributions" (1994).
    """
    law = density("law", law)

    def propose(x: Tensor, generator: Generator | None) -> Tensor:
        return law.sample(x.shape[:-1], generator=generator).to(x)

    def log_q(to: Tensor, given: Tensor) -> Tensor:
        return law.log_prob(to)

    return metropolis_hastings(log_prob, propose, log_q, accept)


def decide(
    law: Law,
    state: State,
    x: Tensor,
    log_q: Callable[[Tensor, Tensor], Tensor] | None,
    accept: Accept,
    generator: Generator | None,
    **facts: object,
) -> State:
    """The state after the proposal x has been accepted or not."""
    log_p = law.log_prob(x)
    if log_q is None:
        forward = backward = torch.zeros_like(log_p)
    else:
        forward = like("log_q", log_q(*copies(x, state.x)), log_p)
        backward = like("log_q", log_q(*copies(state.x, x)), log_p)
    prob = probability(accept(*copies(state.log_p, log_p, forward, backward)), log_p)
    return settle(state, prob, generator, x, log_p, **facts)


def probability(accept_prob: Tensor, log_p_new: Tensor) -> Tensor:
    """What `accept` returned, checked; 0 where the proposal is impossible or has diverged."""
    prob = like("accept", accept_prob, log_p_new).clamp(0, 1)
    prob = prob.masked_fill(log_p_new.isneginf(), 0)
    if prob.isnan().any():
        raise ValueError("accept must return probabilities, got NaN (or a log_q was NaN)")
    return prob


def like(name: str, value: object, other: Tensor) -> Tensor:
    """What the function `name` returned: a tensor of the shape of `other`, and in its type."""
    if not isinstance(value, Tensor) or value.shape != other.shape:
        got = tuple(value.shape) if isinstance(value, Tensor) else repr(value)
        raise ValueError(f"{name} must return a tensor of shape {tuple(other.shape)}, got {got}")
    return value.to(other.dtype)


def copies(*given: Step) -> list[Step]:
    """What a function from outside is given, in case it works in place."""
    return [value.clone() if isinstance(value, Tensor) else value for value in given]


def density(name: str, value: object) -> Density:
    """The argument `name`, a law that draws by a generator."""
    try:
        sound = isinstance(value, Density)
        inspect.signature(value.sample).bind((), generator=None)
    except (AttributeError, TypeError):
        sound = False
    if not sound:
        rule = "a density with log_prob(x) and sample(shape, generator=...)"
        raise ValueError(f"{name} must be {rule}, got {value!r}")
    return value
