"""The metrics of densities, nll_gap, kl and jsd, against closed forms."""

import math

import pytest
import torch

from dgm_lib.core import Grid, generator
from dgm_lib.metrics import jsd, kl, nll_gap
from tests.samples import P, draw, normal, uniform

Q = normal([1.0, -0.5], 1.5)
KL_PQ = 2 * math.log(1.5) + (2 + 1.25) / (2 * 1.5**2) - 1
KL_QP = -2 * math.log(1.5) + (2 * 1.5**2 + 1.25) / 2 - 1


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
