"""MMD² against its closed form, and the permutation test against its level and power."""

import math

import pytest
import torch

from dgm_lib.core import generator
from dgm_lib.metrics import median_bandwidth, mmd2, mmd_test
from tests.samples import F64, draw


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
