"""The quantised laws: their table against exact integrals, and all that follows from the table."""

import math
from functools import cache

import pytest
import torch
from scipy import integrate, stats

from dgm_lib import targets
from dgm_lib.core import Density, generator
from tests.laws import DOUBLE, FAMILIES, double

every = pytest.mark.parametrize("name", FAMILIES)


@cache
def law(name):
    """The law of the gallery on 16 levels."""
    return targets.quantised(double(name), 16)


def by_cdf(P):
    """The table of a mixture of Gaussians, from the normal CDF."""
    mixture = P.target.to(dtype=DOUBLE)
    corners = P.place(torch.arange(P.levels + 1, dtype=DOUBLE)[:, None].expand(-1, P.d))
    z = (corners[:, None] - mixture.means) / mixture.scales[:, None]
    # Each difference from the nearer tail, which is precise there.
    low, high = torch.where(z[:-1] > 0, -z[1:], z[:-1]), torch.where(z[:-1] > 0, -z[:-1], z[1:])
    sides = torch.special.ndtr(high) - torch.special.ndtr(low)
    axes = [sides[..., i] for i in range(P.d)]
    table = torch.einsum("ik,jk,k->ij" if P.d == 2 else "ik,k->i", *axes, mixture.weights)
    return table / table.sum()


MIXTURES = [name for name in FAMILIES if isinstance(double(name), targets.GaussianMixture)]


@pytest.mark.parametrize("levels", [1, 2, 5, 16, 128])
@pytest.mark.parametrize("name", ["ring", "two_modes", "moons"])
def test_a_mixtures_table_is_exact(name, levels):
    P = targets.quantised(double(name), levels)
    assert P.table.shape == (levels,) * P.d and P.table.sum().item() == pytest.approx(1, abs=1e-12)
    assert (P.table - by_cdf(P)).abs().max() < max(P.error, 1e-14) and P.error < 1e-10


@every
def test_every_table_is_exact_to_the_error_it_states(name):
    P = law(name)
    assert P.error < 1e-10 and P.entropy.stderr < 1e-8
    assert P.table.sum().item() == pytest.approx(1, abs=1e-12) and (P.table >= 0).all()
    if name in MIXTURES:
        assert (P.table - by_cdf(P)).abs().max() < 1e-12
    if P.d == 2:  # two cells by an adaptive rule, the heaviest and a middling one
        order = P.table.flatten().argsort(descending=True)
        for k in (0, len(order) // 4):
            i, j = divmod(order[k].item(), P.levels)
            (a, c), (b, d) = P.place(torch.tensor([[i, j], [i + 1, j + 1]], dtype=DOUBLE)).tolist()
            truth, _ = integrate.dblquad(
                lambda x2, x1: P.target.log_prob(torch.tensor([x1, x2]).double()).exp().item(),
                *(a, b, c, d),
                epsabs=1e-7,
                epsrel=1e-5,
            )
            assert P.table[i, j].item() == pytest.approx(truth, rel=2e-4, abs=1e-6)


def test_a_narrow_target_states_its_error_or_is_refused():
    P = targets.quantised(targets.ring(scale=0.005), 4)
    assert (P.table - by_cdf(P)).abs().max() < P.error
    assert abs(P.entropy - torch.special.entr(by_cdf(P)).sum()) < P.entropy.stderr
    with pytest.raises(ValueError, match="target must be wide enough"):
        targets.quantised(targets.ring(scale=0.0005), 4)


@every
def test_samples_of_the_target_fall_in_the_cells_as_often_as_the_table_says(name):
    P, n = law(name), 40_000
    for seed in range(2):
        for y in (
            P.quantise(P.target.sample((n,), generator(seed))),
            P.sample((n,), generator(seed + 10)),
        ):
            flat = y[:, 0] if P.d == 1 else y[:, 0] * P.levels + y[:, 1]
            counts = flat.bincount(minlength=P.table.numel()).double()
            expected = n * P.table.flatten()
            large = expected > 5
            chi2 = ((counts - expected)[large] ** 2 / expected[large]).sum().item()
            assert stats.chi2.sf(chi2, large.sum().item()) > 3e-5  # four standard errors
            assert abs(counts[~large].sum() - expected[~large].sum()) < 4 * math.sqrt(n * 0.01)


@every
def test_entropy_is_that_of_the_table(name):
    P = law(name)
    assert P.entropy.how.startswith("table")
    every_cell = torch.cartesian_prod(*[torch.arange(P.levels)] * P.d).reshape(-1, P.d).double()
    log_p = P.log_prob(every_cell)
    torch.testing.assert_close(log_p.exp(), P.table.flatten(), rtol=1e-12, atol=1e-300)
    seen = log_p > -math.inf
    assert -(log_p.exp() * log_p)[seen].sum().item() == pytest.approx(P.entropy, abs=1e-12)


@pytest.mark.parametrize("name", ["ring", "pinwheel", "banana", "funnel", "two_modes"])
def test_entropy_tends_to_the_continuous_one(name):
    P, fine = law(name), targets.quantised(double(name), 64)
    continuous = fine.entropy + fine.width.log().sum().item()
    # Within a cell the density varies by less the more cells there are.
    coarse_gap = P.entropy + P.width.log().sum().item() - P.target.entropy
    assert continuous == pytest.approx(P.target.entropy, abs=0.1)
    assert abs(continuous - P.target.entropy) < 0.3 * abs(coarse_gap) + 1e-3


def test_log_prob_follows_y_and_is_minus_infinity_off_the_cells():
    P = law("ring")
    y = P.sample((3, 4), generator(0))
    assert y.dtype == torch.long and y.shape == (3, 4, 2) and isinstance(P, Density)
    assert P.log_prob(y).shape == (3, 4) and P.log_prob(y).dtype == torch.float32
    torch.testing.assert_close(P.log_prob(y.double()), P.log_prob(y).double(), rtol=1e-6, atol=0)
    truth = P.table[y[..., 0], y[..., 1]].log()
    torch.testing.assert_close(P.log_prob(y.double()), truth)
    bad = torch.tensor([[-1.0, 0.0], [0.0, 16.0], [0.5, 3.0], [math.nan, 3.0], [math.inf, 3.0]])
    assert (P.log_prob(bad) == -math.inf).all()
    assert P.log_prob(torch.zeros(0, 2)).shape == (0,)
    # far below the smallest float32
    tiny = law("checkerboard").table.argmin().item()
    assert law("checkerboard").log_prob(torch.tensor(divmod(tiny, 16))) < -120


@every
def test_cells_and_places_are_each_others_inverse(name):
    P = law(name)
    y = P.sample((50,), generator(0))
    u = torch.rand(50, P.d, generator=generator(1), dtype=DOUBLE)
    assert torch.equal(P.quantise(P.place(y + u)), y)
    corners = torch.tensor([[0.0] * P.d, [16.0] * P.d], dtype=DOUBLE)
    torch.testing.assert_close(P.place(corners), P.box.T)
    far = torch.full((P.d,), 1e6)
    assert (P.quantise(far) == 15).all() and (P.quantise(-far) == 0).all()


@pytest.mark.parametrize("shape", [(), (0,), (2, 3), 5])
def test_sample_shapes(shape):
    P = law("two_modes")
    y = P.sample(shape, generator(0))
    assert y.shape == (*((shape,) if isinstance(shape, int) else shape), 1)
    assert torch.equal(y, P.sample(shape, generator(0)))


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="target must be a law in 1D or 2D"):
        targets.quantised(targets.GaussianMixture(torch.zeros(1, 3)), 4)
    for levels in (0, 2.5, 1000):
        with pytest.raises(ValueError, match="levels must be an integer"):
            targets.quantised(targets.ring(), levels)
    with pytest.raises(ValueError, match=r"y must have shape \(\*batch, 2\)"):
        law("ring").log_prob(torch.zeros(3))
    with pytest.raises(ValueError, match=r"x must have shape \(\*batch, 2\)"):
        law("ring").quantise(torch.zeros(3, 1))
    assert repr(law("ring")).startswith("quantised(ring(modes=8")


def test_nan_has_no_cell():
    P = targets.quantised(targets.two_modes(), levels=4)
    with pytest.raises(ValueError, match="x must hold numbers, got NaN"):
        P.quantise(torch.tensor([math.nan]))
    assert P.quantise(torch.tensor([[-math.inf], [math.inf]])).tolist() == [[0], [3]]
