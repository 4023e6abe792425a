"""Power iteration: the largest singular value of a matrix, a step at a time."""

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Fail
from dgm_lib.exercises.wasserstein.power_mistakes import MISTAKES


def power_iteration(W: Tensor, u: Tensor, steps: int = 1) -> tuple[Tensor, Tensor, Tensor]:
    """Steps v ← Wᵀu / ‖Wᵀu‖, u ← Wv / ‖Wv‖, and with the last of both sigma = uᵀWv.

    W (m, n), u (m,) -> sigma (), u (m,), v (n,): in the limit the largest singular value and its
    vectors. A u that is kept for the next call goes on from there. Miyato et al. (2018).
    """
    for _ in range(steps):
        v = W.T @ u
        v = v / v.norm()
        u = W @ v
        u = u / u.norm()
    return u @ W @ v, u, v


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(m: int, n: int, *steps: int, scale: float = 1.0) -> tuple:
        W = scale * torch.randn(m, n, generator=generator, dtype=torch.float64)
        u = torch.randn(m, generator=generator, dtype=torch.float64) + 0.3
        return W.to(dtype), u.to(dtype), *steps

    return [
        case(2, 3),
        case(3, 2, 2),
        case(4, 4, 1),
        case(3, 5, 3),
        case(5, 3, 40),
        case(2, 2, 60, scale=30.0),
        case(3, 4, 60, scale=0.02),
    ]


def _finds_the_norm(fn, generator):
    """call after call, the singular value of torch.linalg.svdvals"""
    W = torch.randn(5, 4, generator=generator, dtype=torch.float64)
    W[:, 0] *= 3
    u = torch.ones(5, dtype=torch.float64)
    for _ in range(200):
        sigma, u, v = fn(W, u)
    if not torch.isclose(sigma, torch.linalg.svdvals(W)[0], rtol=1e-6):
        raise Fail("after 200 calls, each with the u of the last, sigma is not the spectral norm")


# ------------------------------------------------------------------------ right answers


def _normalize(W, u, steps=1):
    for _ in range(steps):
        v = torch.nn.functional.normalize(W.mT @ u, dim=0)
        u = torch.nn.functional.normalize(W @ v, dim=0)
    return torch.dot(u, W @ v), u, v


def _norm_of_the_image(W, u, steps=1):
    for _ in range(steps):
        v = u @ W
        v = v / (v @ v).sqrt()
        image = W @ v
        sigma = torch.linalg.vector_norm(image)
        u = image / sigma
    return sigma, u, v


def _recursion(W, u, steps=1):
    v = torch.mv(W.t(), u).div(torch.mv(W.t(), u).norm())
    u = torch.mv(W, v).div(torch.mv(W, v).norm())
    return ((u.outer(v) * W).sum(), u, v) if steps == 1 else _recursion(W, u, steps - 1)


def _einsum(W, u, steps=1):
    for _ in range(steps):
        v = torch.einsum("ij,i->j", W, u)
        v = v / v.square().sum().sqrt()
        u = torch.einsum("ij,j->i", W, v)
        u = u / u.square().sum().sqrt()
    return torch.einsum("i,ij,j->", u, W, v), u, v


Exercise(
    power_iteration,
    title="Power iteration",
    minutes=8,
    difficulty=2,
    returns="(), (m,), (n,): sigma, u and v",
    cases=_cases,
    properties=[_finds_the_norm],
    mistakes=MISTAKES,
    accepts=[_normalize, _norm_of_the_image, _recursion, _einsum],
    hints=(
        "Multiplying with W and Wᵀ in turn stretches most along the first singular vectors: v = "
        "Wᵀu and u = Wv come nearer to them each time.",
        "Normalise v before it is used, and u before it is returned, by their norms: else both "
        "grow or shrink without bound.",
        "sigma = uᵀWv with the new u and the new v: u @ W @ v.",
    ),
)
