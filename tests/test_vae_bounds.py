"""Bounds on log p(x), where log p(x) is known, and the losses made of them."""

import math

import pytest
import torch
from torch.distributions import MultivariateNormal, Normal

from dgm_lib.core import Estimate, generator
from dgm_lib.models import flow, vae
from dgm_lib.objectives import elbo, iwae, negative_elbo, score_function
from tests.vaes import DOUBLE, SEEDS, kl_to_posterior, linear_vae, normal, ppca

seeded = pytest.mark.parametrize("seed", SEEDS)


# --- bounds ---------------------------------------------------------------------------------------


@seeded
def test_the_elbo_is_the_likelihood_minus_the_divergence_from_the_posterior(seed):
    p = ppca(seed)
    x, model = p.sample((4,), generator(seed)), linear_vae(p, shift=0.4, stretch=1.3)
    k = 20_000
    log_w = model.log_weights(x, k, generator(seed)).detach()
    bound, stderr = elbo(model, x, k, generator(seed)).detach(), log_w.std(0) / math.sqrt(k)
    torch.testing.assert_close(bound, log_w.mean(0))
    truth = p.log_prob(x) - kl_to_posterior(p, model, x).detach()
    assert ((bound - truth).abs() < 4 * stderr).all() and (stderr < 0.02).all()
    assert (p.log_prob(x) - truth > 0.2).all()
    tight = linear_vae(p)
    torch.testing.assert_close(elbo(tight, x), p.log_prob(x), rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(iwae(tight, x, 5), p.log_prob(x), rtol=1e-9, atol=1e-9)


@seeded
def test_weights_average_to_the_likelihood(seed):
    p = ppca(seed)
    x, model = p.sample((4,), generator(seed)), linear_vae(p, shift=0.3, stretch=1.3)
    w = (model.log_weights(x, 20_000, generator(seed)) - p.log_prob(x)).exp().detach()
    assert ((w.mean(0) - 1).abs() < 4 * w.std(0) / math.sqrt(len(w))).all()


@seeded
def test_bounds_grow_with_the_number_of_draws_up_to_the_likelihood(seed):
    p = ppca(seed)
    x, model = p.sample((3000,), generator(seed)), linear_vae(p, shift=0.6, stretch=1.5)
    g = generator(seed)
    with torch.no_grad():
        bounds = [elbo(model, x, 1, g), *(iwae(model, x, k, g) for k in (5, 50)), p.log_prob(x)]
    for lower, upper in zip(bounds, bounds[1:]):
        gain = Estimate.of(upper - lower)
        assert gain.value > 4 * gain.stderr


def test_bounds_are_stable_and_of_one_draw_the_same():
    model, x = linear_vae(ppca(), 0.3), normal(2, 5, 4)
    torch.testing.assert_close(elbo(model, x, 1, generator(0)), iwae(model, x, 1, generator(0)))
    far = iwae(model, 1e3 * x, 5)  # weights of exp(-1e6) are 0 in any precision
    assert far.isfinite().all() and far.shape == (2, 5)
    log_w = model.log_weights(x, 6, generator(0))
    truth = log_w.exp().mean(0).log()
    torch.testing.assert_close(iwae(model, x, 6, generator(0)), truth)


@seeded
def test_the_elbos_gradient_at_the_posterior_is_the_likelihoods(seed):
    p = ppca(seed)
    model, x = linear_vae(p), p.sample((30,), generator(seed))
    elbo(model, x, 4000, generator(seed)).mean().backward()
    W, mu = p.W.clone().requires_grad_(), p.mu.clone().requires_grad_()
    C = W @ W.T + p.sigma**2 * torch.eye(4, dtype=DOUBLE)
    MultivariateNormal(mu, C).log_prob(x).mean().backward()
    net = model.decoder.net
    torch.testing.assert_close(net.weight.grad, W.grad, rtol=0, atol=0.05)
    torch.testing.assert_close(net.bias.grad, mu.grad, rtol=0, atol=0.05)


# --- losses ---------------------------------------------------------------------------------------


def by_hand(model, x, seed):
    """log p(x | z) and KL_j of a Gaussian q against N(0, I), (*batch,) and (*batch, d_z)."""
    q = model.encoder(x)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        z = q.rsample()
    mu, sigma = q.mean, q.stddev
    return model.decoder(z).log_prob(x), 0.5 * (mu**2 + sigma**2 - 1) - sigma.log()


def test_the_loss_is_its_formula():
    model, x = linear_vae(ppca(), 0.4, 1.3), normal(2, 5, 4)
    log_px, kl = by_hand(model, x, 3)
    with torch.random.fork_rng():
        for beta, free_bits in [(1.0, 0.0), (0.3, 0.0), (0.0, 0.0), (4.0, 0.2), (1.0, 5.0)]:
            torch.manual_seed(3)
            loss = negative_elbo(model, x, beta, free_bits)
            truth = -log_px.mean() + beta * kl.mean((0, 1)).clamp(min=free_bits).sum()
            torch.testing.assert_close(loss, truth)
    terms = model.terms(x, generator(0))
    torch.testing.assert_close(terms.kls[0], kl)
    torch.testing.assert_close(terms.elbo, terms.log_px - kl.sum(-1))


@seeded
def test_the_loss_estimates_the_elbo(seed):
    model, x = linear_vae(ppca(seed), 0.4, 1.3), ppca(seed).sample((1,), generator(seed))
    many = x.expand(20_000, 4)
    sampled = Estimate.of(elbo(model, many, 1, generator(seed)))
    loss = negative_elbo(model, many, generator=generator(seed + 10)).item()
    assert abs(loss + sampled.value) < 4 * 1.5 * sampled.stderr
    opaque = vae.VAE(flow.Flow(model.prior, []), model.encoder, model.decoder)
    terms = opaque.terms(many, generator(seed + 20))  # the same prior, but no closed form is known
    assert terms.kls[0].shape == (20_000, 1)
    kl = Estimate.of(terms.kl)
    assert abs(kl.value - model.terms(x).kl.item()) < 4 * kl.stderr


def test_free_bits_are_free():
    """Below free_bits a dimension's divergence has no gradient; above, its own."""
    model, x = linear_vae(ppca()), normal(200, 4)
    kl = model.terms(x).kls[0].mean(0)
    between = kl.mean().item()
    assert kl.min() < between < kl.max()

    def gradient(**options):
        loss = negative_elbo(model, x, generator=generator(0), **options)
        return torch.autograd.grad(loss, model.encoder.net.bias)[0]

    of_kl = gradient() - gradient(beta=0.0)
    free = gradient(free_bits=between) - gradient(beta=0.0)
    used = kl.argmax()
    torch.testing.assert_close(free[used], of_kl[used])
    torch.testing.assert_close(free[2 + used], of_kl[2 + used])
    assert free[1 - used].abs() < 1e-12 and free[3 - used].abs() < 1e-12


@seeded
@pytest.mark.parametrize("baseline", [0.0, 3.0])
def test_the_score_function_estimate_is_unbiased_with_any_baseline(seed, baseline):
    """E_q[(z - 2)²] for q = N(mu, e^2s) is (mu - 2)² + e^2s."""
    mu, s = (torch.tensor(v, dtype=DOUBLE, requires_grad=True) for v in (0.5, -0.3))
    z = (mu + s.exp() * normal(100_000, seed=seed)).detach()
    f = -((z - 2) ** 2)
    log_q = Normal(mu, s.exp()).log_prob(z)
    loss = score_function(f, log_q, baseline)
    assert loss.shape == ()
    gradient = torch.stack(torch.autograd.grad(loss, (mu, s)))
    truth = torch.stack([2 * (mu - 2), 2 * (2 * s).exp()]).detach()
    each = torch.stack([(z - mu) / (2 * s).exp(), ((z - mu) / s.exp()) ** 2 - 1]).detach()
    stderr = ((f - baseline) * each).std(1) / math.sqrt(len(z))
    assert ((gradient - truth).abs() < 4 * stderr).all()


def test_no_gradient_flows_through_the_weights_or_the_baseline():
    f, log_q = normal(3, 5).requires_grad_(), normal(3, 5, seed=1).requires_grad_()
    baseline = f.mean(0)
    score_function(f, log_q, baseline).backward()
    assert f.grad is None
    torch.testing.assert_close(log_q.grad, -(f - baseline).detach() / 15)


def test_bad_arguments_are_named():
    model, x = linear_vae(ppca()), normal(5, 4)
    for k in (0, 2.5):
        for bound in (elbo, iwae):
            with pytest.raises(ValueError, match="^k must be an integer"):
                bound(model, x, k)
    for value in (-0.1, math.nan, math.inf):
        with pytest.raises(ValueError, match="^beta must be a number of at least 0"):
            negative_elbo(model, x, value)
        with pytest.raises(ValueError, match="^free_bits must be a number of at least 0"):
            negative_elbo(model, x, 1.0, value)
    with pytest.raises(ValueError, match=r"^log_q must have the shape of log_weights, \(3, 5\)"):
        score_function(normal(3, 5), normal(5))
    with pytest.raises(ValueError, match="^baseline must expand"):
        score_function(normal(5), normal(5), normal(5, 5))

    class Wrong:
        def log_weights(self, x, k, generator):
            return torch.zeros(*x.shape[:-1], k)

    with pytest.raises(ValueError, match="^model.log_weights must return k numbers per point"):
        elbo(Wrong(), x, 3)
