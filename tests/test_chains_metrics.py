"""The metrics of chains and of weights: against ArviZ, closed forms and honest edge cases."""

import math
import time

import pytest
import torch
from arviz_stats.base import array_stats

from dgm_lib.core import generator
from dgm_lib.metrics import (
    autocorrelation,
    ess,
    ess_bulk,
    log_mean_exp,
    rhat,
    weights_ess,
)

F64 = torch.float64
AXES = dict(chain_axis=1, draw_axis=0)


def autoregressive(rng, n, chains, phi, d=1):
    """Stationary chains x' = φ x + √(1 - φ²) ε of the law N(0, 1), (n, chains, d)."""
    noise = torch.randn(n, chains, d, generator=rng, dtype=F64)
    x = [noise[0]]
    for epsilon in noise[1:]:
        x.append(phi * x[-1] + math.sqrt(1 - phi**2) * epsilon)
    return torch.stack(x)


def cases():
    """Chains of all kinds: short, long, sticky, alternating, tied, drifting, apart."""
    rng = generator(0)
    for n, chains, phi in [(4, 2, 0.0), (5, 3, 0.5), (10, 5, 0.6), (11, 4, 0.3), (60, 1, 0.9),
                           (101, 2, -0.9), (500, 4, 0.99), (1000, 3, 0.2)]:  # fmt: skip
        x = autoregressive(rng, n, chains, phi)[..., 0]
        yield x
        yield x.round()
        yield x + 3 * torch.randn(chains, generator=rng, dtype=F64)
        yield x * torch.linspace(1, 5, chains, dtype=F64)
        yield x + torch.linspace(0, 4, n, dtype=F64)[:, None]
        yield 1e6 + torch.tan(x)


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        (ess, lambda x: array_stats.ess(x, method="mean", **AXES)),
        (ess_bulk, lambda x: array_stats.ess(x, method="bulk", **AXES)),
        (rhat, lambda x: array_stats.rhat(x, method="rank", **AXES)),
    ],
    ids=["ess", "ess_bulk", "rhat"],
)
def test_agrees_with_arviz(mine, theirs):
    compared = 0
    for x in cases():
        if mine is rhat and x.shape[1] == 1:
            continue  # ArviZ wants two chains; halves of one are compared below
        assert mine(x).item() == pytest.approx(float(theirs(x.numpy())), rel=1e-8)
        compared += 1
    assert compared >= 40


def test_autocorrelation_is_arviz_for_one_chain_and_the_truth_for_many():
    rng = generator(1)
    x = autoregressive(rng, 200, 1, 0.7)
    truth = torch.as_tensor(array_stats.autocorr(x[:, 0, 0].numpy()).copy())
    torch.testing.assert_close(autocorrelation(x)[:, 0], truth, rtol=0, atol=1e-10)
    rho = autocorrelation(autoregressive(rng, 2000, 200, 0.8, d=2), lags=20)
    power = 0.8 ** torch.arange(21, dtype=F64)[:, None].expand(-1, 2)
    assert rho.shape == (21, 2) and (rho[0] == 1).all()
    # Bartlett: at most Σ ρ² of variance 1 / (n chains) each; and the taper 1 - t/n.
    stderr = math.sqrt((1 + 0.64) / (1 - 0.64) / 400_000)
    assert ((rho - power).abs() < 4 * stderr + 20 / 2000 * power).all()


def test_autocorrelation_is_the_plain_double_sum():
    x = autoregressive(generator(2), 17, 3, 0.5)[..., 0]
    c = x - x.mean()
    direct = [(c[: 17 - t] * c[t:]).sum() / (17 * 3) / c.square().mean() for t in range(17)]
    torch.testing.assert_close(autocorrelation(x), torch.stack(direct))


@pytest.mark.parametrize("phi", [-0.5, 0.0, 0.5, 0.9])
@pytest.mark.parametrize("seed", range(3))
def test_ess_is_the_closed_form_of_an_autoregressive_chain(phi, seed):
    groups, tau = 20, (1 + phi) / (1 - phi)
    x = autoregressive(generator(seed), 2000, 4, phi, d=groups)
    for metric in (ess, ess_bulk):
        found = 8000 / metric(x)
        stderr = found.std() / math.sqrt(groups)
        assert abs(found.mean() - tau) < 4 * stderr + 0.05 * tau  # Geyer's sum ends a little early
        assert stderr < 0.05 * max(tau, 1)


@pytest.mark.parametrize("phi", [-0.5, 0.0, 0.5, 0.9])
@pytest.mark.parametrize("seed", range(3))
def test_rhat_of_good_chains_is_near_one(phi, seed):
    x = autoregressive(generator(seed), 2000, 50, phi)
    # The mean of half a chain, 1000 draws, has the variance τ / 1000.
    assert rhat(x).item() ** 2 < 1 + 2 * max((1 + phi) / (1 - phi), 2) / 1000


def test_rhat_sees_other_locations_other_scales_and_a_drift():
    x = autoregressive(generator(3), 1000, 4, 0.3)[..., 0]
    here, scaled = x.clone(), x.clone()
    here[:, 0] += 2
    scaled[:, 0] *= 4
    for bad in (here, scaled, x + torch.linspace(0, 3, 1000, dtype=F64)[:, None]):
        assert rhat(bad) > 1.05
    assert rhat(x[:, :1] + torch.linspace(0, 3, 1000, dtype=F64)[:, None]) > 1.2  # one chain
    assert rhat(x[:, :1]) < 1.01


def test_chains_stuck_in_two_modes_are_worth_about_two_draws():
    stuck = torch.tensor([-3.0, 3.0]) + 0.1 * torch.randn(400, 2, generator=generator(4))
    assert ess(stuck) < 4 and ess_bulk(stuck) < 4 and rhat(stuck) > 1.5
    assert (autocorrelation(stuck, lags=50) > 0.8).all()


def test_any_monotone_map_leaves_the_ranks_alone():
    x = autoregressive(generator(5), 300, 3, 0.6)
    assert ess_bulk(x).item() == ess_bulk(x.exp()).item()
    torch.testing.assert_close(rhat(x), rhat(7 - 2 * x))
    torch.testing.assert_close(ess(x), ess(1e4 - 1e-3 * x))


def test_components_are_taken_one_by_one_in_any_shape_and_dtype():
    x = autoregressive(generator(6), 50, 4, 0.5, d=6)
    for metric in (ess, ess_bulk, rhat):
        each = torch.stack([metric(x[..., k]) for k in range(6)])
        torch.testing.assert_close(metric(x), each)
        torch.testing.assert_close(metric(x.reshape(50, 4, 2, 3)), each.reshape(2, 3))
        assert metric(x.float()).dtype == F64 and metric(x > 0).isfinite().all()
    assert autocorrelation(x.requires_grad_(), lags=3).shape == (4, 6)
    assert not ess(x).requires_grad


@pytest.mark.parametrize("size", [1e-320, 1e-200, 1e200, 1e307])
def test_the_size_of_the_numbers_does_not_matter(size):
    x = autoregressive(generator(0), 200, 3, 0.8, d=2)
    both = x * torch.tensor([1.0, size], dtype=F64)
    tolerance = dict(rtol=0.01 if size < 1e-300 else 1e-9, atol=0.01 if size < 1e-300 else 1e-12)
    for metric in (ess, autocorrelation):
        torch.testing.assert_close(metric(both), metric(x), **tolerance)


def test_what_says_nothing_is_nan_and_what_stands_still_apart_is_infinite():
    x = autoregressive(generator(7), 40, 3, 0.5, d=2)
    x[..., 1] = 0.1
    for metric in (ess, ess_bulk, rhat):
        assert metric(x).isnan().tolist() == [False, True]
        assert metric(x[:3]).isnan().all()
    assert autocorrelation(x, lags=2)[:, 1].isnan().all()
    apart = torch.tensor([0.1, 0.2, 0.7]).expand(40, 3)
    assert rhat(apart) > 1e6 and ess(apart) < 10


@pytest.mark.parametrize("metric", [autocorrelation, ess, ess_bulk, rhat])
def test_bad_draws_are_named(metric):
    good = torch.randn(10, 2, generator=generator(0))
    for bad in (good[:, 0], good[:0], good[:, :0], good.log(), good / 0, good * 1j, "a", None):
        with pytest.raises(ValueError, match="^x must"):
            metric(bad)


def test_lags_must_be_there():
    x = torch.randn(10, 2, generator=generator(0))
    for lags in (-1, 10, 2.5):
        with pytest.raises(ValueError, match="^lags must"):
            autocorrelation(x, lags)


def test_a_thousand_chains_are_fast():
    x = torch.randn(1000, 1000, 2, generator=generator(0))
    start = time.process_time()
    ess(x), ess_bulk(x), rhat(x), autocorrelation(x, 100)
    assert time.process_time() - start < 6


# --- weights --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_log_mean_exp_of_lognormal_weights(seed):
    log_w = 700 + 0.8 * torch.randn(20_000, generator=generator(seed), dtype=F64)
    value, stderr = log_mean_exp(log_w)
    assert abs(value - 700 - 0.32) < 4 * stderr
    assert stderr == pytest.approx(math.sqrt(math.expm1(0.64) / 20_000), rel=0.15)
    assert weights_ess(log_w) == pytest.approx(20_000 * math.exp(-0.64), rel=0.15)


def test_weights_of_zero_and_of_one_draw():
    zero = torch.tensor([0.0, -math.inf])
    assert log_mean_exp(zero).value == pytest.approx(-math.log(2))
    assert weights_ess(zero) == 1.0
    nothing = torch.full((3,), -math.inf)
    assert log_mean_exp(nothing).value == -math.inf and math.isnan(weights_ess(nothing))
    one = log_mean_exp(torch.tensor(-5.0))
    assert one.value == -5.0 and math.isnan(one.stderr) and weights_ess(torch.tensor(-5.0)) == 1


@pytest.mark.parametrize("metric", [log_mean_exp, weights_ess])
def test_bad_weights_are_named(metric):
    for bad in ([], [0.0, math.nan], [math.inf], [1j], "a"):
        with pytest.raises(ValueError, match="^log_w must"):
            metric(bad)
