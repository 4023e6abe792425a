"""The distances of transport against closed forms, and their errors against the spread."""

import math

import pytest
import torch

from dgm_lib.core import generator
from dgm_lib.metrics import sliced_wasserstein, wasserstein2
from tests.samples import F64, draw


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


def two_modes(rng, n):
    """A sample of two narrow modes six apart, (n, 2)."""
    side = torch.randint(2, (n, 1), generator=rng, dtype=F64) * 6
    return draw(rng, n, sigma=0.3) + side * torch.tensor([1.0, 0.0], dtype=F64)


@pytest.mark.parametrize("distance", [wasserstein2, sliced_wasserstein])
def test_errors_of_transport_are_right_between_laws_and_cautious_within_one(distance):
    rng = generator(7)
    pairs = {
        "apart": [(draw(rng, 100), draw(rng, 100, shift=1.0)) for _ in range(100)],
        "two modes": [(two_modes(rng, 100), two_modes(rng, 100)) for _ in range(100)],
    }
    ratio = {}
    for name, both in pairs.items():
        found = torch.tensor([distance(x, y) for x, y in both], dtype=F64)
        values, errors = found.unbind(1)
        ratio[name] = errors.square().mean().sqrt() / values.std()
    # The spread of a hundred is known to 7 %, four times which is allowed on either side.
    assert 0.72 < ratio["apart"] < 1.28
    assert 0.9 < ratio["two modes"] < 2.3
