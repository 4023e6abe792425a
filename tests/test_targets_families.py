"""What is particular to a family of targets."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from dgm_lib import targets
from dgm_lib.core import generator
from dgm_lib.targets import GALLERY
from tests.laws import ALL, DOUBLE, FAMILIES


def test_closed_form_entropies():
    one_gaussian = 1 + math.log(2 * math.pi)
    assert targets.ring(1, scale=0.3).entropy == pytest.approx(one_gaussian + 2 * math.log(0.3))
    assert targets.banana(0.7, scale=2.0).entropy == pytest.approx(one_gaussian + math.log(2))
    assert targets.funnel(3.0, d=4).entropy == pytest.approx(2 * one_gaussian + math.log(3))
    far_apart = targets.grid(3, spacing=10.0, scale=0.2).entropy
    assert far_apart == pytest.approx(math.log(9) + one_gaussian + 2 * math.log(0.2), abs=1e-6)
    assert targets.checkerboard(scale=1e-3).entropy == pytest.approx(math.log(18), abs=0.01)


def test_entropy_in_many_dimensions_is_an_honest_estimate():
    entropy = targets.GaussianMixture(20 * torch.eye(6), 1.0).entropy
    truth = math.log(6) + 3 * (1 + math.log(2 * math.pi))
    assert "Monte Carlo" in entropy.how and abs(entropy - truth) < 4 * entropy.stderr


def test_funnel_and_banana_are_what_they_say():
    x = torch.randn(20, 4, generator=generator(0), dtype=DOUBLE)
    v, rest = x[:, 0], x[:, 1:]
    normal = torch.distributions.Normal
    expected = normal(0, 2).log_prob(v) + normal(0, (v / 2).exp()[:, None]).log_prob(rest).sum(1)
    assert torch.allclose(targets.funnel(2.0, d=4).log_prob(x), expected)
    bend = 0.4 * (x[:, 0].square() - 2.25)
    expected = normal(0, 1.5).log_prob(x[:, 0]) + normal(bend, 1).log_prob(x[:, 1])
    assert torch.allclose(targets.banana(0.4, 1.5).log_prob(x[:, :2]), expected)


def test_drawn_accepts_what_a_pad_sends_and_thins_evenly():
    line = np.linspace([-2, 0], [2, 1], 1001)
    for points in (line, line.tolist(), torch.from_numpy(line)):
        means = targets.drawn(points).to(dtype=DOUBLE).means
        assert len(means) == 300
        assert np.allclose(means[[0, -1]], line[[0, -1]], atol=0)
        assert means.diff(dim=0).norm(dim=1).max() < 2 * means.diff(dim=0).norm(dim=1).min()
    exact = [[0.1, 1 / 3]]
    assert targets.drawn(exact).to(dtype=DOUBLE).means.tolist() == exact
    assert targets.drawn(exact).labels is None


def test_labels_have_a_meaning():
    assert [len(GALLERY[n].labels) for n in ("ring", "grid", "moons", "spiral")] == [8, 25, 2, 2]
    assert [len(GALLERY[n].labels) for n in ("pinwheel", "checkerboard", "two_modes")] == [5, 8, 2]
    assert all(GALLERY[n].labels is None for n in ("banana", "funnel", "drawn"))
    assert GALLERY["ring"].mode_scale == 0.2 and GALLERY["banana"].mode_scale is None


def test_gallery_is_lazy_and_complete():
    shapes = "ring grid moons pinwheel spiral checkerboard"
    assert FAMILIES == f"{shapes} banana funnel two_modes drawn".split()
    assert GALLERY["ring"] is GALLERY["ring"] and len(GALLERY) == 10
    assert [GALLERY[name].name for name in GALLERY] == FAMILIES
    with pytest.raises(KeyError, match="there are ring, grid"):
        GALLERY["rings"]


def test_repr_is_short():
    assert repr(targets.ring()) == "ring(modes=8, radius=2, scale=0.2)"
    assert repr(targets.drawn(torch.zeros(7, 2))) == "drawn(points=7, scale=0.25)"
    assert all(len(repr(p)) < 80 for p in ALL.values())


@pytest.mark.parametrize("family, spare", [("moons", 0.00472), ("spiral", 0.0143)])
def test_a_chain_is_smooth_or_the_scale_is_refused(family, spare):
    build = getattr(targets, family)
    with pytest.raises(ValueError, match="^scale must be at least .* components") as error:
        build(scale=0.001)
    smallest = float(str(error.value).split()[5])
    assert smallest == pytest.approx(spare, rel=0.01)
    build(scale=smallest)
    with pytest.raises(ValueError, match="^scale must"):
        build(scale=0.999 * smallest)
    assert len(build(scale=0.001, components=50).means) == 100  # what was asked for


@pytest.mark.parametrize("cells, scale", [(3, 0.5), (4, 0.4), (1, 1.0)])
def test_the_board_is_curved_in_the_middles_of_its_squares(cells, scale):
    p = targets.checkerboard(cells, scale).to(dtype=DOUBLE)
    middle = torch.full((2,), p.side * ((cells - 1) // 2 - (cells - 1) / 2), dtype=DOUBLE)
    step = 1e-4 * torch.eye(2, dtype=DOUBLE)
    slopes = (p.score(middle + step) - p.score(middle - step)) / 2e-4
    hessian = torch.func.jacrev(torch.func.grad(p.log_prob))(middle)
    assert torch.allclose(hessian, slopes, atol=1e-6)
    if (cells, scale) == (3, 0.5):
        assert slopes[0, 0].item() == pytest.approx(-0.86, abs=0.001)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_the_board_in_half_precision(dtype):
    p, x = GALLERY["checkerboard"], GALLERY["checkerboard"].sample(200, generator(0)).to(dtype)
    assert p.log_prob(x).dtype == p.score(x).dtype == dtype
    assert torch.allclose(p.log_prob(x).float(), p.log_prob(x.float()), rtol=0.02, atol=0.02)
