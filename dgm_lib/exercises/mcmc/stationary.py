"""The stationary law of a finite Markov chain."""

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise
from dgm_lib.exercises.mcmc.stationary_mistakes import MISTAKES


def stationary(T: Tensor) -> Tensor:
    """The law pi (k,) with T pi = pi, for T (k, k) whose columns sum to 1.

    T[i, j] is the probability of going to i from j.
    """
    equations = T - torch.eye(len(T)).to(T)
    result = T.new_zeros(len(T))
    # The equations (T − I) pi = 0 add up to 0 = 0: one of them makes room for "pi sums to 1".
    equations[0] = 1
    result[0] = 1
    return torch.linalg.solve(equations, result)


# Every second step returns to where it started from: the eigenvalues are 1, −1 and 0.
THERE_AND_BACK = [[0.0, 0.0, 0.3], [0.0, 0.0, 0.7], [1.0, 1.0, 0.0]]
# Three states that go round, and a fourth that nobody comes back to.
TRANSIENT = [[0.1, 0.0, 0.4, 0.2], [0.9, 0.3, 0.0, 0.0], [0.0, 0.7, 0.6, 0.3], [0.0, 0.0, 0.0, 0.5]]


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def columns(k):
        drawn = torch.rand(k, k, generator=generator, dtype=torch.float64)
        return drawn / drawn.sum(dim=0)

    def two_rooms(leak):
        """Two rooms with a narrow door: 3 states there and 2 here."""
        T = torch.block_diag(columns(3), columns(2)) * (1 - leak)
        T[0, 3:] = leak
        T[4, :3] = 2 * leak
        return T / T.sum(dim=0)

    there_and_back = torch.tensor(THERE_AND_BACK, dtype=torch.float64)
    orders = ([0, 1, 2], [2, 0, 1], [1, 0, 2])
    chains = [
        torch.tensor([[0.7, 0.1], [0.3, 0.9]], dtype=torch.float64),
        *(there_and_back[order][:, order] for order in orders),
        torch.tensor(TRANSIENT, dtype=torch.float64),
        columns(4),
        two_rooms(0.01),
        columns(11),
    ]
    return [(T.to(dtype),) for T in chains]


# ------------------------------------------------------------------------ right answers


def _eigenvector(T):
    values, vectors = torch.linalg.eig(T)
    pi = vectors[:, (values - 1).abs().argmin()].real
    return pi / pi.sum()


def _largest_real_part(T):
    values, vectors = torch.linalg.eig(T)
    pi = vectors.real[:, torch.argmax(values.real)].abs()
    return pi / pi.sum()


def _null_space(T):
    _, _, rows = torch.linalg.svd(T - torch.eye(len(T), dtype=T.dtype, device=T.device))
    return rows[-1] / rows[-1].sum()


def _least_squares(T):
    k = T.shape[0]
    identity = torch.eye(k, dtype=T.dtype, device=T.device)
    equations = torch.cat([T - identity, torch.ones_like(T[:1])])
    result = torch.cat([torch.zeros_like(T[0]), torch.ones_like(T[0, :1])])
    return torch.linalg.lstsq(equations, result[:, None]).solution[:, 0]


def _one_added_to_all(T):
    return torch.linalg.solve(torch.eye(len(T)).to(T) - T + 1, torch.ones_like(T[0]))


def _cofactors(T):
    gap = torch.eye(len(T)).to(T) - T
    keep = [[j for j in range(len(T)) if j != i] for i in range(len(T))]
    pi = torch.stack([torch.linalg.det(gap[rest][:, rest]) for rest in keep])
    return pi / pi.sum()


def _lazy_powers(T):
    lazy = (T + torch.eye(len(T)).to(T)) / 2
    for _ in range(30):
        lazy = lazy @ lazy
        lazy = lazy / lazy.sum(dim=0)
    return lazy[:, 0]


def _states_removed_one_by_one(T):
    T, k = T.clone(), len(T)
    for n in range(k - 1, 0, -1):  # Grassmann, Taksar, Heyman: no subtractions
        T[n, :n] /= T[:n, n].sum()
        T[:n, :n] += T[:n, n, None] * T[n, :n]
    pi = torch.ones_like(T[0])
    for n in range(1, k):
        pi[n] = T[n, :n] @ pi[:n]
    return pi / pi.sum()


Exercise(
    stationary,
    title="The stationary law of a finite chain",
    minutes=8,
    difficulty=1,
    returns="(k,), one probability per state",
    cases=_cases,
    mistakes=MISTAKES,
    accepts=[
        _eigenvector,
        _largest_real_part,
        _null_space,
        _least_squares,
        _one_added_to_all,
        _cofactors,
        _lazy_powers,
        _states_removed_one_by_one,
    ],
    hints=(
        "T pi = pi: pi is an eigenvector of T with eigenvalue 1, scaled so that it sums to 1. "
        "It also solves the linear equations (T − I) pi = 0.",
        "With torch.linalg.eig: take the column of the eigenvectors whose eigenvalue is nearest "
        "to 1, its real part, and divide by its sum, which settles the sign too.",
        "With torch.linalg.solve: the k equations (T − I) pi = 0 add up to 0 = 0, so replace one "
        "of them by 'pi sums to 1', a row of ones with 1 on the right-hand side.",
        "Powers of T do not do in general: a chain that goes back and forth never settles.",
    ),
)
