"""A hierarchy of linear-Gaussian layers: its likelihood, its posterior and its ELBO are known."""

import copy
import math

import pytest
import torch
from torch.distributions import MultivariateNormal

from dgm_lib import metrics, objectives
from dgm_lib.core import Estimate, generator
from dgm_lib.models import flow, vae
from dgm_lib.training import fit
from tests.flows import built
from tests.vaes import DOUBLE, SEEDS, affine, normal

seeded = pytest.mark.parametrize("seed", SEEDS)


def matrix(rows, columns, seed):
    return normal(rows, columns, seed=seed)


def encoder(pull, sigma):
    """q(u | v) = N(pull v, sigma² I)."""
    weight = torch.cat([pull, torch.zeros_like(pull)])
    bias = torch.cat([torch.zeros(len(pull)), torch.full((len(pull),), math.log(sigma))])
    bias = bias.double()
    bias[len(pull) :] = math.log(sigma)
    return vae.GaussianEncoder(pull.shape[1], len(pull), net=affine(weight, bias))


class Linear:
    """z2 ~ N(0, I), z1 = A z2 + 0.8 ε, x = B z1 + 0.5 ε; q by two maps of some sort."""

    def __init__(self, seed):
        self.A, self.B = matrix(3, 2, seed), matrix(4, 3, seed + 10)
        pulls = 0.3 * matrix(3, 4, seed + 20), 0.3 * matrix(2, 3, seed + 30)
        self.q1, self.q2 = encoder(pulls[0], 0.7), encoder(pulls[1], 0.9)
        self.pulls = pulls
        decoders = [
            vae.GaussianDecoder(3, 4, sigma=0.5, net=affine(self.B, torch.zeros(4))),
            vae.GaussianDecoder(2, 3, sigma=0.8, net=affine(self.A, torch.zeros(3))),
        ]
        prior = vae.StandardNormal(2).double()
        self.model = vae.HierarchicalVAE(prior, [self.q1, self.q2], decoders)

    @property
    def marginal(self):
        C1 = self.A @ self.A.T + 0.64 * torch.eye(3)
        C = self.B @ C1 @ self.B.T + 0.25 * torch.eye(4)
        return MultivariateNormal(torch.zeros(4, dtype=DOUBLE), C)

    def elbo(self, x):
        """E_q of each quadratic form, from the means and covariances of (z1, z2) given x."""
        P1, P2 = self.pulls
        m1, S1 = x @ P1.T, 0.49 * torch.eye(3, dtype=DOUBLE)
        m2, S2 = m1 @ P2.T, P2 @ S1 @ P2.T + 0.81 * torch.eye(2, dtype=DOUBLE)
        S12 = S1 @ P2.T  # cov(z1, z2)

        def expected(mean, cov, sigma):
            """E log N(v; 0, sigma² I) for v of this mean and covariance."""
            square = mean.square().sum(-1) + cov.trace()
            log_norm = math.log(sigma) + 0.5 * math.log(2 * math.pi)
            return -0.5 * square / sigma**2 - mean.shape[-1] * log_norm

        A, B = self.A, self.B
        log_px = expected(x - m1 @ B.T, B @ S1 @ B.T, 0.5)
        apart = S1 - S12 @ A.T - A @ S12.T + A @ S2 @ A.T
        log_p1 = expected(m1 - m2 @ A.T, apart, 0.8)
        log_p2 = expected(m2, S2, 1.0)
        entropy = sum(n * (0.5 + math.log(s) + 0.5 * math.log(2 * math.pi)) for n, s in PARTS)
        return log_px + log_p1 + log_p2 + entropy


PARTS = [(3, 0.7), (2, 0.9)]  # the dimensions of the layers and the sigmas of q


@seeded
def test_the_elbo_is_known_and_below_the_likelihood(seed):
    toy = Linear(seed)
    x = toy.model.sample((4,), generator(seed))
    n = 20_000
    log_w = toy.model.log_weights(x, n, generator(seed)).detach()
    stderr = log_w.std(0) / math.sqrt(n)
    assert log_w.shape == (n, 4)
    assert ((log_w.mean(0) - toy.elbo(x)).abs() < 4 * stderr).all()
    assert (toy.elbo(x) < toy.marginal.log_prob(x)).all()


@seeded
def test_it_is_the_sum_of_its_divergences(seed):
    toy = Linear(seed)
    x = toy.model.sample((3,), generator(seed))
    many = x.expand(20_000, 3, 4)
    terms = toy.model.terms(many, generator(seed))
    assert [kl.shape for kl in terms.kls] == [(20_000, 3, 3), (20_000, 3, 2)]
    found = terms.elbo.detach()
    assert ((found.mean(0) - toy.elbo(x)).abs() < 4 * found.std(0) / math.sqrt(20_000)).all()
    # The last layer's is a KL divergence, in closed form: never below 0 at any draw.
    assert (terms.kls[1] >= 0).all() and (terms.kls[0] < 0).any()


@seeded
def test_the_divergence_of_a_lower_layer_is_no_closed_form(seed):
    """z2 comes from z1: averaging KL(q(z1 | x) ‖ p(z1 | z2)) over z2 alone is another number."""
    toy = Linear(seed)
    x = normal(1, 4, seed=seed).expand(20_000, 4)
    q1 = toy.q1(x)
    p1 = toy.model.decoders[1](toy.q2(q1.sample()).sample())
    naive = torch.distributions.kl_divergence(q1.base_dist, p1.base_dist).sum(-1)
    right = Estimate.of(toy.model.terms(x, generator(seed)).kls[0].sum(-1))
    wrong = Estimate.of(naive)
    covariance = 0.49 * toy.pulls[1].T  # of z1 and z2 under q
    lost = (covariance * toy.A).sum().item() / 0.8**2
    stderr = math.hypot(wrong.stderr, right.stderr)
    assert abs(wrong.value - right.value - lost) < 4 * stderr and lost != 0


@seeded
def test_weights_average_to_the_likelihood(seed):
    toy = Linear(seed)
    # Towards the posterior: q wide enough for the weights to have a variance.
    A, B, n = toy.A, toy.B, 40_000
    C1 = A @ A.T + 0.64 * torch.eye(3)
    pull1 = C1 @ B.T @ torch.linalg.inv(B @ C1 @ B.T + 0.25 * torch.eye(4))
    pull2 = A.T @ torch.linalg.inv(C1)
    exact = vae.HierarchicalVAE(
        toy.model.prior, [encoder(pull1, 1.0), encoder(pull2, 1.0)], toy.model.decoders
    )
    x = exact.sample((3,), generator(seed))
    w = (exact.log_weights(x, n, generator(seed)) - toy.marginal.log_prob(x)).exp().detach()
    assert ((w.mean(0) - 1).abs() < 4 * w.std(0) / math.sqrt(n)).all()


@seeded
def test_samples_come_from_the_prior_down(seed):
    toy = Linear(seed)
    x = toy.model.sample((40_000,), generator(seed))
    entropy = Estimate.of(-toy.marginal.log_prob(x))
    assert abs(entropy.value - toy.marginal.entropy().item()) < 4 * entropy.stderr
    assert toy.model.sample((2, 3)).shape == (2, 3, 4) and toy.model.sample().shape == (4,)
    assert torch.equal(x, toy.model.sample((40_000,), generator(seed)))


def test_one_layer_is_a_vae():
    toy = Linear(0)
    parts = toy.q1, toy.model.decoders[0]
    prior, x = vae.StandardNormal(3).double(), normal(2, 5, 4)
    one = vae.HierarchicalVAE(prior, parts[:1], parts[1:])
    two = vae.VAE(prior, *parts)
    torch.testing.assert_close(
        one.log_weights(x, 3, generator(0)), two.log_weights(x, 3, generator(0))
    )
    torch.testing.assert_close(one.terms(x, generator(0)).elbo, two.terms(x, generator(0)).elbo)
    assert (one.d, one.d_z) == (4, [3]) and (toy.model.d, toy.model.d_z) == (4, [3, 2])


def test_three_layers_flows_and_all_that_takes_a_vae(monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")
    torch.manual_seed(0)
    iaf = built(lambda: flow.iaf(2, 1, (8,), context=3), scale=0.1).float()
    encoders = [vae.GaussianEncoder(4, 3, (8,)), iaf, vae.GaussianEncoder(2, 2, (8,))]
    decoders = [
        vae.GaussianDecoder(3, 4, (8,)),
        vae.GaussianEncoder(2, 3, (8,)),
        vae.GaussianDecoder(2, 2, (8,)),
    ]
    prior = built(lambda: flow.realnvp(2, 2, (8,)), scale=0.1).float()
    model = vae.HierarchicalVAE(prior, encoders, decoders)
    x = torch.randn(64, 4) @ torch.randn(4, 4)
    assert [tuple(kl.shape) for kl in model.terms(x).kls] == [(64, 3), (64, 1), (64, 1)]
    objectives.negative_elbo(model, x, free_bits=0.1).backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())
    before = metrics.log_likelihood(model, x, 100, generator(0)).value
    fit(model, objectives.negative_elbo, [x] * 100, steps=100, lr=5e-3, seed=0)
    assert metrics.log_likelihood(model, x, 100, generator(0)).value > before + 1
    assert objectives.iwae(model, x, 5).shape == (64,)


def test_a_function_may_stand_beside_modules():
    """Here the exact posterior, of a layer that is a pPCA; what can be trained still is."""
    toy = Linear(0)
    first = vae.PPCA(toy.B, torch.zeros(4), 0.5)
    model = vae.HierarchicalVAE(toy.model.prior, [first.posterior, toy.q2], toy.model.decoders)
    model.log_weights(normal(5, 4), 3).mean().backward()
    trained = set(model.parameters())
    assert trained == set(toy.q2.parameters()) | set(toy.model.decoders.parameters())
    copied = copy.deepcopy(model)
    found, again = (m.log_weights(normal(5, 4), 3, generator(0)) for m in (model, copied))
    assert torch.equal(found, again)


def test_bad_parts_are_named():
    toy = Linear(0)
    prior, encoders, decoders = toy.model.prior, list(toy.model.encoders), list(toy.model.decoders)
    with pytest.raises(ValueError, match="^decoders must be as many as encoders, 2, got 1"):
        vae.HierarchicalVAE(prior, encoders, decoders[:1])
    with pytest.raises(ValueError, match="^encoders must hold at least one"):
        vae.HierarchicalVAE(prior, [], [])
    with pytest.raises(ValueError, match="^encoders must be a sequence"):
        vae.HierarchicalVAE(prior, encoders[0], decoders)
    with pytest.raises(ValueError, match="^every one of decoders must be a module"):
        vae.HierarchicalVAE(prior, encoders, [decoders[0], 3])
    with pytest.raises(ValueError, match="agree on the dimension of z1, got 2 and 3"):
        vae.HierarchicalVAE(prior, encoders, [decoders[0], vae.GaussianDecoder(2, 2)])
    with pytest.raises(ValueError, match="agree on the dimension of z2, got 2 and 3"):
        vae.HierarchicalVAE(vae.StandardNormal(3), encoders, decoders)
    with pytest.raises(ValueError, match="^x must have 4 as its last"):
        toy.model.terms(normal(5, 3))
