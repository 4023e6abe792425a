"""Metrics of latent-variable models, against models whose likelihood is known."""

import math

import pytest
import torch

from dgm_lib.core import Estimate, generator
from dgm_lib.metrics import active_units, gradient_snr, log_likelihood, log_mean_exp
from dgm_lib.metrics import latent as room
from dgm_lib.models import vae
from dgm_lib.objectives import iwae
from tests.vaes import SEEDS, linear_vae, normal, ppca

seeded = pytest.mark.parametrize("seed", SEEDS)


@seeded
def test_the_likelihood_is_the_known_one(seed):
    p = ppca(seed)
    x = p.sample((300,), generator(seed))
    truth = Estimate.of(p.log_prob(x))
    model, k = linear_vae(p, 0.3, 1.3), 2000
    found = log_likelihood(model, x, k, generator(seed))
    w = (model.log_weights(x, k) - p.log_prob(x)).exp()  # of mean 1
    noise, bias = (w.var(0).mean() / (k * len(x))).sqrt(), w.var(0).mean() / (2 * k)
    assert abs(found.value + bias - truth.value) < 4 * noise and noise < 4e-3
    assert found.stderr == pytest.approx(truth.stderr, rel=0.01)
    exact = log_likelihood(linear_vae(p), x, 1)
    assert exact.value == pytest.approx(truth.value, abs=1e-9)
    few = log_likelihood(linear_vae(p, 0.8, 1.5), x, 2, generator(seed))
    assert few.value < truth.value


def test_each_datum_is_a_log_mean_exp_and_no_gradient_is_kept():
    model, x = linear_vae(ppca(), 0.5), normal(7, 4)
    log_w = model.log_weights(x, 50, generator(0))
    each = [log_mean_exp(column).value for column in log_w.T]
    found = log_likelihood(model, x, 50, generator(0))
    assert found.value == pytest.approx(sum(each) / 7)
    assert found == Estimate.of(iwae(model, x, 50, generator(0)))


def test_blocks_give_the_same_law(monkeypatch):
    p = ppca()
    x = p.sample((100,), generator(0))
    monkeypatch.setattr(room, "ROWS", 300)
    for k in (1, 299, 2000):  # 300 data at once, one, and one in seven blocks
        assert log_likelihood(linear_vae(p), x, k).value == pytest.approx(
            p.log_prob(x).mean().item(), abs=1e-9
        )
    found = log_likelihood(linear_vae(p, 0.3, 1.3), x, 2000, generator(0)).value
    assert found == pytest.approx(p.log_prob(x).mean().item(), abs=3e-3)


def test_single_precision_and_other_models():
    model = linear_vae(ppca()).float()
    x = ppca().sample((50,), generator(0))
    assert log_likelihood(model, x, 3).value == pytest.approx(
        ppca().log_prob(x).mean().item(), abs=1e-4
    )

    class Zero:
        def log_weights(self, x, k, generator):
            return torch.full((k, len(x)), -math.inf)

    assert log_likelihood(Zero(), x, 3).value == -math.inf


@seeded
def test_active_units_are_those_that_move(seed):
    scale = torch.tensor([1.0, 0.0, 0.2, 0.05])
    mu = normal(4000, 4, seed=seed) * scale + 3.0
    count, variances = active_units(mu)
    assert count == 2 and variances.shape == (4,) and variances[1] < 1e-25
    assert (variances - scale.double() ** 2).abs().max() < 0.1
    assert active_units(mu, threshold=0.001).count == 3
    assert active_units(mu.requires_grad_()).variances.requires_grad is False


def test_a_collapsed_vae_has_no_active_unit():
    model = vae.VAE(vae.StandardNormal(2), vae.GaussianEncoder(4, 2), vae.GaussianDecoder(2, 4))
    with torch.no_grad():
        model.encoder.net[-1].weight.zero_()
        assert active_units(model.encoder(torch.randn(50, 4)).mean).count == 0


@seeded
def test_the_ratio_is_that_of_the_law(seed):
    mean, std = torch.tensor([2.0, -0.5, 0.0]), torch.tensor([1.0, 2.0, 1.0])
    snr = gradient_snr(mean + std * normal(40_000, 3, seed=seed))
    assert (snr - (mean / std).abs()).abs().max() < 4 * 2 / 200
    exact = gradient_snr([[1.0, 5.0, 0.0], [3.0, 5.0, 0.0]])
    assert exact[0].item() == pytest.approx(math.sqrt(2)) and exact[1] == math.inf
    assert exact[2].isnan()


def test_bad_arguments_are_named():
    model, x = linear_vae(ppca()), normal(5, 4)
    with pytest.raises(ValueError, match="^model must have log_weights"):
        log_likelihood(ppca(), x, 5)
    with pytest.raises(ValueError, match="^k must be an integer of at least 1"):
        log_likelihood(model, x, 0)
    with pytest.raises(ValueError, match=r"^x must have shape \(n, d\)"):
        log_likelihood(model, x[0], 5)
    with pytest.raises(ValueError, match="^threshold must be a number"):
        active_units(x, -1.0)
    with pytest.raises(ValueError, match=r"^mu must have shape \(n, d\)"):
        active_units(x[0])
    with pytest.raises(ValueError, match="^gradients must hold at least 2"):
        gradient_snr(x[:1])

    class Bad:
        def __init__(self, log_w):
            self.log_w = log_w

        def log_weights(self, x, k, generator):
            return self.log_w

    with pytest.raises(ValueError, match="^model.log_weights must return shape"):
        log_likelihood(Bad(torch.zeros(5, 3)), x, 3)
    with pytest.raises(ValueError, match="^model.log_weights must be a number or -inf"):
        log_likelihood(Bad(torch.full((3, 5), math.nan)), x, 3)
