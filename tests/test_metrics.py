"""Metrics against closed forms, and their standard errors against the spread over seeds."""

import math

import pytest
import torch
from torch.distributions import Independent, MultivariateNormal, Normal, Uniform

from dgm_lib.core import Grid, generator
from dgm_lib.metrics import (
    coverage,
    jsd,
    kl,
    median_bandwidth,
    mmd2,
    mmd_test,
    nll_gap,
    sliced_wasserstein,
    wasserstein2,
)

F64 = torch.float64


def normal(mu, sigma):
    mu = torch.as_tensor(mu, dtype=F64)
    return Independent(Normal(mu, torch.full_like(mu, sigma)), 1)


def uniform(low, high):
    bounds = torch.tensor([[low], [high]], dtype=F64)
    return Independent(Uniform(*bounds, validate_args=False), 1)


def draw(rng, n, d=2, sigma=1.0, shift=0.0):
    return torch.randn(n, d, generator=rng, dtype=F64) * sigma + shift


P, Q = normal([0.0, 0.0], 1.0), normal([1.0, -0.5], 1.5)
KL_PQ = 2 * math.log(1.5) + (2 + 1.25) / (2 * 1.5**2) - 1
KL_QP = -2 * math.log(1.5) + (2 * 1.5**2 + 1.25) / 2 - 1


# --------------------------------------------------------------------------- densities


@pytest.mark.parametrize("seed", range(3))
def test_nll_gap_is_the_kl_within_its_error(seed):
    gap = nll_gap(Q, P, draw(generator(seed), 20_000))
    assert abs(gap.value - KL_PQ) < 4 * gap.stderr
    assert 0 < gap.stderr < 0.01


def test_nll_gap_of_the_truth_is_exactly_zero_and_of_a_blind_model_infinite():
    x = draw(generator(0), 100, d=1)
    assert nll_gap(normal([0.0], 1.0), normal([0.0], 1.0), x) == (0.0, 0.0)
    assert nll_gap(uniform(-1, 1), normal([0.0], 1.0), x).value == math.inf


def test_nll_gap_asks_a_float32_module_in_its_own_precision():
    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.mu = torch.nn.Parameter(torch.zeros(2))

        def log_prob(self, x):
            assert x.dtype == torch.float32
            return normal(self.mu, 1.0).log_prob(x)

    gap = nll_gap(Model(), P, draw(generator(0), 100).reshape(4, 25, 2))
    assert abs(gap.value) < 1e-6


def test_grid_divergences_are_the_closed_forms():
    grid = Grid([[-9, 10], [-10, 9]], n=200)
    for (a, b), truth in {(P, Q): KL_PQ, (Q, P): KL_QP, (P, P): 0.0}.items():
        estimate = kl(a, b, grid)
        assert abs(estimate.value - truth) <= estimate.stderr + 1e-6
    assert jsd(P, P, grid).value < 1e-15
    assert jsd(P, Q, grid).value == pytest.approx(jsd(Q, P, grid).value, abs=1e-12)


def test_jsd_is_bounded_by_log_2_and_reaches_it():
    line = Grid([[-70, 70]], n=2000)
    apart = jsd(normal([-50.0], 0.5), normal([50.0], 0.5), line)
    assert apart.value == pytest.approx(math.log(2), abs=1e-9) and apart.value <= math.log(2)
    # Half of two overlapping uniform laws is shared: JSD = (log 2) / 2.
    assert jsd(uniform(0, 2), uniform(1, 3), Grid([[-1, 4]], n=1000)).value == pytest.approx(
        math.log(2) / 2, abs=1e-9
    )


def test_kl_where_a_density_is_zero():
    line = Grid([[-1, 4]], n=1000)
    inside, outside = uniform(0, 2), uniform(0, 3)
    assert kl(inside, outside, line).value == pytest.approx(math.log(1.5), abs=1e-9)
    assert kl(outside, inside, line) == (math.inf, 0.0)


def test_the_standard_error_of_a_grid_covers_its_error():
    for n in (20, 30, 40, 60):
        estimate = kl(P, Q, Grid([[-6, 6], [-6, 6]], n=n))
        assert abs(estimate.value - KL_PQ) <= estimate.stderr + 1e-4


def test_a_grid_that_misses_mass_is_refused_with_the_fix():
    with pytest.raises(ValueError, match=r"mass of p.*widen its box"):
        kl(P, Q, Grid([[-1, 1], [-1, 1]]))
    with pytest.raises(ValueError, match="mass of q"):
        jsd(P, Q, Grid([[-3.5, 3.5], [-3.5, 3.5]]))
    with pytest.raises(ValueError, match="more cells"):
        kl(normal([0.0], 0.001), normal([0.0], 1.0), Grid([[-10, 10]], n=100))


# --------------------------------------------------------------------------- two samples


def mmd2_of_gaussians(s, t, shift, d, h):
    """MMD² between N(0, s² I) and N(shift, t² I) in d dimensions."""

    def expected(variance, distance2=0.0):
        total = h * h + variance
        return (h * h / total) ** (d / 2) * math.exp(-distance2 / (2 * total))

    return expected(2 * s * s) + expected(2 * t * t) - 2 * expected(s * s + t * t, d * shift**2)


@pytest.mark.parametrize(("t", "shift"), [(1.0, 0.0), (1.0, 0.3), (1.5, 0.0), (1.0, 1.0)])
def test_mmd2_is_unbiased_and_knows_its_error(t, shift):
    rng = generator(0)
    found = [mmd2(draw(rng, 60), draw(rng, 90, 2, t, shift), bandwidth=0.8) for _ in range(400)]
    values, errors = torch.tensor(found, dtype=F64).unbind(1)
    truth = mmd2_of_gaussians(1.0, t, shift, 2, 0.8)
    assert abs(values.mean() - truth) < 4 * values.std() / 20
    assert 0.85 < errors.square().mean().sqrt() / values.std() < 1.35  # cautious, never bold


def test_mmd2_of_several_bandwidths_is_their_mean():
    rng = generator(1)
    x, y = draw(rng, 40), draw(rng, 50, shift=0.5)
    each = [mmd2(x, y, h).value for h in (0.5, 1.0, 2.0)]
    assert mmd2(x, y, [0.5, 1.0, 2.0]).value == pytest.approx(sum(each) / 3, abs=1e-12)
    assert mmd2(x, y).value == mmd2(x, y, median_bandwidth(x, y)).value


def test_mmd2_is_the_double_sum_whatever_the_chunks_and_far_from_the_origin():
    rng = generator(2)
    x, y = draw(rng, 600) + 1e4, draw(rng, 500, shift=0.5) + 1e4

    def k(a, b):
        return torch.exp(-(a[:, None] - b[None]).square().sum(-1) / (2 * 0.7**2))

    kxx, kyy = k(x, x).fill_diagonal_(0), k(y, y).fill_diagonal_(0)
    truth = kxx.sum() / (600 * 599) + kyy.sum() / (500 * 499) - 2 * k(x, y).mean()
    assert mmd2(x, y, 0.7).value == pytest.approx(truth.item(), abs=1e-10)


@pytest.mark.parametrize("bandwidth", [None, 0.5])
def test_the_level_of_the_permutation_test_is_exact(bandwidth):
    rng, trials, alpha = generator(3), 1000, 0.1
    p = torch.tensor(
        [mmd_test(draw(rng, 12), draw(rng, 8), bandwidth, 19, rng).value for _ in range(trials)]
    )
    rejected = (p <= alpha + 1e-6).float().mean().item()
    assert abs(rejected - alpha) < 4 * math.sqrt(alpha * (1 - alpha) / trials)


def test_the_permutation_test_has_power():
    rng = generator(4)
    rejections = sum(
        mmd_test(draw(rng, 100), draw(rng, 100, shift=0.6), generator=rng).value <= 0.05
        for _ in range(20)
    )
    assert rejections >= 19
    p = mmd_test(draw(rng, 100), draw(rng, 100, shift=3.0), permutations=99, generator=rng)
    assert p.value == 0.01  # the least there is: (1 + 0) / (1 + 99)


def test_ties_count_against_rejection():
    same = torch.zeros(10, 2)
    assert mmd_test(same, same).value == 1
    assert mmd2(same, same).value == pytest.approx(0, abs=1e-12)


# --------------------------------------------------------------------------- transport


def test_wasserstein_of_a_shift_is_the_shift():
    x = draw(generator(0), 200, d=3)
    c = torch.tensor([3.0, 0.0, 4.0], dtype=F64)
    assert wasserstein2(x, x + c) == pytest.approx((5.0, 0.0), abs=1e-9)
    assert wasserstein2(x, x).value == 0
    # On average over directions (u·c)² is |c|² / d.
    sliced = sliced_wasserstein(x, x + c, 4000, generator(1))
    assert abs(sliced.value - 5 / math.sqrt(3)) < 4 * sliced.stderr < 0.2


def test_in_one_dimension_both_distances_agree_with_scipy_like_sorting():
    rng = generator(1)
    x, y = draw(rng, 150, d=1), draw(rng, 150, d=1, sigma=2.0)
    truth = (x.sort(0).values - y.sort(0).values).square().mean().sqrt().item()
    assert wasserstein2(x, y).value == pytest.approx(truth, abs=1e-12)
    assert sliced_wasserstein(x, y, 3).value == pytest.approx(truth, abs=1e-12)


def test_unequal_sizes_are_as_good_as_repeating_the_samples():
    rng = generator(2)
    x, y = draw(rng, 12, d=2), draw(rng, 20, d=2, shift=1.0)
    unequal = sliced_wasserstein(x, y, 50, generator(3)).value
    repeated = x.repeat_interleave(5, 0), y.repeat_interleave(3, 0)
    assert unequal == pytest.approx(sliced_wasserstein(*repeated, 50, generator(3)).value)


def test_wasserstein_of_gaussians_approaches_the_closed_form():
    # W₂² = |shift|² + d (s - t)²; for such separate laws the bias at n = 1,000 is small.
    rng = generator(5)
    x, y = draw(rng, 1000, 1), draw(rng, 1000, 1, 2.0, 3.0)
    for estimate in (wasserstein2(x, y), sliced_wasserstein(x, y, 2)):
        assert abs(estimate.value - math.sqrt(10)) < 4 * estimate.stderr < 0.5


@pytest.mark.parametrize("shift", [0.0, 1.0])
@pytest.mark.parametrize("distance", [wasserstein2, sliced_wasserstein])
def test_errors_of_transport_cover_the_spread_over_seeds(distance, shift):
    rng = generator(6)
    found = [distance(draw(rng, 80), draw(rng, 80, 2, 1.5, shift)) for _ in range(80)]
    values, errors = torch.tensor(found, dtype=F64).unbind(1)
    assert 0.75 < errors.mean() / values.std() < 1.6  # cautious rather than bold


# --------------------------------------------------------------------------- modes


def ring(k=8, radius=2.0):
    angle = torch.arange(k, dtype=F64) * 2 * math.pi / k
    return radius * torch.stack([angle.cos(), angle.sin()], 1)


@pytest.mark.parametrize("seed", range(3))
def test_exact_samples_cover_the_ring(seed):
    rng, modes, sigma = generator(seed), ring(), 0.1
    which = torch.randint(8, (20_000,), generator=rng)
    found = coverage(modes[which] + sigma * draw(rng, 20_000), modes, sigma)
    share = found.high_quality
    assert found.modes == (8.0, 0.0)
    assert abs(share.value - (1 - math.exp(-4.5))) < 4 * share.stderr < 0.01
    some = which < 5
    assert coverage(modes[which[some]] + sigma * draw(rng, some.sum()), modes, sigma).modes[0] == 5


def test_coverage_counts_by_hand():
    modes = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    x = torch.tensor([[0.0, 0.29], [0.1, 0.0], [10.0, 0.31], [4.0, 0.0]])
    found = coverage(x, modes, 0.1)
    assert found.modes.value == 1 and found.high_quality.value == 0.5
    assert coverage(x, modes, torch.tensor([0.1, 0.2, 0.1])).modes.value == 2
    assert coverage(x, modes, 0.1, within=3.2).high_quality.value == 0.75
    assert coverage(x, modes, 0.1, within=3.2, at_least=2).modes.value == 1
    assert coverage(x + 100, modes, 0.1).modes == (0.0, 0.0)


def test_the_error_of_the_number_of_modes_covers_its_spread():
    rng, modes = generator(7), ring(40, 50.0)
    found = []
    for _ in range(300):
        x = modes[torch.randint(40, (80,), generator=rng)] + 0.1 * draw(rng, 80)
        found.append(coverage(x, modes, 0.1).modes)
    values, errors = torch.tensor(found, dtype=F64).unbind(1)
    assert 0.8 < errors.mean() / values.std() < 2


# --------------------------------------------------------------------------- bad inputs

GOOD = draw(generator(0), 30)
BAD = {
    "one sample": GOOD[:1],
    "none": GOOD[:0],
    "a vector": GOOD[:, 0],
    "nan": torch.where(GOOD > 1, math.nan, GOOD),
    "inf": torch.where(GOOD > 1, math.inf, GOOD),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
@pytest.mark.parametrize("metric", [mmd2, mmd_test, sliced_wasserstein, wasserstein2])
def test_bad_samples_are_named(metric, bad):
    with pytest.raises(ValueError, match="^x must"):
        metric(bad, GOOD)
    with pytest.raises(ValueError, match="^y must"):
        metric(GOOD, bad)
    with pytest.raises(ValueError, match="^y must have the dimension of x, 2, got 3"):
        metric(GOOD, torch.zeros(30, 3))


def test_other_bad_arguments_are_named():
    cases = {
        "bandwidth": [
            lambda: mmd2(GOOD, GOOD, -1.0),
            lambda: mmd_test(GOOD, GOOD, 0.0),
            lambda: mmd2(GOOD, GOOD, [1.0, math.nan]),
            lambda: mmd2(GOOD, GOOD, []),
        ],
        "permutations": [lambda: mmd_test(GOOD, GOOD, permutations=0)],
        "projections": [lambda: sliced_wasserstein(GOOD, GOOD, 0)],
        "y must hold as many": [lambda: wasserstein2(GOOD, GOOD[:20])],
        "x must hold at most": [lambda: wasserstein2(torch.zeros(2001, 1), torch.zeros(2001, 1))],
        "modes": [
            lambda: coverage(GOOD, torch.zeros(2, 3), 1.0),
            lambda: coverage(GOOD, ring()[0], 1.0),
        ],
        "scale": [
            lambda: coverage(GOOD, ring(), -0.1),
            lambda: coverage(GOOD, ring(), math.nan),
            lambda: coverage(GOOD, ring(), torch.ones(3)),
        ],
        "within": [lambda: coverage(GOOD, ring(), 0.1, within=0)],
        "at_least": [lambda: coverage(GOOD, ring(), 0.1, at_least=0)],
        "x must be finite": [
            lambda: coverage(BAD["nan"], ring(), 0.1),
            lambda: nll_gap(P, P, BAD["nan"]),
        ],
        "x must be samples": [lambda: nll_gap(normal([0.0], 1.0), uniform(0, 1), GOOD[:, :1])],
        "x must hold at least two": [lambda: nll_gap(P, P, GOOD[0])],
        "model.log_prob must return one": [lambda: nll_gap(Normal(0.0, 1.0), P, GOOD)],
    }
    for message, calls in cases.items():
        for call in calls:
            with pytest.raises(ValueError, match=message):
                call()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_any_dtype_and_no_gradient_is_kept(dtype):
    x = GOOD.to(dtype).requires_grad_()
    y = (GOOD + 1).to(dtype)
    exact = x.detach().double(), y.double()
    for metric in (mmd2, wasserstein2):
        assert metric(x, y) == metric(*exact)
    model = MultivariateNormal(torch.zeros(2, requires_grad=True), torch.eye(2))
    gap = nll_gap(model, P, x.float())
    assert all(isinstance(number, float) for number in (*gap, *coverage(x, ring(), 0.5).modes))


def test_the_global_generator_is_not_touched_when_one_is_given():
    before = torch.get_rng_state()
    mmd_test(GOOD, GOOD, generator=generator(0))
    sliced_wasserstein(GOOD, GOOD, generator=generator(0))
    mmd2(GOOD, GOOD)
    assert torch.equal(before, torch.get_rng_state())
    assert sliced_wasserstein(GOOD, GOOD + 1, 9, generator(5)) == sliced_wasserstein(
        GOOD, GOOD + 1, 9, generator(5)
    )
