"""Markov chains on finitely many states, by a matrix: T[i, j] = P(new state i | old state j).

Each column of T is a law, so that laws are columns too: p_t = T p_(t-1). Tables and laws are kept
in double precision on the CPU. Norris, "Markov Chains" (1997), chapter 1.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from scipy.sparse.csgraph import connected_components
from torch import Generator, Tensor

from dgm_lib.core import array, tensor
from dgm_lib.nets.inputs import drawing_device

_TOLERANCE = 1e-5  # of a sum of probabilities, which may come in single precision


def evolve(T: Tensor, p0: Tensor) -> Iterator[Tensor]:
    """The laws p_0, p_1 = T p_0, p_2 = T p_1, ... of the state after 0, 1, 2, ... steps, `(k,)`.

    >>> next(evolve([[0.9, 0.5], [0.1, 0.5]], [0.0, 1.0]))
    tensor([0., 1.], dtype=torch.float64)
    """
    T, p = _stochastic(T), array("p0", p0)
    if p.shape != T.shape[:1] or (p < 0).any() or abs(p.sum() - 1) > _TOLERANCE:
        raise ValueError(f"p0 must be {len(T)} probabilities that sum to 1, got {p.tolist()}")

    def laws(p: Tensor) -> Iterator[Tensor]:
        while True:
            yield p
            p = T @ p

    return laws(p)


def stationary(T: Tensor) -> Tensor:
    """The law pi with T pi = pi, `(k,)`; a `ValueError` if there is more than one.

    There is one if all states lead to one and the same set of states that is never left. Found by
    elimination without a subtraction, so that even the smallest probability is exact to rounding:
    Grassmann, Taksar and Heyman, "Regenerative analysis and steady state distributions" (1985).

    >>> stationary([[0.9, 0.5], [0.1, 0.5]])
    tensor([0.8333, 0.1667], dtype=torch.float64)
    """
    T = _stochastic(T)
    closed = _closed_classes(T)
    if len(closed) > 1:
        sets = " and ".join(str(set(states.tolist())) for states in closed)
        raise ValueError(f"T must have one stationary law: the chain never leaves {sets}")
    pi = T.new_zeros(len(T))
    pi[closed[0]] = _eliminated(T[closed[0]][:, closed[0]])
    return pi


def walk(T: Tensor, start: Tensor, generator: Generator | None = None) -> Iterator[Tensor]:
    """The states of chains after 0, 1, 2, ... steps, each `(*chains,)` integers from 0 to k - 1."""
    T, state = _stochastic(T), tensor("start", start)
    if state.is_floating_point() or state.is_complex() or state.dtype == torch.bool:
        raise ValueError(f"start must hold integers, got {state.dtype}")
    if state.numel() and not 0 <= state.min() <= state.max() < len(T):
        raise ValueError(f"start must be states from 0 to {len(T) - 1}, got {state.tolist()}")
    cdf = T.cumsum(dim=0).T.to(state.device).contiguous()
    cdf = cdf / cdf[:, -1:]  # so that u < 1 always falls on a state

    def states(state: Tensor) -> Iterator[Tensor]:
        on = drawing_device(generator, state.device)
        while True:
            yield state
            u = torch.rand(state.shape, generator=generator, dtype=cdf.dtype, device=on)
            u = u.to(state.device)[..., None]
            state = torch.searchsorted(cdf[state], u, right=True).squeeze(-1)

    return states(state.long().clone())


def metropolis_hastings(pi: Tensor, Q: Tensor) -> Tensor:
    """The kernel `(k, k)` that proposes by Q and accepts so that pi is stationary.

    T[i, j] = Q[i, j] min(1, pi_i Q[j, i] / (pi_j Q[i, j])) off the diagonal; a proposal that is
    rejected stays at j. Detailed balance holds for any Q, T[i, j] pi_j = T[j, i] pi_i, and pi may
    leave out its normaliser. Hastings (1970).

    >>> metropolis_hastings([1, 3], [[0.5, 0.5], [0.5, 0.5]])
    tensor([[0.5000, 0.1667],
            [0.5000, 0.8333]], dtype=torch.float64)
    """
    Q, pi = _stochastic(Q, "Q"), array("pi", pi)
    if pi.shape != Q.shape[:1] or (pi < 0).any() or pi.sum() <= 0:
        raise ValueError(f"pi must be {len(Q)} weights, not all zero, got {pi.tolist()}")
    pi = pi / pi.max()
    flow = Q * pi  # [i, j]: how much is proposed to go from j to i; as much as comes back may
    T = torch.where(pi > 0, torch.minimum(flow, flow.T) / pi, Q)  # Q: out of where p is 0
    T = torch.minimum(T, Q).fill_diagonal_(0)
    return T + (1 - T.sum(dim=0)).clamp(min=0).diag()


def _stochastic(T: Tensor, name: str = "T") -> Tensor:
    """The argument `name`, a matrix whose columns are laws, to double precision."""
    T = array(name, T)
    if T.ndim != 2 or T.shape[0] != T.shape[1] or not len(T):
        raise ValueError(f"{name} must have shape (k, k), got {tuple(T.shape)}")
    if (T < 0).any():
        raise ValueError(f"{name} must hold probabilities, got {T.min().item()}")
    columns, rows = T.sum(dim=0), T.sum(dim=1)
    if (columns - 1).abs().max() > _TOLERANCE:
        turned = (rows - 1).abs().max() < _TOLERANCE
        hint = "; its rows do: pass its transpose" if turned else ""
        worst = (columns - 1).abs().argmax().item()
        raise ValueError(
            f"{name} must have columns that sum to 1, "
            f"got {columns[worst]:g} for column {worst}{hint}"
        )
    return T / columns


def _closed_classes(T: Tensor) -> list[Tensor]:
    """The smallest sets of states that the chain never leaves."""
    n, label = connected_components((T.T > 0).numpy(), directed=True, connection="strong")
    classes = [torch.from_numpy((label == c).nonzero()[0]) for c in range(n)]
    leaving = [T[:, states].sum(dim=1).index_fill(0, states, 0).sum() for states in classes]
    return [states for states, share in zip(classes, leaving) if share == 0]


def _eliminated(T: Tensor) -> Tensor:
    """The stationary law of states that all lead to one another: leave out one after the other."""
    T, pi = T.clone(), torch.ones(len(T), dtype=T.dtype)
    for j in range(len(T) - 1, 0, -1):  # the chain watched only while it is in 0, ..., j - 1
        T[j, :j] /= T[:j, j].sum()
        T[:j, :j] += torch.outer(T[:j, j], T[j, :j])
    for j in range(1, len(T)):
        pi[j] = T[j, :j] @ pi[:j]
        pi[: j + 1] /= pi[: j + 1].sum()
    return pi
