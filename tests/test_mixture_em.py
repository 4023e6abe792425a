"""EM for mixtures: monotone, at rest where the gradient is 0, and as scikit-learn's."""

import math
import warnings
from itertools import islice, pairwise

import pytest
import torch
from sklearn.mixture import GaussianMixture
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from dgm_lib import targets
from dgm_lib.core import Density, generator
from dgm_lib.models.vae import MixtureOfGaussians
from tests.vaes import DOUBLE, SEEDS, normal

seeded = pytest.mark.parametrize("seed", SEEDS)
SIGMAS = {"isotropic": [0.5, 1.5, 0.8], "diagonal": [[0.5, 1.0], [1.5, 0.3], [0.8, 0.8]]}
kinds = pytest.mark.parametrize("kind", SIGMAS)


def law(kind="isotropic", seed=0):
    return MixtureOfGaussians([0.2, 0.3, 0.5], 2 * normal(3, 2, seed=seed), SIGMAS[kind])


def torchs(p):
    sigma = p.sigma if p.sigma.ndim == 2 else p.sigma[:, None].expand(3, 2)
    parts = Independent(Normal(p.means, sigma), 1)
    return MixtureSameFamily(Categorical(p.weights), parts)


def moons(seed, n=400):
    return targets.moons().sample((n,), generator(seed)).double()


@kinds
@seeded
def test_the_law_is_the_mixture(kind, seed):
    p, x, n = law(kind, seed), normal(4, 7, 2, seed=seed), 40_000
    truth = torchs(p)
    assert isinstance(p, Density) and p.d == 2
    torch.testing.assert_close(p.log_prob(x), truth.log_prob(x))
    r = p.responsibilities(x)
    joint = truth.component_distribution.log_prob(x[..., None, :]) + p.weights.log()
    torch.testing.assert_close(r, (joint - p.log_prob(x)[..., None]).exp())
    assert p.responsibilities(x.float()).dtype == p.log_prob(x.float()).dtype == torch.float32
    drawn = p.sample((n,), generator(seed))
    error = (drawn.mean(0) - truth.mean) / (truth.variance / n).sqrt()
    assert (error.abs() < 4.5).all() and p.sample().shape == (2,)
    spread = (drawn - truth.mean).square()
    assert ((spread.mean(0) - truth.variance).abs() < 4.5 * spread.std(0) / math.sqrt(n)).all()
    shares = p.responsibilities(drawn).mean(0)  # on average the weights: a law's own consistency
    assert ((shares - p.weights).abs() < 4.5 * 0.5 / math.sqrt(n)).all()


@kinds
@seeded
@pytest.mark.parametrize("components", [1, 2, 7])
def test_em_never_falls_and_rests_at_a_maximum(kind, seed, components):
    x = moons(seed)
    p = MixtureOfGaussians.start(x, components, generator(seed))
    p = p.diagonal() if kind == "diagonal" else p
    likelihoods = [p.log_prob(x).mean().item(), *islice(p.em(x, tol=0), 300)]
    assert all(b >= a - 1e-12 for a, b in pairwise(likelihoods))
    assert likelihoods[-1] == pytest.approx(p.log_prob(x).mean().item(), abs=1e-12)
    assert p.sigma.shape == ((components, 2) if kind == "diagonal" else (components,))
    assert p.weights.sum().item() == pytest.approx(1)


@pytest.mark.parametrize("seed", SEEDS)
def test_em_ends_where_the_gradient_is_zero(seed):
    truth = MixtureOfGaussians([0.4, 0.6], [[-2.0, 0.0], [2.0, 1.0]], [0.7, 1.0])
    x = truth.sample((2000,), generator(seed))
    p = MixtureOfGaussians.start(x, 2, generator(seed))
    steps = list(p.em(x, tol=1e-13))
    assert 3 < len(steps) < 500
    means, sigma = p.means.clone().requires_grad_(), p.sigma.clone().requires_grad_()
    logits = p.weights.log().clone().requires_grad_()
    parts = Independent(Normal(means, sigma[:, None].expand(2, 2)), 1)
    MixtureSameFamily(Categorical(logits=logits), parts).log_prob(x).mean().backward()
    assert max(t.grad.abs().max() for t in (means, sigma, logits)) < 1e-5
    order = p.means[:, 0].argsort()
    assert (p.means[order] - truth.means).abs().max() < 0.15
    assert (p.weights[order] - truth.weights).abs().max() < 0.06


@kinds
@seeded
def test_each_step_is_scikit_learns(kind, seed):
    x, p = moons(seed), law(kind, seed)
    covariance = {"isotropic": "spherical", "diagonal": "diag"}[kind]
    theirs = GaussianMixture(
        3,
        covariance_type=covariance,
        reg_covar=0.0,
        max_iter=25,
        tol=0.0,
        weights_init=p.weights.numpy(),
        means_init=p.means.numpy(),
        precisions_init=p.sigma.numpy() ** -2,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it has not converged
        theirs.fit(x.numpy())
    steps = list(islice(p.em(x, tol=0), 25))
    assert len(steps) == 25
    torch.testing.assert_close(p.weights, torch.from_numpy(theirs.weights_), rtol=1e-8, atol=1e-8)
    torch.testing.assert_close(p.means, torch.from_numpy(theirs.means_), rtol=1e-8, atol=1e-8)
    variances = torch.from_numpy(theirs.covariances_)
    torch.testing.assert_close(p.sigma.square(), variances, rtol=1e-8, atol=1e-8)
    assert steps[-1] == pytest.approx(theirs.score(x.numpy()), abs=1e-9)


def test_nothing_happens_before_the_first_step_and_the_start_is_kept_apart():
    means = torch.tensor([[-1.0, 0.0], [1.0, 0.0]])
    p, x = MixtureOfGaussians([0.5, 0.5], means, 1.0), moons(0)
    before = p.log_prob(x)
    steps = p.em(x)
    assert torch.equal(before, p.log_prob(x))
    next(steps)
    assert not torch.equal(before, p.log_prob(x))
    assert torch.equal(means, torch.tensor([[-1.0, 0.0], [1.0, 0.0]]))


def test_lost_and_collapsing_components_do_no_harm():
    x = moons(0)
    p = MixtureOfGaussians([0.5, 0.5], [[0.0, 0.0], [1e4, 1e4]], 1.0)
    assert all(map(math.isfinite, p.em(x)))
    assert p.weights[1] == 0 and p.means[1].tolist() == [1e4, 1e4]
    assert p.log_prob(x).isfinite().all()
    on_a_point = MixtureOfGaussians([0.5, 0.5], torch.stack([x[0], x.mean(0)]), [1e-3, 1.0])
    likelihoods = list(islice(on_a_point.em(x, min_sigma=1e-4), 200))
    assert all(b >= a - 1e-12 for a, b in pairwise(likelihoods)) and on_a_point.sigma.min() >= 1e-4
    far = MixtureOfGaussians([0.5, 0.5], [[0.0, 0.0], [1.0, 0.0]], 1e-3)
    assert far.responsibilities(torch.tensor([[1e3, 1e3]])).isfinite().all()


def test_starts_are_data_and_seeded():
    x = moons(1)
    p = MixtureOfGaussians.start(x, 5, generator(3))
    again = MixtureOfGaussians.start(x, 5, generator(3))
    assert torch.equal(p.means, again.means) and p.weights.tolist() == [0.2] * 5
    assert all((x == mean).all(1).any() for mean in p.means) and len(p.means.unique(dim=0)) == 5
    torch.testing.assert_close(p.diagonal().log_prob(x), p.log_prob(x))
    before = torch.get_rng_state()
    MixtureOfGaussians.start(x.float(), 2, generator(0))
    assert torch.equal(before, torch.get_rng_state())


def test_bad_arguments_are_named():
    means = torch.zeros(2, 3)
    for weights in ([1.0], [0.5, 0.6], [1.5, -0.5]):
        with pytest.raises(ValueError, match="^weights must be 2 probabilities"):
            MixtureOfGaussians(weights, means, 1.0)
    with pytest.raises(ValueError, match="^means must have shape"):
        MixtureOfGaussians([0.5, 0.5], means[0], 1.0)
    with pytest.raises(ValueError, match="^sigma must be a number or have shape"):
        MixtureOfGaussians([0.5, 0.5], means, torch.ones(3))
    for sigma in (0.0, [1.0, -1.0]):
        with pytest.raises(ValueError, match="^sigma must be positive"):
            MixtureOfGaussians([0.5, 0.5], means, sigma)
    p = MixtureOfGaussians([0.5, 0.5], means, 1.0)
    with pytest.raises(ValueError, match="^x must have 3 as its last"):
        p.log_prob(torch.zeros(5, 2))
    with pytest.raises(ValueError, match="^x must have shape"):
        p.em(torch.zeros(5, 3, 3))
    with pytest.raises(ValueError, match="^tol must be at least 0"):
        p.em(torch.zeros(5, 3), tol=-1)
    with pytest.raises(ValueError, match="^min_sigma must be at most"):
        p.em(torch.zeros(5, 3), min_sigma=2.0)
    with pytest.raises(ValueError, match="^components must be an integer"):
        MixtureOfGaussians.start(normal(5, 2), 6)
    with pytest.raises(ValueError, match="^x must vary"):
        MixtureOfGaussians.start(torch.ones(5, 2), 2)
    assert MixtureOfGaussians([0.5, 0.5], means, 1.0).sample().dtype == DOUBLE
