"""Flows in training: the two KL divergences, and what a few seconds of it reach."""

import pytest
import torch

from dgm_lib import objectives, targets
from dgm_lib.core import generator
from dgm_lib.metrics import nll_gap
from dgm_lib.models import flow
from dgm_lib.training import draws, fit
from tests.flows import DOUBLE, RECIPES, SEEDS, built

seeded = pytest.mark.parametrize("seed", SEEDS)


@pytest.mark.parametrize("name", ["realnvp", "iaf", "planar"])
def test_reverse_kl_takes_one_pass_and_its_gradient_is_right(name):
    model = built(lambda: RECIPES[name](2, 2, (8,)))
    p = targets.ring(3).to(dtype=DOUBLE)
    calls = []
    model.transform.register_forward_hook(lambda *_: calls.append(1))
    loss = objectives.reverse_kl(model, p.log_prob, 64, generator(0))
    assert not calls
    x = model.rsample((64,), generator(0))
    truth = (model.log_prob(x) - p.log_prob(x)).mean()
    weights = list(model.parameters())
    torch.testing.assert_close(loss, truth)
    torch.testing.assert_close(
        torch.autograd.grad(loss, weights), torch.autograd.grad(truth, weights)
    )


def test_forward_kl_in_data_is_reverse_kl_in_latent():
    """KL(p ‖ q) is the same number on both sides of the map: the duality of the lecture."""
    model, p = built(lambda: flow.realnvp(2, 3, (8,))), targets.ring(4).to(dtype=DOUBLE)
    x = p.sample((50,), generator(0))
    z, ladj = model.transform(x)
    pushed = p.log_prob(x) - ladj  # the density of z when x follows p
    torch.testing.assert_close(p.log_prob(x) - model.log_prob(x), pushed - model.base.log_prob(z))


@seeded
def test_realnvp_learns_the_moons_in_seconds(seed, monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")
    torch.manual_seed(seed)
    p, model = targets.moons(), flow.realnvp(2)
    fit(model, objectives.nll, draws(p, 256), steps=500, lr=5e-3, seed=seed)
    x = p.sample((20_000,), generator(seed))
    assert nll_gap(model, p, x).value < 0.1
    with torch.no_grad():
        z, _ = model.transform(x)
        assert (model.transform.inverse(z)[0] - x).abs().max() <= 1e-5
