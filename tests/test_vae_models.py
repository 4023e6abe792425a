"""VAEs put together from parts: weights against laws that are known, and anything plugged in."""

import math

import pytest
import torch
from torch import nn
from torch.distributions import Independent, Laplace, MultivariateNormal, Normal

from dgm_lib import objectives
from dgm_lib.core import Density, Estimate, generator
from dgm_lib.models import flow, vae
from dgm_lib.models.vae.conditionals import LIMIT, bounded
from dgm_lib.nets import MLP
from tests.flows import built
from tests.vaes import DOUBLE, SEEDS, affine, linear_vae, normal, ppca

seeded = pytest.mark.parametrize("seed", SEEDS)


# --- the parts ------------------------------------------------------------------------------------


def test_the_prior_is_the_standard_gaussian_wherever_it_is_put():
    prior, z = vae.StandardNormal(3).double(), normal(5, 4, 3)
    law = MultivariateNormal(torch.zeros(3, dtype=DOUBLE), torch.eye(3, dtype=DOUBLE))
    assert isinstance(prior, Density)
    torch.testing.assert_close(prior.log_prob(z), law.log_prob(z))
    torch.testing.assert_close(prior.law.log_prob(z), law.log_prob(z))
    drawn = prior.sample((20_000,), generator(0))
    assert drawn.dtype == DOUBLE and prior.sample().shape == (3,)
    assert (drawn.mean(0).abs() < 4 / math.sqrt(20_000)).all()
    assert ((drawn.T.cov() - torch.eye(3)).abs() < 4 * math.sqrt(2 / 20_000)).all()
    assert vae.StandardNormal(3).sample((2,)).dtype == torch.float32


def test_an_encoder_says_mu_and_log_sigma():
    bias = torch.tensor([0.3, -0.7, math.log(0.2), math.log(3.0)])
    q = vae.GaussianEncoder(3, 2, net=affine(torch.zeros(4, 3), bias))(normal(5, 3))
    truth = Normal(bias[:2].double(), torch.tensor([0.2, 3.0], dtype=DOUBLE))
    z = normal(7, 5, 2)
    torch.testing.assert_close(q.log_prob(z), truth.log_prob(z).sum(-1), rtol=1e-6, atol=1e-6)
    assert q.rsample((7,)).shape == (7, 5, 2)


def test_sigma_is_bounded_smoothly_and_else_left_alone():
    inside = torch.linspace(-5, 5, 101, dtype=DOUBLE)
    torch.testing.assert_close(bounded(inside), inside, rtol=0, atol=1e-8)
    far = torch.tensor([-1e4, -30.0, 30.0, 1e4])
    torch.testing.assert_close(bounded(far), LIMIT * far.sign())
    near = torch.linspace(-12, 12, 400, dtype=DOUBLE)
    assert (bounded(near).diff() > 0).all()
    assert torch.autograd.gradcheck(bounded, torch.linspace(-9, 9, 7).double().requires_grad_())


def test_a_decoders_sigma_is_exact_or_learned():
    z, x = normal(5, 2), normal(5, 3)
    fixed = vae.GaussianDecoder(2, 3, sigma=0.1).double()
    scaled = (x - fixed.net(z)).square().sum(-1) / (2 * 0.1**2)
    truth = -scaled - 3 * math.log(0.1) - 1.5 * math.log(2 * math.pi)
    torch.testing.assert_close(fixed(z).log_prob(x), truth, rtol=1e-12, atol=1e-12)
    assert fixed.sigma == 0.1 and "log_sigma" not in dict(fixed.named_parameters())
    learned = vae.GaussianDecoder(2, 3).double()
    learned(z).log_prob(x).sum().backward()
    assert learned.sigma.item() == 1 and learned.log_sigma.grad.abs() > 0


def test_bits_have_the_probabilities_of_their_logits():
    decoder, z = vae.BernoulliDecoder(2, 3).double(), normal(4, 2)
    x = torch.cartesian_prod(*[torch.tensor([0.0, 1.0], dtype=DOUBLE)] * 3)
    law = decoder(z[:, None].expand(4, 8, 2))
    torch.testing.assert_close(law.log_prob(x).exp().sum(1), torch.ones(4, dtype=DOUBLE))
    torch.testing.assert_close(law.mean[:, 0], decoder.net(z).sigmoid())
    with pytest.raises(ValueError, match="support"):
        decoder(z).log_prob(torch.full((4, 3), 0.5, dtype=DOUBLE))


# --- weights --------------------------------------------------------------------------------------


@seeded
def test_weights_are_what_they_say(seed):
    model, x = linear_vae(ppca(seed), 0.3, 1.2), normal(2, 5, 4, seed=seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        log_w = model.log_weights(x, k=7)
        torch.manual_seed(seed)
        q = model.encoder(x)
        z = q.rsample((7,))
    truth = model.decoder(z).log_prob(x) + model.prior.log_prob(z) - q.log_prob(z)
    assert log_w.shape == (7, 2, 5)
    torch.testing.assert_close(log_w, truth)


@seeded
def test_at_the_posterior_each_weight_is_the_likelihood(seed):
    p = ppca(seed)
    x = p.sample((6,), generator(seed))
    model = linear_vae(p)
    for encoder in (model.encoder, p.posterior):
        exact = vae.VAE(model.prior, encoder, model.decoder)
        log_w = exact.log_weights(x, 9)
        torch.testing.assert_close(log_w, p.log_prob(x).expand(9, 6), rtol=1e-9, atol=1e-9)


def test_a_generator_decides_and_nothing_else_is_touched():
    model = linear_vae(ppca())
    before = torch.get_rng_state()
    x = model.sample((5,), generator(1))
    assert torch.equal(x, model.sample((5,), generator(1))) and not x.requires_grad
    first, again, other = (model.log_weights(x, 3, generator(s)) for s in (2, 2, 3))
    assert torch.equal(first, again) and not torch.equal(first, other)
    g = generator(2)
    assert not torch.equal(model.log_weights(x, 3, g), model.log_weights(x, 3, g))
    assert torch.equal(model.terms(x, generator(4)).log_px, model.terms(x, generator(4)).log_px)
    assert torch.equal(before, torch.get_rng_state())


@seeded
def test_samples_follow_the_marginal(seed):
    p = ppca(seed)
    x = linear_vae(p).sample((40_000,), generator(seed))
    entropy = Estimate.of(-p.log_prob(x))
    assert abs(entropy.value - p.entropy) < 4 * entropy.stderr
    z = linear_vae(p).prior.sample((40_000,), generator(seed))  # what x were made of
    noise = (x - p.mu - z @ p.W.T) / p.sigma
    assert (noise.mean(0).abs() < 4 / 200).all()
    assert ((noise.T.cov() - torch.eye(4)).abs() < 4 * math.sqrt(2) / 200).all()
    assert ((noise.T @ z).abs() / 40_000 < 4 / 200).all()
    assert linear_vae(p).sample((2, 3)).shape == (2, 3, 4) and linear_vae(p).sample().shape == (4,)


# --- whatever is plugged in -----------------------------------------------------------------------

PRIORS = {
    "standard": lambda: vae.StandardNormal(2),
    "flow": lambda: built(lambda: flow.realnvp(2, 2, (8,))).float(),
    "torch's": lambda: Independent(Normal(torch.zeros(2), torch.ones(2)), 1),
    "mixture": lambda: vae.MixtureOfGaussians([0.5, 0.5], [[-1.0, 0.0], [1.0, 0.0]], 1.0),
}
ENCODERS = {
    "gaussian": lambda: vae.GaussianEncoder(4, 2, (8,)),
    "iaf": lambda: built(lambda: flow.iaf(2, 2, (8,), context=4), scale=0.3).float(),
    "function": lambda: lambda x: Independent(Laplace(x[..., :2], 0.5), 1),
}
DECODERS = {
    "gaussian": lambda: vae.GaussianDecoder(2, 4, (8,)),
    "flow": lambda: built(lambda: flow.realnvp(4, 2, (8,), context=2), scale=0.3).float(),
}


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("prior", PRIORS)
def test_any_law_plugs_in(prior, encoder, decoder):
    torch.manual_seed(0)
    model = vae.VAE(PRIORS[prior](), ENCODERS[encoder](), DECODERS[decoder]())
    assert model.d == 4
    x = model.sample((3, 5), generator(0)).float()
    assert torch.equal(x, model.sample((3, 5), generator(0)).float())
    log_w = model.log_weights(x, 6, generator(1))
    assert log_w.shape == (6, 3, 5) and log_w.isfinite().all()
    terms = model.terms(x, generator(1))
    assert terms.elbo.shape == (3, 5) and terms.log_px.shape == (3, 5)
    objectives.negative_elbo(model, x, 0.5, 0.01).backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())
    assert model.log_weights(x[0, 0], 2).shape == (2,)


def test_a_flow_posterior_takes_one_pass_and_a_flow_prior_trains():
    model = vae.VAE(
        built(lambda: flow.realnvp(2, 2, (8,))),
        built(lambda: flow.iaf(2, 2, (8,), context=3)),
        vae.GaussianDecoder(2, 3, (8,)).double(),
    )
    calls = []
    model.encoder.transform.register_forward_hook(lambda *_: calls.append(1))
    log_w = model.log_weights(normal(5, 3), 4, generator(0))
    assert not calls  # a second pass would be the flow's slow direction
    log_w.mean().backward()
    assert all(p.grad is not None for p in model.parameters())
    z = model.encoder.rsample((4,), generator(0), normal(5, 3))
    truth = model.decoder(z).log_prob(normal(5, 3)) + model.prior.log_prob(z)
    torch.testing.assert_close(log_w, truth - model.encoder(normal(5, 3)).log_prob(z))


def test_a_model_is_moved_saved_and_has_no_likelihood(tmp_path):
    model = vae.VAE(vae.StandardNormal(2), vae.GaussianEncoder(4, 2), vae.GaussianDecoder(2, 4))
    assert not hasattr(model, "log_prob")
    assert model.log_weights(torch.zeros(3, 4)).dtype == torch.float32
    assert model.double().sample((3,)).dtype == DOUBLE
    assert model.log_weights(normal(3, 4)).dtype == DOUBLE
    torch.save(model.state_dict(), tmp_path / "vae.pt")
    again = vae.VAE(vae.StandardNormal(2), vae.GaussianEncoder(4, 2), vae.GaussianDecoder(2, 4))
    again.double().load_state_dict(torch.load(tmp_path / "vae.pt"))
    x = normal(3, 4)
    assert torch.equal(model.log_weights(x, 2, generator(0)), again.log_weights(x, 2, generator(0)))


def test_an_autoencoder_is_two_networks():
    model, x = vae.Autoencoder(MLP(4, 2), MLP(2, 4)), torch.zeros(5, 4)
    assert model.encode(x).shape == (5, 2)
    assert torch.equal(model(x), model.decode(model.encode(x)))


# --- what is refused ------------------------------------------------------------------------------


def test_bad_parts_are_named():
    prior, encoder, decoder = (
        vae.StandardNormal(2),
        vae.GaussianEncoder(4, 2),
        vae.GaussianDecoder(2, 4),
    )
    for bad in (vae.StandardNormal, MLP(2, 2), None):
        with pytest.raises(ValueError, match="^prior must be a law"):
            vae.VAE(bad, encoder, decoder)
    for bad in (vae.GaussianEncoder, 3):
        with pytest.raises(ValueError, match="^encoder must be a module"):
            vae.VAE(prior, bad, decoder)
    for parts in (
        (vae.StandardNormal(3), encoder, decoder),
        (prior, vae.GaussianEncoder(4, 3), decoder),
        (prior, encoder, vae.GaussianDecoder(3, 4)),
    ):
        with pytest.raises(ValueError, match="agree on the dimension of z, got 2 and 3"):
            vae.VAE(*parts)
    with pytest.raises(ValueError, match="agree on the dimension of x, got 4 and 5"):
        vae.VAE(prior, encoder, vae.GaussianDecoder(2, 5))
    for sigma in (0, -1.0, math.nan, math.inf, True, "a"):
        with pytest.raises(ValueError, match="^sigma must be positive"):
            vae.GaussianDecoder(2, 4, sigma=sigma)
    with pytest.raises(ValueError, match="^d_z must be an integer"):
        vae.GaussianEncoder(4, 0)
    with pytest.raises(ValueError, match="^net must be a module"):
        vae.GaussianEncoder(4, 2, net=nn.Linear)


def test_bad_data_and_bad_laws_are_named():
    prior, encoder, decoder = (
        vae.StandardNormal(2),
        vae.GaussianEncoder(4, 2),
        vae.GaussianDecoder(2, 4),
    )
    model, x = vae.VAE(prior, encoder, decoder), torch.zeros(5, 4)
    for call in (model.log_weights, model.terms):
        with pytest.raises(ValueError, match="^x must have the model's dtype"):
            call(x.double())
        with pytest.raises(ValueError, match="^x must have 4 as its last dimension"):
            call(x[:, :3])
        with pytest.raises(ValueError, match="^x must be finite"):
            call(x / 0)
        with pytest.raises(ValueError, match="^x must be a tensor of floating-point"):
            call(x.long())
    for k in (0, 1.5, True):
        with pytest.raises(ValueError, match="^k must be an integer"):
            model.log_weights(x, k)

    def per_coordinate(v):
        return Normal(v[..., :2].repeat(1, 2)[..., :2], 1.0)

    with pytest.raises(ValueError, match="^encoder must return a law of points"):
        vae.VAE(prior, per_coordinate, decoder).log_weights(x)
    with pytest.raises(ValueError, match="^decoder must return a law of points"):
        vae.VAE(prior, encoder, lambda z: Normal(z.repeat_interleave(2, -1), 1.0)).terms(x)
    with pytest.raises(ValueError, match="^prior must return a law of points"):
        vae.VAE(Normal(torch.zeros(2), 1.0), encoder, decoder).log_weights(x)
    with pytest.raises(ValueError, match="^encoder must return a law with rsample"):
        vae.VAE(prior, MLP(4, 2), decoder).log_weights(x)
    with pytest.raises(ValueError, match=r"^net must return 4 numbers for each point.*\(5, 3\)"):
        vae.GaussianEncoder(4, 2, net=nn.Linear(4, 3))(x)
