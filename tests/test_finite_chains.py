"""Finite Markov chains: four ways to one stationary law, and detailed balance for any proposal."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from dgm_lib.core import generator
from dgm_lib.samplers import finite

SIZES = [1, 2, 3, 7, 40]


def stochastic(k: int, g: torch.Generator, zeros: float = 0.0) -> torch.Tensor:
    """A column-stochastic matrix, a share of it zero, that is nowhere near symmetric."""
    T = torch.rand(k, k, generator=g, dtype=torch.float64) ** 4
    T *= torch.rand(k, k, generator=g) >= zeros
    empty = T.sum(dim=0) == 0
    T[0, empty] = 1
    return T / T.sum(dim=0)


@pytest.mark.parametrize("k", SIZES)
def test_four_ways_agree(k: int) -> None:
    g = generator(k)
    T = stochastic(k, g)
    pi = finite.stationary(T)
    assert (pi >= 0).all() and pi.sum().item() == pytest.approx(1)
    assert torch.allclose(T @ pi, pi, atol=1e-14, rtol=0)
    values, vectors = torch.linalg.eig(T)
    one = vectors[:, (values - 1).abs().argmin()].real
    assert torch.allclose(one / one.sum(), pi, atol=1e-10)
    *_, p = itertools.islice(finite.evolve(T, torch.eye(k)[0]), 400)
    assert torch.allclose(p, pi, atol=1e-8)
    states = itertools.islice(finite.walk(T, torch.zeros(4000, dtype=torch.long), g), 60)
    *_, last = states
    found = last.bincount(minlength=k) / 4000
    assert ((found - pi).abs() <= 4 * (pi * (1 - pi) / 4000).sqrt() + 1e-3).all()


@pytest.mark.parametrize("seed", range(30))
def test_detailed_balance_for_any_proposal(seed: int) -> None:
    g = generator(seed)
    k = SIZES[seed % len(SIZES)]
    Q = stochastic(k, g, zeros=(0.0, 0.4, 0.9)[seed % 3])
    pi = torch.rand(k, generator=g, dtype=torch.float64) ** (1 + 8 * (seed % 4))
    if seed % 2 and k > 2:
        pi[1] = 0
    T = finite.metropolis_hastings(pi, Q)
    pi = pi / pi.sum()
    flow = T * pi
    assert (flow - flow.T).abs().max() < 1e-15
    assert (T >= 0).all() and (T.sum(dim=0) - 1).abs().max() < 1e-14
    assert torch.allclose(T @ pi, pi, atol=1e-14, rtol=0)
    off = ~torch.eye(k, dtype=torch.bool)
    assert (T <= Q + 1e-16)[off].all()
    # as good as it can be: each pair accepts all that is proposed one way or the other
    full = torch.isclose(T, Q, rtol=1e-12) | torch.isclose(T, Q, rtol=1e-12).T
    assert (full | (Q == 0) | (Q.T == 0))[off].all()


def test_metropolis_hastings_by_hand() -> None:
    T = finite.metropolis_hastings([0.2, 0.8], [[0.4, 0.5], [0.6, 0.5]])
    assert torch.allclose(T, torch.tensor([[0.4, 0.15], [0.6, 0.85]]).double())
    extreme = finite.metropolis_hastings([1e-300, 1e300, 0], torch.full((3, 3), 1 / 3).double())
    assert extreme.isfinite().all() and (extreme.sum(0) - 1).abs().max() < 1e-14


def test_the_smallest_probability_is_exact() -> None:
    """Up with 1e-3, down with 1 - 1e-3: pi falls by a factor of 1e-3 / (1 - 1e-3) per state."""
    k, up = 40, 1e-3
    T = torch.zeros(k, k, dtype=torch.float64)
    for j in range(k):
        T[min(j + 1, k - 1), j] += up
        T[max(j - 1, 0), j] += 1 - up
    pi = finite.stationary(T)
    ratio = pi[1:] / pi[:-1] / (up / (1 - up))
    assert (ratio - 1).abs().max() < 1e-12 and pi[-1] < 1e-110


def test_periodic_chains_and_chains_that_forget_where_they_began() -> None:
    swap = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    assert finite.stationary(swap).tolist() == [0.5, 0.5]
    laws = list(itertools.islice(finite.evolve(swap, [1.0, 0.0]), 4))
    assert [p.tolist() for p in laws] == [[1, 0], [0, 1], [1, 0], [0, 1]]
    trap = [[0.5, 0.1, 0], [0.5, 0.8, 0], [0, 0.1, 1]]
    assert finite.stationary(trap).tolist() == [0, 0, 1]


def test_two_stationary_laws_are_an_error_that_says_why() -> None:
    T = [[1, 0.2, 0, 0], [0, 0.5, 0, 0], [0, 0.3, 0.4, 0.5], [0, 0, 0.6, 0.5]]
    with pytest.raises(ValueError, match=r"one stationary law.*never leaves \{0\} and \{2, 3\}"):
        finite.stationary(T)


def test_walk_follows_the_columns() -> None:
    g = generator(0)
    T = stochastic(5, g, zeros=0.5)
    start = torch.arange(5).repeat_interleave(4000).view(5, 4000)
    walk = finite.walk(T, start, generator(1))
    assert torch.equal(next(walk), start)
    after = next(walk)
    assert after.shape == start.shape and after.dtype == torch.long
    for j in range(5):
        found = after[j].bincount(minlength=5) / 4000
        assert (found[T[:, j] == 0] == 0).all()
        assert ((found - T[:, j]).abs() <= 4 * (T[:, j] * (1 - T[:, j]) / 4000).sqrt()).all()
    again = finite.walk(T, start, generator(1))
    next(again)
    assert torch.equal(next(again), after)


def test_long_run_frequencies() -> None:
    T = torch.tensor([[0.9, 0.5], [0.1, 0.5]])
    steps = torch.stack(list(itertools.islice(finite.walk(T, torch.tensor(0), generator(0)), 6000)))
    # the autocorrelation time of this chain is (1 + 0.4) / (1 - 0.4)
    stderr = (5 / 36 / 6000 * 1.4 / 0.6) ** 0.5
    assert abs((steps == 1).double().mean().item() - 1 / 6) < 4 * stderr


@pytest.mark.parametrize(
    ("T", "words"),
    [
        ([[0.9, 0.1], [0.5, 0.5]], "columns that sum to 1.*transpose"),
        ([[0.9, 0.1], [0.2, 0.9]], "columns that sum to 1, got 1.1 for column 0"),
        ([[1.5, 0.5], [-0.5, 0.5]], "probabilities, got -0.5"),
        ([[1.0, 0.0]], r"shape \(k, k\)"),
        ([], r"shape \(k, k\)"),
        ([[math.nan, 0.5], [0.5, 0.5]], "finite"),
        ("T", "array"),
    ],
)
def test_matrices_that_are_no_chains(T, words: str) -> None:
    for use in (
        finite.stationary,
        lambda T: finite.evolve(T, [0.5, 0.5]),
        lambda T: finite.walk(T, torch.tensor([0])),
    ):
        with pytest.raises(ValueError, match=f"^T must .*{words}"):
            use(T)
    with pytest.raises(ValueError, match="^Q must "):
        finite.metropolis_hastings([0.5, 0.5], T)


@pytest.mark.parametrize(
    ("words", "use"),
    [
        ("p0 must", lambda T: finite.evolve(T, [0.5, 0.4])),
        ("p0 must", lambda T: finite.evolve(T, [1.0])),
        ("pi must", lambda T: finite.metropolis_hastings([1.0], T)),
        ("pi must", lambda T: finite.metropolis_hastings([0.0, 0.0], T)),
        ("pi must", lambda T: finite.metropolis_hastings([-1.0, 2.0], T)),
        ("start must", lambda T: finite.walk(T, torch.tensor([0, 2]))),
        ("start must", lambda T: finite.walk(T, torch.tensor([0.0]))),
    ],
)
def test_other_arguments(words: str, use) -> None:
    with pytest.raises(ValueError, match=f"^{words}"):
        use(torch.tensor([[0.9, 0.5], [0.1, 0.5]]))
