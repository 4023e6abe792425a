"""Gibbs sampling: one block of coordinates at a time, given all the others."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Generator, Tensor

from dgm_lib.core import Grid, array, whole
from dgm_lib.samplers.mcmc.hastings import like, metropolis, probability
from dgm_lib.samplers.mcmc.kernel import Kernel, settle, uniform
from dgm_lib.samplers.mcmc.law import Function, Law, function
from dgm_lib.samplers.mcmc.state import State

_ANYWHERE = 1e-3  # the share of a table's proposals that go anywhere in the box


def gibbs(
    log_prob: Function, draws: Sequence[Callable[[Tensor, Generator | None], Tensor]]
) -> Kernel:
    """Gibbs sampling: each of `draws` in turn draws its block of x anew, given the rest.

    `draw(x, generator)` returns x `(*chains, d)` with the block from its exact conditional law, so
    there is nothing to accept; `path` has x after each of them. `log_prob` may leave out its
    normaliser. Geman and Geman, "Stochastic relaxation, Gibbs distributions and the Bayesian
    restoration of images" (1984).
    """
    law = Law(log_prob)
    if not isinstance(draws, Sequence) or not draws:
        raise ValueError(f"draws must be a list of functions, at least one, got {draws!r}")
    draws = [function("draws", draw) for draw in draws]

    def move(state: State, generator: Generator | None) -> State:
        path = [state.x]
        for draw in draws:
            path.append(like("draws", draw(path[-1].clone(), generator), state.x))
        x = path[-1]
        log_p = law.log_prob(x)
        if not log_p.isfinite().all():
            wrong = x[~log_p.isfinite()][0].tolist()
            raise ValueError(f"draws must stay where log_prob is finite, got x = {wrong}")
        new = State.fresh(x, log_p).replace(path=torch.stack(path))
        return new.replace(swaps=state.swaps, adaptation=state.adaptation)

    return Kernel(law, move)


def gibbs_table(log_prob: Function, box: Tensor, n: int = 200) -> Kernel:
    """Gibbs sampling of any law, restricted to a box `(d, 2)`, by tables of its conditionals.

    Each coordinate in turn is drawn from its conditional law made constant on n cells of the box,
    and accepted by Metropolis and Hastings, which makes it exact; `accept_prob` is the mean over
    the coordinates, `path` has x after each. `log_prob` may leave out its normaliser, and must take
    points of any shape `(*batch, d)`; a step evaluates it at d (n + 1) points per chain. Ritter and
    Tanner, "Facilitating the Gibbs sampler" (1992).
    """
    n, box = whole("n", n, at_least=2), array("box", box)
    if box.ndim != 2 or box.shape[1] != 2 or not len(box):
        raise ValueError(f"box must have shape (d, 2), got {tuple(box.shape)}")
    axes = [Grid(rows[None], n).axes[0] for rows in box]
    law = Law(_restricted(Law(log_prob), box))

    def move(state: State, generator: Generator | None) -> State:
        path, probs = [state.x], []
        for i, axis in enumerate(axes):
            state = _redraw(law, state, i, axis, generator)
            path.append(state.x)
            probs.append(state.accept_prob)
        prob, moved = torch.stack(probs).mean(dim=0), (state.x != path[0]).any(dim=-1)
        return state.replace(accept_prob=prob, accepted=moved, path=torch.stack(path))

    return Kernel(law, move)


def _redraw(law: Law, state: State, i: int, axis: Tensor, generator: Generator | None) -> State:
    """Coordinate i drawn anew: a cell by its tabulated weight, then anywhere within that cell."""
    axis, n = axis.to(state.x), len(axis)
    width = axis[1] - axis[0]
    row = state.x[..., None, :].repeat_interleave(n, dim=-2)
    row[..., i] = axis
    # The share that goes anywhere leaves no part of a cell out of reach, nor a row without weight.
    weights = law.log_prob(row).softmax(dim=-1).nan_to_num() + _ANYWHERE / n
    cdf = weights.cumsum(dim=-1)
    u = uniform(cdf[..., :1], generator) * cdf[..., -1:]
    new = (cdf < u).sum(dim=-1, keepdim=True).clamp(max=n - 1)
    here = ((state.x[..., i, None] - axis[0]) / width).round().long().clamp(0, n - 1)
    x = state.x.clone()
    x[..., i] = (axis[new] + width * (uniform(u, generator) - 0.5)).squeeze(-1)
    log_p, log_q = law.log_prob(x), weights.log()
    forward, backward = (log_q.gather(-1, cell).squeeze(-1) for cell in (new, here))
    prob = probability(metropolis(state.log_p, log_p, forward, backward), log_p)
    return settle(state, prob, generator, x, log_p)


def _restricted(law: Law, box: Tensor) -> Function:
    """The same law where it is in the box, and nothing outside."""

    def restricted(x: Tensor) -> Tensor:
        if x.shape[-1] != len(box):
            raise ValueError(f"x must have {len(box)} coordinates, as box, got {x.shape[-1]}")
        low, high = box.to(x).unbind(dim=-1)
        inside = ((low <= x) & (x <= high)).all(dim=-1)
        return law.log_prob(x).masked_fill(~inside, -math.inf)

    return restricted
