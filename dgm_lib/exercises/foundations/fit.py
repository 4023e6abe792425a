"""The Gaussian that minimises the forward KL: moments, matched."""

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Fail, Mistake


def forward_kl_fit(x: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
    """Points x (n, d) with weights w (n,) that sum to 1 -> mu (d,), Sigma (d, d)."""
    mu = (w[:, None] * x).sum(dim=0)
    centred = x - mu
    return mu, (w[:, None] * centred).T @ centred


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(n, d):
        x = 1.0 + 1.5 * torch.randn(n, d, generator=generator, dtype=torch.float64)
        w = torch.randn(n, generator=generator, dtype=torch.float64).softmax(-1)
        return x.to(dtype), w.to(dtype)

    return [case(4, 2), case(6, 1), case(9, 3), case(40, 2)]


def _beats_its_neighbours(fn, generator):
    """no Gaussian nearby has a smaller forward KL"""
    x, w = _cases(generator, torch.float64)[3]

    def cross_entropy(mu, sigma):
        q = torch.distributions.MultivariateNormal(mu, sigma)
        return -(w * q.log_prob(x)).sum()

    mu, sigma = fn(x, w)
    best = cross_entropy(mu, sigma)
    for factor in (0.97, 1.03):
        if cross_entropy(mu, factor * sigma) < best or cross_entropy(factor * mu, sigma) < best:
            raise Fail("a Gaussian next to yours has a smaller forward KL")


def _sigma(change):
    """The right mean and a wrong Sigma."""
    return lambda x, w: (forward_kl_fit(x, w)[0], change(x, w, *forward_kl_fit(x, w)))


def _outer(w, centred):
    return (w[:, None] * centred).T @ centred


def _unweighted(x, w):
    return forward_kl_fit(x, torch.full_like(w, 1 / len(w)))


def _unweighted_mean_in_both(x, w):
    return x.mean(0), _outer(w, x - x.mean(0))


def _divided_again(x, w):
    mu, sigma = forward_kl_fit(x, w)
    return mu / len(x), sigma / len(x)


def _torch_cov(x, w):
    mu = w @ x
    return mu, torch.cov(x.T, correction=0, aweights=w).reshape(x.shape[1], x.shape[1])


def _second_moment(x, w):
    mu = torch.einsum("n,nd->d", w, x)
    return mu, torch.einsum("n,ni,nj->ij", w, x, x) - torch.outer(mu, mu)


def _loop(x, w):
    mu = sum(w[i] * x[i] for i in range(len(x)))
    return mu, sum(w[i] * torch.outer(x[i] - mu, x[i] - mu) for i in range(len(x)))


def _diagonal_matrix(x, w):
    mu = w @ x
    return mu, (x - mu).T @ torch.diag(w) @ (x - mu)


Exercise(
    forward_kl_fit,
    title="The best Gaussian in one step",
    minutes=6,
    difficulty=1,
    returns="two tensors, mu (d,) and Sigma (d, d)",
    cases=_cases,
    properties=[_beats_its_neighbours],
    grad_wrt=("x",),
    mistakes=[
        Mistake(
            "not centred",
            _sigma(lambda x, w, mu, s: _outer(w, x)),
            "this is the second moment: subtract the mean from the points first",
        ),
        Mistake("unweighted", _unweighted, "the weights are not used: every point has its own"),
        Mistake(
            "unweighted mean",
            _unweighted_mean_in_both,
            "the mean is unweighted: mu is Σ w·x, not the plain average",
        ),
        Mistake(
            "unweighted Sigma",
            _sigma(lambda x, w, mu, s: (x - mu).T @ (x - mu) / len(x)),
            "the weights are used in mu but not in Sigma",
        ),
        Mistake(
            "sum without weights",
            _sigma(lambda x, w, mu, s: (x - mu).T @ (x - mu)),
            "Sigma sums the outer products without their weights",
        ),
        Mistake(
            "weights twice",
            _sigma(lambda x, w, mu, s: _outer(w**2, x - mu)),
            "the weights enter Sigma twice: multiply only one of the two factors by w",
        ),
        Mistake(
            "n - 1",
            _sigma(lambda x, w, mu, s: s * len(x) / (len(x) - 1)),
            "you correct by n/(n−1); the Gaussian of smallest KL has the plain weighted average",
        ),
        Mistake(
            "torch.cov",
            lambda x, w: (w @ x, torch.cov(x.T).reshape(x.shape[1], x.shape[1])),
            "torch.cov(x.T) knows no weights and divides by n−1: weight the points yourself",
        ),
        Mistake(
            "corrected",
            lambda x, w: (w @ x, torch.cov(x.T, aweights=w).reshape(x.shape[1], x.shape[1])),
            "torch.cov corrects its divisor unless told correction=0; no correction is asked for",
        ),
        Mistake(
            "mean divided again",
            lambda x, w: (forward_kl_fit(x, w)[0] / len(x), forward_kl_fit(x, w)[1]),
            "mu is divided by n as well: the weights sum to one already",
        ),
        Mistake(
            "divided again",
            _divided_again,
            "you divide by n as well: the weights sum to one already",
        ),
        Mistake(
            "Sigma divided again",
            _sigma(lambda x, w, mu, s: s / len(x)),
            "Sigma is divided by n as well: the weights sum to one already",
        ),
        Mistake(
            "diagonal",
            _sigma(lambda x, w, mu, s: torch.diag(s.diagonal())),
            "Sigma is diagonal: the covariances between the dimensions are missing",
        ),
        Mistake(
            "standard deviations",
            _sigma(lambda x, w, mu, s: torch.diag(s.diagonal().sqrt())),
            "these are standard deviations; Sigma is the covariance matrix",
        ),
        Mistake(
            "variances only",
            _sigma(lambda x, w, mu, s: s.diagonal()),
            "these are the variances alone: return the whole matrix (d, d)",
        ),
        Mistake(
            "root",
            _sigma(lambda x, w, mu, s: torch.linalg.cholesky(s)),
            "this is a Cholesky factor; Sigma is the matrix itself",
        ),
        Mistake(
            "swapped",
            lambda x, w: forward_kl_fit(x, w)[::-1],
            "your two tensors are swapped: mu comes first, then Sigma",
        ),
        Mistake(
            "precision",
            _sigma(lambda x, w, mu, s: torch.linalg.inv(s)),
            "this is the precision matrix, the inverse of Sigma",
        ),
        Mistake(
            "between points",
            _sigma(lambda x, w, mu, s: (w[:, None] * (x - mu)) @ (x - mu).T),
            "this product compares points with points (n, n): transpose the other factor",
        ),
    ],
    accepts=[_torch_cov, _second_moment, _loop, _diagonal_matrix],
    hints=(
        "Setting the derivative of E[−log q] by mu to zero gives mu = E[x]: a weighted sum.",
        "Sigma = E[(x − mu)(x − mu)ᵀ]: centre the points before anything else. It is (d, d) "
        "for d = 1 too, where torch.cov drops the dimensions.",
        "(w[:, None] * centred).T @ centred sums the weighted outer products in one go.",
    ),
)
