"""Wrong stationary laws, and what gives them away."""

import torch

from dgm_lib.exercises.mcmc.tells import ask, same, vector

EASY = torch.stack([vector(0.7, 0.1), vector(0.3, 0.9)])  # eigenvalues 1 and 0.6
AT_ONCE = vector(0.2, 0.5, 0.3)[:, None].repeat(1, 3)
ROUND = torch.stack([vector(0, 0, 0.3), vector(0, 0, 0.7), vector(1, 1, 0)])
ROUNDS = [ROUND[order][:, order] for order in ([0, 1, 2], [2, 0, 1], [1, 0, 2])]


def equations(T):
    """T − I with a row of ones in the place of its first one."""
    rows = T - torch.eye(len(T)).to(T)
    rows[0] = 1
    return rows


def right(T):
    """As it should be."""
    return torch.linalg.solve(equations(T), torch.eye(len(T)).to(T)[0])


def uniform(T):
    """The uniform law."""
    return torch.full_like(T[0], 1 / len(T))


def steps(T, n):
    """The law after n steps from the uniform one."""
    return torch.linalg.matrix_power(T, n) @ uniform(T)


def eigenvector(T, choose):
    """The scaled eigenvector of the eigenvalue that `choose` points to."""
    values, vectors = torch.linalg.eig(T)
    pi = vectors[:, choose(values)].real
    return pi / pi.sum()


def symmetrised(T):
    """The answer for the symmetric part of T."""
    return symmetric((T + T.T) / 2)


def minus_one(T):
    """The eigenvector of an eigenvalue of modulus 1, whichever comes first in an unlucky order."""
    return eigenvector(T, lambda values: torch.where(values.abs() > 0.999, values.real, 9).argmin())


def row_of_the_eigenvectors(T):
    """A row where a column belongs."""
    values, vectors = torch.linalg.eig(T)
    pi = vectors[(values - 1).abs().argmin()].real
    return pi / pi.sum()


def symmetric(T):
    """The answer of a routine for symmetric matrices."""
    pi = torch.linalg.eigh(T).eigenvectors[:, -1]
    return pi / pi.sum()


def singular_vector(T):
    """The first singular vector of T."""
    pi = torch.linalg.svd(T).U[:, 0]
    return pi / pi.sum()


def column_of_the_svd(T):
    """A column where a row belongs."""
    rows = torch.linalg.svd(T - torch.eye(len(T)).to(T)).Vh
    return rows[:, -1] / rows[:, -1].sum()


def detailed_balance(T):
    """The law that detailed balance with the first state would give."""
    return T[:, 0] / T[0] / (T[:, 0] / T[0]).sum()


def identity_forgotten(T):
    """The solution of T π = 0."""
    rows = torch.cat([torch.ones_like(T[:1]), T[1:]])
    return torch.linalg.solve(rows, torch.eye(len(T)).to(T)[0])


# ------------------------------------------------------------------------ what gives it away


def law(fn, T):
    """What fn returns for T, if it has the form of a law."""
    return ask(fn, T, shape=T.shape[:1])


def is_law(pi):
    """Whether the entries are not negative and sum to 1."""
    return bool((pi > -1e-6).all()) and abs(float(pi.sum()) - 1) < 1e-6


def settles_only_without_rounds(fn, generator):
    """Right where p_t converges; where it goes back and forth, a law but the wrong one."""
    outs = [law(fn, T) for T in ROUNDS]
    wrong = not all(map(same, outs, map(right, ROUNDS)))
    return same(law(fn, EASY), right(EASY)) and wrong and all(map(is_law, outs))


def takes_minus_one(fn, generator):
    """Right where 1 is the only eigenvalue of modulus 1; where it is not, no law."""
    outs = [law(fn, T) for T in ROUNDS]
    return same(law(fn, EASY), right(EASY)) and not all(map(is_law, outs))


def stops_too_early(fn, generator):
    """A law on the straight way from the uniform one, or from one state, to the right one."""
    pi, slow = AT_ONCE[:, 0], 0.999 * torch.eye(3).to(AT_ONCE) + 0.001 * AT_ONCE
    left = law(fn, slow) - pi
    starts = torch.cat([torch.eye(3).to(pi), torch.full_like(pi, 1 / 3)[None]]) - pi
    on_its_way = torch.cosine_similarity(left[None], starts) > 1 - 1e-6
    return bool(left.norm() > 1e-6) and bool(on_its_way.any())


def is_proportional(fn, generator):
    """A multiple of the right law."""
    out = law(fn, EASY)
    return same(out / out.sum(), right(EASY)) and not is_law(out)


def is_constant(fn, generator):
    """All entries are equal."""
    out = law(fn, EASY)
    return same(out, out.mean().expand(2))


def is_complex(fn, generator):
    """Complex numbers."""
    return fn(EASY.clone()).is_complex()


def is_matrix(fn, generator):
    """A matrix."""
    return ask(fn, EASY, shape=(2, 2)).dim() == 2


def is_no_law(fn, generator):
    """Negative entries, or another sum than 1."""
    return not is_law(law(fn, EASY))


def moves(fn, generator):
    """T moves it."""
    return not same(EASY @ law(fn, EASY), law(fn, EASY))
