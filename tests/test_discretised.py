"""The discretised mixture of logistics: its bins against exact arithmetic, far into the tails."""

import decimal
import math
from decimal import Decimal
from itertools import pairwise

import pytest
import torch

from dgm_lib.core import generator
from dgm_lib.models.discretised import DiscretisedLogistics

DOUBLE = torch.float64
HALF = Decimal("0.5")


@pytest.fixture(autouse=True)
def sixty_digits():
    with decimal.localcontext(prec=60):
        yield


def parameters(batch=(), components=3, levels=16, seed=0, spread=1.5):
    """Random logits, mu and log_s, in double precision."""
    rng = generator(seed)
    logits, where, log_s = torch.randn(3, *batch, components, generator=rng, dtype=DOUBLE)
    return 2 * logits, levels * (0.5 + 0.5 * where), spread * log_s


def exact_bins(mu, log_s, levels):
    """P(y) of one logistic for every y, in 60 digits."""
    mu, s = Decimal(mu), Decimal(log_s).exp()
    inner = [1 / (1 + (-(Decimal(y) + HALF - mu) / s).exp()) for y in range(levels - 1)]
    cdf = [Decimal(0), *inner, Decimal(1)]
    return [high - low for low, high in pairwise(cdf)]


def exact_logs(mu, log_s, levels, y):
    """log P(y) of one logistic by products, as 60 digits are too few for differences far out."""
    s, a = Decimal(log_s).exp(), y - Decimal(mu)
    total = Decimal(0)
    if y < levels - 1:
        total -= (1 + (-(a + HALF) / s).exp()).ln()
    if y > 0:
        total -= (1 + ((a - HALF) / s).exp()).ln()
    if 0 < y < levels - 1:
        total += (1 - (-1 / s).exp()).ln()
    return float(total)


@pytest.mark.parametrize("levels", [1, 2, 3, 17, 256])
@pytest.mark.parametrize("components", [1, 5])
def test_bins_sum_to_one(levels, components):
    for seed in range(5):
        law = DiscretisedLogistics(*parameters((4, 7), components, levels, seed, 3.0), levels)
        p = law.probabilities()
        assert p.shape == (4, 7, levels) and (p >= 0).all()
        assert (p.sum(-1) - 1).abs().max() < 1e-12


@pytest.mark.parametrize("seed", range(4))
def test_every_bin_is_the_difference_of_two_cdfs(seed):
    levels, (logits, mu, log_s) = 12, parameters((), 3, 12, seed)
    weights = [Decimal(a).exp() for a in logits.tolist()]
    bins = [exact_bins(m, s, levels) for m, s in zip(mu.tolist(), log_s.tolist())]
    truth = [sum(w * p for w, p in zip(weights, column)) for column in zip(*bins)]
    truth = torch.tensor([float((p / sum(weights)).ln()) for p in truth], dtype=DOUBLE)
    found = DiscretisedLogistics(logits, mu, log_s, levels).log_prob(torch.arange(levels))
    torch.testing.assert_close(found, truth, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("log_s", [-7.0, -2.0, 0.0, 6.0])
@pytest.mark.parametrize("mu", [-500.0, 3.25, 128.5, 900.0])
def test_the_tails_are_exact_where_a_difference_of_cdfs_would_be_zero(mu, log_s):
    y = torch.tensor([0, 1, 3, 4, 127, 128, 254, 255])
    truth = torch.tensor([exact_logs(mu, log_s, 256, k) for k in y.tolist()], dtype=DOUBLE)
    for dtype, rtol, atol in ((DOUBLE, 1e-12, 1e-14), (torch.float32, 1e-4, 1e-7)):
        settings = (torch.tensor([number], dtype=dtype) for number in (0.0, mu, log_s))
        found = DiscretisedLogistics(*settings, 256).log_prob(y)
        torch.testing.assert_close(found.double(), truth, rtol=rtol, atol=atol)


@pytest.mark.parametrize("dtype", [torch.float32, DOUBLE])
@pytest.mark.parametrize("log_s", [-1e4, -90.0, -20.0, 0.0, 20.0, 90.0, 1e4])
def test_nothing_overflows_and_no_gradient_is_nan(log_s, dtype):
    mu = torch.tensor([[-1e4, 0.0], [0.5, 255.0], [128.0, 128.5], [1e4, 77.0]], dtype=dtype)
    leaves = [torch.zeros_like(mu), mu, torch.full_like(mu, log_s)]
    for leaf in leaves:
        leaf.requires_grad_()
    law = DiscretisedLogistics(*leaves, 256)
    y = torch.tensor([0, 1, 128, 254, 255])[:, None]
    log_p = law.log_prob(y)
    assert log_p.shape == (5, 4) and log_p.isfinite().all() and (log_p <= 0).all()
    log_p.sum().backward()
    assert all(leaf.grad.isfinite().all() for leaf in leaves)


def test_a_component_switched_off_leaves_the_others_and_their_gradients():
    logits, mu, log_s = parameters((), 3)
    off = logits.clone()
    off[1] = -math.inf
    off.requires_grad_()
    kept = [0, 2]
    y = torch.arange(16)
    log_p = DiscretisedLogistics(off, mu, log_s, 16).log_prob(y)
    two = DiscretisedLogistics(logits[kept], mu[kept], log_s[kept], 16)
    torch.testing.assert_close(log_p, two.log_prob(y))
    log_p.sum().backward()
    assert off.grad.isfinite().all()


def test_gradients_are_those_of_finite_differences():
    settings = [p.requires_grad_() for p in parameters((4,), 2, 8)]
    y = torch.tensor([0, 3, 5, 7])

    def log_prob(*settings):
        return DiscretisedLogistics(*settings, 8).log_prob(y)

    assert torch.autograd.gradcheck(log_prob, settings)
    assert torch.autograd.gradgradcheck(log_prob, settings)


def test_it_lives_in_torch_func_and_on_meta():
    settings, y = parameters((6,), 2, 8), torch.arange(6)

    def log_prob(logits, mu, log_s, y):
        return DiscretisedLogistics(logits, mu, log_s, 8).log_prob(y)

    whole = log_prob(*settings, y)
    torch.testing.assert_close(torch.func.vmap(log_prob)(*settings, y), whole)
    slope = torch.func.vmap(torch.func.grad(log_prob, argnums=1))(*settings, y)
    leaf = settings[1].clone().requires_grad_()
    (truth,) = torch.autograd.grad(log_prob(settings[0], leaf, settings[2], y).sum(), leaf)
    torch.testing.assert_close(slope, truth)
    law = DiscretisedLogistics(*(p.to("meta") for p in settings), 8)
    assert law.log_prob(y.to("meta")).shape == (6,) and law.log_prob(y.to("meta")).is_meta
    assert law.probabilities().shape == (6, 8)
    assert law.sample((3,)).shape == (3, 6)


def test_what_is_not_a_level_has_no_probability():
    law = DiscretisedLogistics(*parameters(), 16)
    bad = torch.tensor([-1.0, 16.0, 2.5, -math.inf, math.inf, math.nan], dtype=DOUBLE)
    assert (law.log_prob(bad) == -math.inf).all()
    whole = torch.arange(16)
    torch.testing.assert_close(law.log_prob(whole), law.log_prob(whole.double()))


@pytest.mark.parametrize("seed", range(3))
def test_samples_come_as_often_as_they_should(seed):
    n, levels = 40_000, 9
    law = DiscretisedLogistics(*parameters((2,), 3, levels, seed), levels)
    y = law.sample((n,), generator(seed))
    assert y.shape == (n, 2) and y.dtype == torch.long
    shares = torch.nn.functional.one_hot(y, levels).double().mean(0)
    p = law.probabilities()
    stderr = (p * (1 - p) / n).sqrt() + 1 / n
    assert ((shares - p).abs() < 4.5 * stderr).all()
    assert torch.equal(y, law.sample((n,), generator(seed)))
    assert not law.sample((2,)).requires_grad and law.sample().shape == (2,)


def test_samples_of_a_narrow_law_stay_on_its_level():
    law = DiscretisedLogistics(torch.zeros(1), torch.tensor([200.2]), torch.tensor([-60.0]), 256)
    assert (law.sample((100_000,), generator(0)) == 200).all()


@pytest.mark.parametrize("batch", [(), (0,), (2, 3)])
def test_batches(batch):
    law = DiscretisedLogistics(*parameters(batch), 16)
    y = law.sample((5,), generator(0))
    assert y.shape == (5, *batch) and law.log_prob(y).shape == (5, *batch)
    assert law.log_prob(torch.tensor(3)).shape == batch
    assert law.probabilities().shape == (*batch, 16)


def test_wrong_arguments_are_named():
    logits, mu, log_s = parameters((4,))
    with pytest.raises(ValueError, match="one shape"):
        DiscretisedLogistics(logits, mu[:3], log_s, 16)
    with pytest.raises(ValueError, match=r"shape \(\*batch, K\)"):
        DiscretisedLogistics(torch.tensor(0.0), torch.tensor(0.0), torch.tensor(0.0), 16)
    with pytest.raises(ValueError, match="levels must be an integer"):
        DiscretisedLogistics(logits, mu, log_s, 0)


def test_a_shape_may_be_an_integer():
    zero = torch.zeros(4, 2)
    law = DiscretisedLogistics(logits=zero, mu=zero, log_s=zero, levels=3)
    assert law.sample(5).shape == (5, 4)
    with pytest.raises(ValueError, match="shape must be an integer"):
        law.sample(-1)
