"""The objectives of two players against closed forms, exact laws and finite differences."""

import math
from functools import partial

import pytest
import torch
from torch import nn

from dgm_lib import metrics, targets
from dgm_lib.core import Grid, generator
from dgm_lib.nets import MLP
from dgm_lib.objectives import (
    critic_loss,
    discriminator_loss,
    feature_matching,
    historical_average,
    non_saturating,
    saturating,
)

F64 = torch.float64


def points(seed, *shape):
    return torch.randn(*shape, generator=generator(seed), dtype=F64)


# --------------------------------------------------------------------------- losses of logits


def counts(law, grid, n=200_000):
    """A discrete law of n equal atoms that is close to `law`: how many there are in each cell."""
    return (law.log_prob(grid.points).exp() * grid.cell * n).round().long().flatten()


@pytest.mark.parametrize("smooth", [1.0, 0.9])
def test_the_best_discriminator_is_the_ratio_and_scores_the_jsd(smooth):
    p, q, grid = targets.ring(), targets.moons(), Grid([[-4, 4], [-4, 4]], n=100)
    of_p, of_q = counts(p, grid), counts(q, grid)
    real, fake = of_p / of_p.sum(), of_q / of_q.sum()
    best = smooth * real / (real + fake)  # NaN in empty cells, from which there are no atoms
    logits = torch.logit(best.double())

    def loss(logits):
        atoms = logits.repeat_interleave(of_p), logits.repeat_interleave(of_q)
        return discriminator_loss(*atoms, smooth=smooth).item()

    if smooth == 1.0:
        truth = 2 * math.log(2) - 2 * metrics.jsd(p, q, grid).value
        assert loss(logits) == pytest.approx(truth, abs=2e-3)
    finite = logits.nan_to_num(0.0, 40.0, -40.0)
    noise = points(0, len(logits))
    assert all(loss(finite + h * noise) > loss(finite) for h in (-0.1, -0.01, 0.01, 0.1))


def test_losses_are_their_formulas_in_probabilities():
    real, fake = 2 * points(1, 5, 3), 2 * points(2, 7)
    D_real, D_fake = real.sigmoid(), fake.sigmoid()
    on_fake = (1 - D_fake).log().mean()
    close = torch.testing.assert_close
    close(discriminator_loss(real, fake), -D_real.log().mean() - on_fake)
    smooth = 0.9 * D_real.log() + 0.1 * (1 - D_real).log()
    close(discriminator_loss(real, fake, smooth=0.9), -smooth.mean() - on_fake)
    close(saturating(fake), on_fake)
    close(non_saturating(fake), -D_fake.log().mean())
    close(critic_loss(real, fake), fake.mean() - real.mean())


@pytest.mark.parametrize("dtype", [torch.float32, F64])
def test_slopes_are_the_closed_forms_however_sure_the_discriminator_is(dtype):
    logits = torch.tensor([-500.0, -90, -20, -1, 0, 1, 20, 90, 500], dtype=dtype)
    D, n = logits.double().sigmoid(), len(logits)
    for loss, truth in (
        (saturating, -D / n),
        (non_saturating, -torch.sigmoid(-logits.double()) / n),
        (partial(discriminator_loss, torch.zeros(1, dtype=dtype)), D / n),
        (partial(lambda fake, real: discriminator_loss(real, fake), torch.zeros(1)), None),
    ):
        leaf = logits.clone().requires_grad_()
        value = loss(leaf)
        (slope,) = torch.autograd.grad(value, leaf)
        assert value.isfinite() and slope.isfinite().all()
        if truth is not None:
            torch.testing.assert_close(slope.double(), truth, rtol=1e-5, atol=1e-45)


def test_smoothing_moves_the_optimum_of_a_single_logit():
    logit = torch.tensor(0.3, dtype=F64, requires_grad=True)
    for smooth, p, q in ((1.0, 0.5, 2.0), (0.9, 0.5, 2.0), (0.7, 3.0, 0.1)):
        truth = smooth * p / (p + q)
        # p and q copies of one point, weighted by hand: the gradient vanishes at the optimum.
        logit = torch.tensor(truth, dtype=F64).logit().requires_grad_()
        on_real = discriminator_loss(logit, logit.detach(), smooth)
        on_fake = discriminator_loss(logit.detach(), logit, smooth)
        (slope,) = torch.autograd.grad(p * on_real + q * on_fake, logit)
        assert abs(slope.item()) < 1e-12


@pytest.mark.parametrize("seed", range(3))
def test_a_trained_discriminator_is_the_exact_log_ratio(seed):
    # Logistic regression on (x, x²) holds the log-ratio of two Gaussians exactly.
    mu, sigma, n = 0.7, 1.4, 40_000
    x, y = points(seed, n, 1), mu + sigma * points(seed + 50, n, 1)
    D = nn.Linear(2, 1).double()
    both = [torch.cat([z, z.square()], dim=1) for z in (x, y)]
    optimizer = torch.optim.LBFGS(D.parameters(), max_iter=100, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = discriminator_loss(*map(D, both))
        loss.backward()
        return loss

    optimizer.step(closure)
    at = torch.linspace(-2, 2, 41, dtype=F64)[:, None]
    found = D(torch.cat([at, at.square()], dim=1)).detach()
    truth = -at.square() / 2 + ((at - mu) / sigma).square() / 2 + math.log(sigma)
    assert (found - truth).abs().max() < 0.1  # four standard deviations


# --------------------------------------------------------------------------- features, averages


def test_feature_matching_is_the_distance_of_means_and_moves_only_the_samples():
    real, fake = points(3, 2, 5, 4).requires_grad_(), points(4, 7, 4).requires_grad_()
    loss = feature_matching(real, fake)
    away = (real.mean((0, 1)) - fake.mean(0)).detach()
    torch.testing.assert_close(loss, away.square().sum())
    loss.backward()
    assert real.grad is None
    torch.testing.assert_close(fake.grad, (-2 * away / 7).expand(7, 4))
    for bad in ((real, fake[:, :3]), (real[0, 0], fake[0])):
        with pytest.raises(ValueError, match="features"):
            feature_matching(*bad)


def test_historical_averaging_is_the_squared_distance_to_the_mean_of_the_past():
    torch.manual_seed(0)
    net = MLP(2, 1).double()
    average = torch.optim.swa_utils.AveragedModel(net)
    seen = []
    for _ in range(5):
        with torch.no_grad():
            for p in net.parameters():
                p.add_(torch.randn_like(p))
        average.update_parameters(net)
        seen.append(nn.utils.parameters_to_vector(net.parameters()).detach())
    loss = historical_average(net.parameters(), average.module.parameters())
    away = seen[-1] - torch.stack(seen).mean(0)
    torch.testing.assert_close(loss, away.square().sum())
    loss.backward()
    found = nn.utils.parameters_to_vector(p.grad for p in net.parameters())
    torch.testing.assert_close(found, 2 * away)
    assert all(p.grad is None for p in average.parameters())
    for bad in ([torch.zeros(3)], []):
        with pytest.raises(ValueError, match="averages must"):
            historical_average([torch.zeros(2)], bad)


def test_a_smoothing_that_is_no_probability_is_named():
    for smooth in (0.0, -1.0, 1.1, math.nan):
        with pytest.raises(ValueError, match="smooth must"):
            discriminator_loss(torch.zeros(2), torch.zeros(2), smooth)
