"""Wrong stationary laws."""

import torch

from dgm_lib.exercises import Mistake
from dgm_lib.exercises.mcmc import stationary_wrong as wrong
from dgm_lib.exercises.mcmc.stationary_wrong import right

NOT_NORMALISED = "this is a multiple of π: divide by its sum, so that it sums to 1"
TOO_FEW_STEPS = "this law still moves under T: for a chain that mixes slowly, more steps are needed"

MISTAKES = (
    Mistake(
        "uniform",
        wrong.uniform,
        "this is the uniform law, which Tᵀ leaves alone: here the columns of T sum to 1, so a law "
        "moves by T @ p, not by p @ T",
    ),
    Mistake(
        "one step",
        lambda T: wrong.steps(T, 1),
        "this is the law after one step from the uniform one: π does not move any more",
    ),
    Mistake(
        "from the first state",
        lambda T: T[:, 0].clone(),
        "this is the law after one step from the first state: π does not move any more",
    ),
    Mistake(
        "first row",
        lambda T: T[0] / T[0].sum(),
        "this is the first row of T: the law that T leaves alone is asked for",
    ),
    Mistake(
        "diagonal",
        lambda T: T.diagonal() / T.trace(),
        "this is the diagonal of T: how often the chain stays is not how often it is there",
    ),
    Mistake(
        "no scale",
        lambda T: -right(T) / right(T).norm(),
        "this is −π over its length: divide by the sum instead, which settles the sign as well",
    ),
    Mistake(
        "length one",
        lambda T: right(T) / right(T).norm(),
        "an eigenvector has length 1, a law sums to 1: divide by its sum",
    ),
    Mistake(
        "negative",
        lambda T: -right(T),
        "the sign is flipped: an eigenvector is known up to a factor, divide by the plain sum",
    ),
    Mistake(
        "largest is one",
        lambda T: right(T) / right(T).max(),
        "the largest entry is 1 here: the sum must be",
    ),
    Mistake(
        "squares",
        lambda T: (right(T) / right(T).norm()) ** 2,
        "the squares of an eigenvector sum to 1 too, but they are not π: divide by its sum",
    ),
    Mistake(
        "softmax",
        lambda T: (right(T) / right(T).norm()).softmax(-1),
        "softmax changes the ratios of the entries: divide by the sum",
    ),
    Mistake(
        "softmax of π",
        lambda T: right(T).softmax(-1),
        "this is the softmax of π: π sums to 1 already",
    ),
    Mistake("logarithm", lambda T: right(T).log(), "this is log π: return π itself"),
    Mistake(
        "eigenvalues",
        lambda T: torch.linalg.eigvals(T).real,
        "these are the eigenvalues of T: π is the eigenvector of the eigenvalue 1",
    ),
    Mistake(
        "first eigenvector",
        lambda T: wrong.eigenvector(T, lambda values: 0),
        "eigenvalues come in no fixed order: take the one nearest to 1, not the first",
    ),
    Mistake(
        "last eigenvector",
        lambda T: wrong.eigenvector(T, lambda values: -1),
        "eigenvalues come in no fixed order: take the one nearest to 1, not the last",
    ),
    Mistake(
        "smallest eigenvalue",
        lambda T: wrong.eigenvector(T, lambda values: values.abs().argmin()),
        "this is the eigenvector of the smallest eigenvalue: T π = π asks for the eigenvalue 1",
    ),
    Mistake(
        "row of the eigenvectors",
        wrong.row_of_the_eigenvectors,
        "eigenvectors are the columns of what eig returns: vectors[:, i], not vectors[i]",
    ),
    Mistake(
        "symmetric",
        wrong.symmetric,
        "eigh is made for symmetric matrices and reads half of T: use torch.linalg.eig",
    ),
    Mistake(
        "symmetrised",
        wrong.symmetrised,
        "you make T symmetric, which changes its chain: use torch.linalg.eig on T itself",
    ),
    Mistake(
        "singular vector",
        wrong.singular_vector,
        "this is a singular vector of T; use eig of T, or svd of T − I",
    ),
    Mistake(
        "column of the svd",
        wrong.column_of_the_svd,
        "svd returns Vh, whose rows are the singular vectors: Vh[-1], not Vh[:, -1]",
    ),
    Mistake(
        "detailed balance",
        wrong.detailed_balance,
        "this supposes detailed balance, π_i T_ji = π_j T_ij, which not every chain has",
    ),
    Mistake(
        "no identity",
        wrong.identity_forgotten,
        "this solves T π = 0: the equations are (T − I) π = 0",
    ),
    Mistake(
        "ones on the right",
        lambda T: torch.linalg.solve(wrong.equations(T), torch.ones_like(T[0])),
        "the right-hand side is 1 in the row that says 'π sums to 1', and 0 in all others",
    ),
    Mistake(
        "one in the wrong row",
        lambda T: torch.linalg.solve(wrong.equations(T), torch.eye(len(T)).to(T)[-1]),
        "the 1 on the right-hand side belongs in the row of ones",
    ),
    Mistake(
        "zero",
        lambda T: torch.zeros_like(T[0]),
        "zero solves (T − I) π = 0 too: add the equation that π sums to 1",
    ),
    Mistake(
        "power",
        lambda T: torch.linalg.matrix_power(T, 100),
        "this is a (k, k) matrix, a power of T perhaps: return the law (k,)",
        wrong.is_matrix,
    ),
    Mistake(
        "column vector",
        lambda T: right(T)[:, None],
        "π comes back as a column (k, 1): return (k,), .squeeze(-1) drops the last axis",
    ),
    Mistake(
        "complex",
        lambda T: torch.complex(right(T), torch.zeros_like(T[0])),
        "eig returns complex numbers: take .real of the eigenvector of the eigenvalue 1",
        wrong.is_complex,
    ),
    Mistake(
        "negative modulus",
        wrong.minus_one,
        "a periodic chain has other eigenvalues of modulus 1, such as −1: take the one nearest "
        "to 1, not the one of largest modulus",
        wrong.takes_minus_one,
    ),
    Mistake(
        "powers of a periodic chain",
        lambda T: wrong.steps(T, 4096),
        "this chain is periodic: p_t goes back and forth for ever, and no power of T settles. "
        "Solve T π = π instead",
        wrong.settles_only_without_rounds,
    ),
    Mistake("ten steps", lambda T: wrong.steps(T, 10), TOO_FEW_STEPS, wrong.stops_too_early),
    Mistake(
        "three times",
        lambda T: 3 * right(T),
        NOT_NORMALISED,
        wrong.is_proportional,
    ),
    Mistake(
        "constant",
        lambda T: torch.ones_like(T[0]),
        "all entries are equal: ones are the eigenvector of Tᵀ; the law moves by T @ p",
        wrong.is_constant,
    ),
    Mistake(
        "no law",
        lambda T: right(T) - 1,
        "this is no law: entries must not be negative and must sum to 1",
        wrong.is_no_law,
    ),
    Mistake(
        "moves",
        lambda T: right(T).flip(0),
        "T moves this law: T @ π must give π again",
        wrong.moves,
    ),
)
