"""Objectives against closed forms, their gradients included."""

import math

import pytest
import torch
from torch.distributions import Independent, Normal

from dgm_lib.core import generator
from dgm_lib.objectives import nll, reverse_kl


class Gaussian(torch.nn.Module):
    """N(mu, sigma² I) with parameters to train."""

    def __init__(self, mu, log_sigma):
        super().__init__()
        self.mu = torch.nn.Parameter(torch.tensor(mu, dtype=torch.float64))
        self.log_sigma = torch.nn.Parameter(torch.tensor(log_sigma, dtype=torch.float64))

    @property
    def law(self):
        return Independent(Normal(self.mu, self.log_sigma.exp()), 1)

    def log_prob(self, x):
        return self.law.log_prob(x)

    def rsample(self, shape=(), generator=None):
        noise = torch.randn(*shape, len(self.mu), generator=generator, dtype=torch.float64)
        return self.mu + self.log_sigma.exp() * noise


STANDARD = Independent(Normal(torch.zeros(2).double(), torch.ones(2).double()), 1)


def test_nll_is_the_closed_form_and_least_at_the_moments():
    x = torch.randn(3, 50, 2, dtype=torch.float64, generator=generator(0)) * 2 + 1
    flat = x.reshape(-1, 2)
    mu, sigma = flat.mean(0), flat.std(0, correction=0)
    model = Gaussian(mu.tolist(), sigma.log().tolist())
    loss = nll(model, x)
    loss.backward()
    truth = (sigma.log() + 0.5 * math.log(2 * math.pi) + 0.5).sum()
    torch.testing.assert_close(loss.detach(), truth)
    assert model.mu.grad.abs().max() < 1e-12 and model.log_sigma.grad.abs().max() < 1e-12


@pytest.mark.parametrize("seed", range(3))
def test_reverse_kl_and_its_gradient_are_the_closed_form(seed):
    mu, s = [1.0, -0.5], [0.3, -0.4]
    model = Gaussian(mu, s)
    loss = reverse_kl(model, STANDARD.log_prob, 40_000, generator(seed))
    loss.backward()
    m, log_s = model.mu.detach(), model.log_sigma.detach()
    truth = 0.5 * (m**2 + (2 * log_s).exp() - 1 - 2 * log_s).sum()
    assert abs(loss.item() - truth) < 0.04  # four standard errors
    torch.testing.assert_close(model.mu.grad, m, atol=0.04, rtol=0)
    torch.testing.assert_close(model.log_sigma.grad, (2 * log_s).exp() - 1, atol=0.06, rtol=0)


def test_reverse_kl_ignores_the_targets_normaliser_but_for_a_constant():
    model = Gaussian([1.0, 0.0], [0.0, 0.0])
    exact = reverse_kl(model, STANDARD.log_prob, 100, generator(0))
    shifted = reverse_kl(model, lambda x: STANDARD.log_prob(x) + 5, 100, generator(0))
    torch.testing.assert_close(shifted, exact - 5)


def test_reverse_kl_takes_torch_distributions():
    torch.manual_seed(0)
    assert abs(reverse_kl(STANDARD, STANDARD.log_prob).item()) < 1e-12


def test_a_log_prob_per_coordinate_is_refused():
    per_coordinate = Normal(torch.zeros(2), torch.ones(2))
    with pytest.raises(ValueError, match="one number per point"):
        nll(per_coordinate, torch.zeros(5, 2))
    with pytest.raises(ValueError, match="target_log_prob"):
        reverse_kl(STANDARD, per_coordinate.log_prob)
    with pytest.raises(ValueError, match="n must be an integer of at least 1"):
        reverse_kl(STANDARD, STANDARD.log_prob, 0)
