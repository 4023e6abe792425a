"""The parts of a GAN: what they return, and which law it has."""

import math

import pytest
import torch
from torch import nn
from torch.distributions import Categorical, Independent, Normal, Uniform

from dgm_lib.core import generator
from dgm_lib.models import gan
from dgm_lib.nets import MLP, DigitDiscriminator, DigitGenerator, lipschitz_bound, spectral_norm
from dgm_lib.training import fit

F64 = torch.float64


@pytest.fixture(autouse=True)
def seeded(monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")
    torch.manual_seed(0)


# --------------------------------------------------------------------------- generators


@pytest.mark.parametrize("seed", range(3))
def test_samples_have_the_law_of_the_prior_pushed_through_the_net(seed):
    net = nn.Linear(2, 3).double()
    x = gan.Generator(2, 3, net=net).sample((20_000,), generator(seed))
    W, b = net.weight.detach(), net.bias.detach()
    centred = x - b
    error = centred.std(0) / math.sqrt(len(x))
    assert ((centred.mean(0)).abs() < 4 * error).all()
    products = centred[:, :, None] * centred[:, None]
    error = products.std(0) / math.sqrt(len(x))
    assert ((products.mean(0) - W @ W.T).abs() < 4 * error).all()


def test_a_generator_argument_decides_all_and_touches_nothing():
    box = Independent(Uniform(-torch.ones(2), torch.ones(2)), 1)
    for model in (gan.Generator(2, 3), gan.Generator(2, 3, prior=box).double()):
        state = torch.get_rng_state()
        x = model.sample((4, 5), generator(1))
        assert torch.equal(x, model.sample((4, 5), generator(1)))
        assert not torch.equal(x, model.sample((4, 5), generator(2)))
        assert torch.equal(torch.get_rng_state(), state)
        assert x.shape == (4, 5, 3) and x.dtype == next(model.parameters()).dtype
        assert model.sample().shape == (3,) and not x.requires_grad
        assert torch.equal(model(model.latent((4, 5), generator(1))), x)
        model.rsample((4,)).sum().backward()
        assert all(p.grad is not None for p in model.parameters())
    assert model.latent((1000,)).abs().max() <= 1


def test_a_generator_claims_no_density_and_refuses_what_does_not_fit():
    assert not hasattr(gan.Generator(), "log_prob")
    with pytest.raises(ValueError, match="z must have 2"):
        gan.Generator(2)(torch.zeros(5, 3))
    with pytest.raises(ValueError, match="prior must be a law"):
        gan.Generator(2, prior=gan.StandardNormal(3))
    with pytest.raises(ValueError, match="net must return"):
        gan.Generator(2, 2, net=MLP(2, 3))(torch.zeros(5, 2))
    with pytest.raises(ValueError, match="d_z must"):
        gan.Generator(0)


# --------------------------------------------------------------------------- discriminators


@pytest.mark.parametrize("batch", [(), (5,), (2, 3), (0,)])
def test_a_discriminator_gives_a_number_for_each_point(batch):
    x, image = torch.randn(*batch, 2), torch.rand(*batch, 64)
    D, digits = gan.Discriminator(2, (16, 8)), gan.Discriminator(64, net=DigitDiscriminator(4))
    for model, points, k in ((D, x, 8), (digits, image, digits.net.d_features)):
        assert model(points).shape == batch and model.features(points).shape == (*batch, k)
    torch.testing.assert_close(D(x), D.net(x).squeeze(-1))
    torch.testing.assert_close(D.net[-1](D.features(x)).squeeze(-1), D(x))
    torch.testing.assert_close(digits(image), digits.net(image))


def test_the_bound_on_its_slope_is_that_of_its_net():
    D = spectral_norm(gan.Discriminator(2, (16, 16)))
    assert lipschitz_bound(D.eval()) == pytest.approx(1, abs=1e-5)  # ReLU has slope 1
    assert lipschitz_bound(gan.Packed(D, 2)) == lipschitz_bound(D)


def test_a_net_of_more_numbers_or_without_features_is_refused():
    with pytest.raises(ValueError, match="net must return one number"):
        gan.Discriminator(2, net=MLP(2, 2))(torch.zeros(5, 2))
    with pytest.raises(ValueError, match="net must be a chain"):
        gan.Discriminator(2, net=nn.Bilinear(2, 2, 1)).features(torch.zeros(5, 2))
    with pytest.raises(ValueError, match="x must have 2"):
        gan.Discriminator(2).features(torch.zeros(5, 3))


def test_a_pack_is_judged_as_one_point_in_the_order_it_came():
    inner = gan.Discriminator(6, (8,))
    D, x = gan.Packed(inner, 3), torch.randn(12, 2)
    torch.testing.assert_close(D(x), torch.stack([inner(rows.flatten()) for rows in x.split(3)]))
    torch.testing.assert_close(D(x.reshape(2, 6, 2)).flatten(), D(x))
    assert D.features(x).shape == (4, 8)
    assert torch.equal(gan.Packed(gan.Discriminator(2), 1).pack(x), x)
    for bad in (x[:11], x[0]):
        with pytest.raises(ValueError, match="divisible by 3"):
            D(bad)


# --------------------------------------------------------------------------- a way back


@pytest.mark.parametrize("seed", range(3))
def test_codes_have_their_law(seed):
    codes, n = gan.Codes((3, 2), 2), 20_000
    c = codes.sample((n,), generator(seed))
    first, second, numbers = codes.split(c)
    for block, k in ((first, 3), (second, 2)):
        assert torch.equal(block.sum(1), torch.ones(n)) and set(block.unique().tolist()) == {0, 1}
        error = math.sqrt((1 / k) * (1 - 1 / k) / n)
        assert ((block.mean(0) - 1 / k).abs() < 4 * error).all()
    assert numbers.abs().max() <= 1 and (numbers.mean(0).abs() < 4 / math.sqrt(3 * n)).all()
    assert (numbers.square().mean(0) - 1 / 3).abs().max() < 4 * math.sqrt(4 / 45 / n)
    assert codes.entropy == pytest.approx(math.log(6) + 2 * math.log(2))
    joint = gan.Joint(codes, gan.StandardNormal(4))
    parts = joint.split(joint.sample((2, 5), generator(seed)))
    assert [part.shape for part in parts] == [(2, 5, 7), (2, 5, 4)]
    assert gan.Codes((), 1).sample((3,)).shape == (3, 1) and gan.Codes().d == 10
    with pytest.raises(ValueError, match="categories"):
        gan.Codes((), 0)
    with pytest.raises(ValueError, match="categories"):
        gan.Codes((1,))


def test_the_law_of_codes_is_the_product_of_its_parts():
    codes = gan.Codes((3, 2), 2)
    head, x = gan.CodeHead(codes, d=4, hidden=(8,)), torch.randn(6, 4)
    c = codes.sample((6,))
    out = head.net(x)
    truth = Categorical(logits=out[:, :3]).log_prob(c[:, :3].argmax(1))
    truth = truth + Categorical(logits=out[:, 3:5]).log_prob(c[:, 3:5].argmax(1))
    truth = truth + Normal(out[:, 5:7], out[:, 7:].exp()).log_prob(c[:, 5:]).sum(1)
    torch.testing.assert_close(head(x).log_prob(c), truth)
    with pytest.raises(ValueError, match="net must return 9"):
        gan.CodeHead(codes, net=MLP(2, 8))(torch.zeros(5, 2))


@pytest.mark.parametrize("seed", range(3))
def test_the_bound_on_the_information_rises_to_what_there_is(seed):
    # x = c + noise of a code of two kinds: I(c; x) by quadrature, and no head can say more.
    codes, sigma = gan.Codes((2,)), 1.0
    torch.manual_seed(seed)
    head = gan.CodeHead(codes, d=1, hidden=())

    def draw(n, g=None):
        c = codes.sample((n,), g)
        return 2 * c[:, :1] - 1 + sigma * torch.randn(n, 1, generator=g), c

    def loss(head):
        x, c = draw(512)
        return -head(x).log_prob(c).mean()

    fit(head, loss, [()] * 300, steps=300, lr=0.05, seed=seed)
    x, c = draw(20_000, generator(seed))
    values = codes.entropy + head(x).log_prob(c).detach()
    at = torch.linspace(-8, 8, 4001, dtype=F64)
    p = [Normal(m, sigma).log_prob(at) for m in (-1.0, 1.0)]
    mixed = torch.stack(p).logsumexp(0) - math.log(2)
    truth = torch.trapezoid(p[0].exp() * (p[0] - mixed), at).item()  # 0.337 nats
    assert abs(values.mean().item() - truth) < 4 * values.std().item() / math.sqrt(20_000) + 2e-3


def test_a_bigan_pairs_what_belongs_together():
    G, E = gan.Generator(2, 3), MLP(3, 2)
    model, x = gan.BiGAN(G, E), torch.randn(5, 3)
    torch.testing.assert_close(model.data_pairs(x), torch.cat([x, E(x)], 1))
    pairs = model.model_pairs((5,), generator(0))
    torch.testing.assert_close(pairs[:, :3], G(pairs[:, 3:]))
    assert torch.equal(pairs[:, 3:], G.latent((5,), generator(0)))
    torch.testing.assert_close(model.reconstruct(x), G(E(x)))
    assert torch.equal(model.sample((4,), generator(1)), G.sample((4,), generator(1)))
    with pytest.raises(ValueError, match="encoder's z must have 2"):
        gan.BiGAN(G, MLP(3, 3)).encode(x)


def test_digits_are_generated_and_judged():
    G = gan.Generator(10, 64, net=DigitGenerator(10, 4))
    D = gan.Discriminator(64, net=DigitDiscriminator(4))
    assert D(G.sample((7,))).shape == (7,)
