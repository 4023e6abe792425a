"""Probabilistic PCA against torch's Gaussians, Tipping & Bishop, and scikit-learn."""

import math

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from torch.distributions import MultivariateNormal

from dgm_lib.core import Density, generator
from dgm_lib.models.vae import PPCA
from tests.vaes import DOUBLE, SEEDS, normal

seeded = pytest.mark.parametrize("seed", SEEDS)


def law(seed, d=5, d_z=3):
    return PPCA(normal(d, d_z, seed=seed), normal(d, seed=seed + 9), 0.7)


@seeded
def test_the_marginal_is_the_gaussian(seed):
    p, x = law(seed), normal(2, 7, 5, seed=seed)
    C = p.W @ p.W.T + 0.49 * torch.eye(5, dtype=DOUBLE)
    truth = MultivariateNormal(p.mu, C)
    assert isinstance(p, Density) and (p.d, p.d_z) == (5, 3)
    torch.testing.assert_close(p.log_prob(x), truth.log_prob(x))
    torch.testing.assert_close(p.covariance, C)
    assert p.entropy == pytest.approx(truth.entropy().item())
    n = 40_000
    drawn = p.sample((n,), generator(seed))
    assert drawn.dtype == DOUBLE and torch.equal(drawn, p.sample((n,), generator(seed)))
    spread = ((C.diag()[:, None] * C.diag() + C.square()) / n).sqrt()
    assert ((drawn.mean(0) - p.mean).abs() < 4.5 * (C.diag() / n).sqrt()).all()
    assert ((drawn.T.cov() - C).abs() < 4.5 * spread).all()


@seeded
def test_the_posterior_obeys_bayes(seed):
    """log p(x | z) + log p(z) - log p(z | x) is log p(x), whatever z."""
    p, x, z = law(seed), normal(7, 5, seed=seed), normal(4, 7, 3, seed=seed + 1)
    likelihood = MultivariateNormal(z @ p.W.T + p.mu, 0.49 * torch.eye(5, dtype=DOUBLE))
    prior = MultivariateNormal(torch.zeros(3, dtype=DOUBLE), torch.eye(3, dtype=DOUBLE))
    bayes = likelihood.log_prob(x) + prior.log_prob(z) - p.posterior(x).log_prob(z)
    torch.testing.assert_close(bayes, p.log_prob(x).expand(4, 7), rtol=1e-10, atol=1e-10)
    M = p.W.T @ p.W + 0.49 * torch.eye(3, dtype=DOUBLE)
    assert p.posterior(x).covariance_matrix.shape == (7, 3, 3)
    torch.testing.assert_close(p.posterior(x[0]).covariance_matrix, 0.49 * torch.linalg.inv(M))


@seeded
@pytest.mark.parametrize("d_z", [1, 2, 4])
def test_the_fit_is_the_maximum(seed, d_z):
    x = law(seed).sample((300,), generator(seed))
    p = PPCA.fit(x, d_z)
    eigenvalues, U = torch.linalg.eigh(x.T.cov(correction=0))
    torch.testing.assert_close(p.mean, x.mean(0))
    assert p.sigma**2 == pytest.approx(eigenvalues[: 5 - d_z].mean().item())
    torch.testing.assert_close(
        torch.linalg.eigvalsh(p.covariance)[5 - d_z :], eigenvalues[5 - d_z :]
    )
    judge = PCA(d_z, svd_solver="full").fit(x.numpy())
    # scikit-learn divides by n - 1: the same law for data that are wider by that.
    wider = judge.mean_ + (x.numpy() - judge.mean_) * math.sqrt(300 / 299)
    theirs = judge.score(wider) + 2.5 * math.log(300 / 299)
    assert p.log_prob(x).mean().item() == pytest.approx(theirs, abs=1e-8)

    # No step leads up: the gradient is 0, and neighbours are worse.
    W, mu = p.W.clone().requires_grad_(), p.mu.clone().requires_grad_()
    var = torch.tensor(p.sigma**2, dtype=DOUBLE, requires_grad=True)
    C = W @ W.T + var * torch.eye(5, dtype=DOUBLE)
    MultivariateNormal(mu, C).log_prob(x).mean().backward()
    assert max(t.grad.abs().max() for t in (W, mu, var)) < 1e-10
    best = p.log_prob(x).mean()
    for k in range(5):
        near = PPCA(p.W + 0.05 * normal(5, d_z, seed=k), p.mu, p.sigma * (1 + 0.02 * (k - 2)))
        assert near.log_prob(x).mean() < best


def test_columns_have_a_sign():
    x = law(0).sample((100,), generator(0))
    W = PPCA.fit(x, 3).W
    assert (W.gather(0, W.abs().argmax(0, keepdim=True)) > 0).all()
    torch.testing.assert_close(W, PPCA.fit(x.flip(0), 3).W)


def test_the_numbers_come_back_as_the_points_came():
    p, x = law(1), normal(6, 5)
    assert p.log_prob(x.float()).dtype == torch.float32
    torch.testing.assert_close(p.log_prob(x.float()).double(), p.log_prob(x), rtol=1e-5, atol=1e-5)
    assert p.posterior(x.float()).rsample().dtype == torch.float32
    torch.testing.assert_close(PPCA.fit(x.float(), 2).mu, x.float().double().mean(0))
    PPCA(np.eye(2)[:, :1], [0.0, 1.0], np.float64(2.0)).sample()
    at = x.clone().requires_grad_()
    (score,) = torch.autograd.grad(p.log_prob(at).sum(), at)
    torch.testing.assert_close(score, -torch.linalg.solve(p.covariance, (x - p.mu).T).T)


def test_small_noise_and_few_points():
    p = PPCA(normal(5, 2), torch.zeros(5), 1e-6)
    x = p.sample((50,), generator(0))
    z = p.posterior(x)
    assert z.mean.isfinite().all() and (z.mean @ p.W.T - x).abs().max() < 1e-4
    assert PPCA.fit(normal(3, 10), 1).sigma > 0  # fewer points than dimensions
    with pytest.raises(ValueError, match="^x must vary in more than d_z = 2"):
        PPCA.fit(normal(3, 10), 2)
    with pytest.raises(ValueError, match="^x must vary in more than d_z = 1"):
        PPCA.fit(torch.ones(9, 3), 1)


def test_bad_arguments_are_named():
    W, mu = normal(4, 2), torch.zeros(4)
    with pytest.raises(ValueError, match="^W must have shape"):
        PPCA(W[0], mu, 1.0)
    with pytest.raises(ValueError, match=r"^mu must have shape \(4,\)"):
        PPCA(W, mu[:3], 1.0)
    for sigma in (0.0, -1, math.nan, True):
        with pytest.raises(ValueError, match="^sigma must be positive"):
            PPCA(W, mu, sigma)
    p = PPCA(W, mu, 1.0)
    for call in (p.log_prob, p.posterior):
        with pytest.raises(ValueError, match="^x must have 4 as its last"):
            call(torch.zeros(5, 3))
        with pytest.raises(ValueError, match="^x must be a tensor of floating-point"):
            call(torch.zeros(5, 4).long())
    for d_z in (0, 4, 1.5):
        with pytest.raises(ValueError, match="^d_z must be an integer"):
            PPCA.fit(normal(9, 4), d_z)
    for x in (normal(9), normal(1, 3), normal(9, 1)):
        with pytest.raises(ValueError, match="^x must have shape"):
            PPCA.fit(x, 1)
    with pytest.raises(ValueError, match="^x must be finite"):
        PPCA.fit(normal(9, 3) / 0, 1)
