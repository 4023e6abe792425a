"""What the metrics are handed: bad samples are named, and any dtype and generator is respected."""

import math

import pytest
import torch
from torch.distributions import MultivariateNormal, Normal

from dgm_lib.core import Grid, generator
from dgm_lib.metrics import (
    coverage,
    jsd,
    kl,
    mmd2,
    mmd_test,
    nll_gap,
    sliced_wasserstein,
    wasserstein2,
)
from tests.samples import P, draw, normal, ring, uniform

GOOD = draw(generator(0), 30)
GRID = Grid([[-8, 8], [-8, 8]], n=50)
WRONG_COUNTS = (0, 2.5, math.nan, True, "a")
BAD = {
    "one sample": GOOD[:1],
    "none": GOOD[:0],
    "a vector": GOOD[:, 0],
    "nan": torch.where(GOOD > 1, math.nan, GOOD),
    "inf": torch.where(GOOD > 1, math.inf, GOOD),
    "nothing": None,
    "text": "a",
    "ragged": [[1.0, 2.0], [3.0]],
    "complex": GOOD.to(torch.complex128),
    "complex numbers": [[1j, 0.0]] * 3,
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
            lambda: mmd2(GOOD, GOOD, "a"),
        ],
        "permutations": [lambda k=k: mmd_test(GOOD, GOOD, None, k) for k in WRONG_COUNTS],
        "projections": [lambda k=k: sliced_wasserstein(GOOD, GOOD, k) for k in WRONG_COUNTS],
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
            lambda: coverage(GOOD, ring(), "a"),
        ],
        "within": [lambda w=w: coverage(GOOD, ring(), 0.1, within=w) for w in (0, math.nan, "a")],
        "at_least": [lambda k=k: coverage(GOOD, ring(), 0.1, at_least=k) for k in WRONG_COUNTS],
        "grid must be a Grid": [lambda: kl(P, P, None), lambda: jsd(P, P, GOOD)],
        "p must be a density": [lambda: kl(None, P, GRID), lambda: jsd(None, P, GRID)],
        "q must be a density": [lambda: kl(P, None, GRID), lambda: jsd(P, "q", GRID)],
        "model must be a density": [lambda: nll_gap(None, P, GOOD)],
        "x must be a tensor of numbers": [lambda b=b: nll_gap(P, P, b) for b in (None, [[1], []])],
        "x must be finite": [
            lambda: coverage(BAD["nan"], ring(), 0.1),
            lambda: nll_gap(P, P, BAD["nan"]),
        ],
        "x must be samples": [lambda: nll_gap(normal([0.0], 1.0), uniform(0, 1), GOOD[:, :1])],
        "x must hold at least two": [
            lambda: nll_gap(P, P, GOOD[0]),
            lambda: nll_gap(P, P, torch.zeros(5, 0)),
        ],
        "model.log_prob must return one": [lambda: nll_gap(Normal(0.0, 1.0), P, GOOD)],
    }
    for message, calls in cases.items():
        for call in calls:
            with pytest.raises(ValueError, match=message):
                call()


def test_plain_lists_are_as_good_as_tensors():
    x, y = GOOD.tolist(), (GOOD + 1).tolist()
    assert nll_gap(normal([1.0, 0.0], 1.0), P, x) == nll_gap(normal([1.0, 0.0], 1.0), P, GOOD)
    assert mmd2(x, y) == mmd2(GOOD, GOOD + 1)


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
