"""Coordinate ascent for a fully factorised q and a Gaussian posterior."""

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Fail
from dgm_lib.exercises.variational_inference.mean_field_update_mistakes import MISTAKES


def mean_field_update(Lambda: Tensor, mu: Tensor, m: Tensor, i: int) -> tuple[Tensor, Tensor]:
    """The best q_i = N(m_i, v_i) for the law N(mu, Lambda⁻¹), while the other factors stay.

    m_i = mu_i − Σ_{j≠i} Lambda_ij (m_j − mu_j) / Lambda_ii. Lambda (d, d) is the precision,
    m (d,) the means of all factors -> the new m (d,), and the variance v_i, ().
    """
    precision = Lambda[i, i]
    away = Lambda[i] @ (m - mu) - precision * (m[i] - mu[i])
    new = m.clone()
    new[i] = mu[i] - away / precision
    return new, 1 / precision


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    def case(d: int, i: int) -> tuple:
        root = draw(d, d + 1)
        Lambda = root @ root.T + 0.4 * torch.eye(d, dtype=torch.float64)
        mu, m = draw(d) + 0.5, 2 * draw(d) - 0.3
        return Lambda.to(dtype), mu.to(dtype), m.to(dtype), i

    return [case(2, 0), case(2, 1), case(3, 1), case(4, 2), case(5, 4), case(1, 0)]


def _settles(fn, generator):
    """sweeps settle at mu"""
    Lambda = torch.tensor([[2.0, 0.8, -0.3], [0.8, 1.5, 0.4], [-0.3, 0.4, 1.1]]).double()
    mu, m = torch.tensor([[0.7, -1.2, 0.4], [2.0, 1.0, -3.0]], dtype=torch.float64)
    for _ in range(60):
        for i in range(3):
            m = fn(Lambda, mu, m, i)[0]
    if not torch.allclose(m, mu, atol=1e-6):
        raise Fail("after many sweeps the means must settle at mu; yours do not")


# ------------------------------------------------------------------------ right answers


def _others(Lambda, mu, m, i):
    others = torch.arange(len(m), device=m.device) != i
    shift = (Lambda[i, others] * (m - mu)[others]).sum() / Lambda[i, i]
    return torch.where(others, m, mu[i] - shift), Lambda[i, i].reciprocal()


def _loop(Lambda, mu, m, i):
    total = torch.zeros_like(m[0])
    for j in range(m.shape[0]):
        if j != i:
            total = total + Lambda[i][j] * (m[j] - mu[j])
    out = m.detach().clone()
    out[i] = mu[i] - total / Lambda[i][i]
    return out, Lambda[i][i] ** -1


def _gauss_seidel(Lambda, mu, m, i):
    right = Lambda @ mu
    value = (right[i] - Lambda[i] @ m + Lambda[i, i] * m[i]) / Lambda[i, i]
    return torch.cat([m[:i], value[None], m[i + 1 :]]), 1.0 / Lambda.diagonal()[i]


def _newton_step(Lambda, mu, m, i):
    gradient = Lambda[:, i] @ (m - mu)
    unit = torch.eye(len(m)).to(m)[i]
    return [m - unit * gradient / Lambda[i, i], 1 / torch.diag(Lambda)[i]]


Exercise(
    mean_field_update,
    title="A mean-field update",
    minutes=10,
    difficulty=2,
    returns="(d,) and ()",
    cases=_cases,
    properties=[_settles],
    mistakes=MISTAKES,
    accepts=[_others, _loop, _gauss_seidel, _newton_step],
    hints=(
        "The best factor is log q_i(z_i) = E[log p(z)] + const, the mean over the other factors. "
        "Write −½ (z − mu)ᵀ Lambda (z − mu) as a function of z_i.",
        "It has −½ Lambda_ii (z_i − mu_i)² − (z_i − mu_i) Σ_{j≠i} Lambda_ij (m_j − mu_j): a "
        "Gaussian of precision Lambda_ii. Complete the square for its mean.",
        "Lambda[i] @ (m − mu) sums over all j: subtract the term with j = i, and change only "
        "entry i of a copy, m.clone().",
    ),
)
