"""Coverage: the modes found and the share of good samples, by hand and over seeds."""

import math

import pytest
import torch

from dgm_lib.core import generator
from dgm_lib.metrics import coverage
from tests.samples import F64, draw, ring


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


def shares(n, share, times):
    """The shares that coverage finds where so many of n samples are good, and their errors."""
    rng, found = generator(8), []
    for _ in range(times):
        x = torch.where(torch.rand(n, 1, generator=rng) < share, 0.0, 9.0).expand(n, 2)
        found.append(coverage(x, torch.zeros(1, 2), 1.0).high_quality)
    return torch.tensor(found, dtype=F64).unbind(1)


@pytest.mark.parametrize(("n", "share"), [(20, 0.5), (500, 0.5), (500, 0.9)])
def test_the_error_of_the_share_is_its_spread(n, share):
    values, errors = shares(n, share, 300)
    assert 0.8 < errors.square().mean().sqrt() / values.std() < 1.2


@pytest.mark.parametrize("share", [0.0, 0.02, 0.98, 1.0])
def test_the_error_of_the_share_is_not_zero_where_all_samples_are_alike(share):
    values, errors = shares(20, share, 100)
    assert ((values - share).abs() < 4 * errors).all() and errors.max() < 0.15


def test_the_error_of_the_number_of_modes_covers_its_spread():
    rng, modes = generator(7), ring(40, 50.0)
    found = []
    for _ in range(300):
        x = modes[torch.randint(40, (80,), generator=rng)] + 0.1 * draw(rng, 80)
        found.append(coverage(x, modes, 0.1).modes)
    values, errors = torch.tensor(found, dtype=F64).unbind(1)
    assert 0.8 < errors.mean() / values.std() < 2
