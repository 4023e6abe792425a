"""VAEs in training: the optimum that is known, and what a few seconds reach."""

from itertools import repeat

import pytest
import torch

from dgm_lib import metrics, targets
from dgm_lib.core import generator
from dgm_lib.models import vae
from dgm_lib.objectives import negative_elbo
from dgm_lib.training import draws, fit
from tests.vaes import ppca


@pytest.mark.parametrize("seed", range(3))
def test_a_linear_vae_finds_ppcas_optimum(seed, monkeypatch):
    """Its q can be the posterior, so the best ELBO is the best likelihood: the closed form's."""
    monkeypatch.setenv("TQDM_DISABLE", "1")
    torch.manual_seed(seed)
    x = ppca(seed).sample((500,), generator(seed))
    encoder, decoder = vae.GaussianEncoder(4, 2, ()), vae.GaussianDecoder(2, 4, ())
    model = vae.VAE(vae.StandardNormal(2), encoder, decoder).double()
    fit(model, negative_elbo, repeat(x), steps=800, lr=2e-2, seed=seed)
    found = vae.PPCA(decoder.net[0].weight, decoder.net[0].bias, decoder.sigma.item())
    best = vae.PPCA.fit(x, 2)
    assert 0 <= (best.log_prob(x) - found.log_prob(x)).mean() < 0.01
    assert found.sigma == pytest.approx(best.sigma, rel=0.05)


@pytest.mark.parametrize("seed", range(2))
def test_a_vae_learns_the_moons_in_seconds(seed, monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")
    torch.manual_seed(seed)
    p = targets.moons()
    model = vae.VAE(vae.StandardNormal(2), vae.GaussianEncoder(2, 2), vae.GaussianDecoder(2, 2))
    fit(model, negative_elbo, draws(p, 128), steps=2000, lr=1e-2, seed=seed)
    x = p.sample((1000,), generator(seed))
    log_p = metrics.log_likelihood(model, x, 300, generator(seed))
    gap = p.log_prob(x).mean().item() - log_p.value
    gaussian = (p.log_prob(x) - vae.PPCA.fit(x, 1).log_prob(x)).mean()
    assert gap < 0.6 and gaussian > 1.2
