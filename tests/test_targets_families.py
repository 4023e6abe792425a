"""What is particular to a family of targets, and what each says to bad arguments."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from dgm_lib import targets
from dgm_lib.core import generator
from dgm_lib.targets import GALLERY
from tests.laws import ALL, DOUBLE, FAMILIES, INF, NAN


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


# --------------------------------------------------------------------------- bad arguments

BAD_SCALES = [0, -1.0, NAN, INF, "wide", None]
SCALED = [name for name in FAMILIES if name != "drawn"]


@pytest.mark.parametrize("family", SCALED)
@pytest.mark.parametrize("scale", BAD_SCALES)
def test_bad_scale(family, scale):
    with pytest.raises(ValueError, match="^scale must"):
        getattr(targets, family)(scale=scale)


@pytest.mark.parametrize(
    "build, name",
    [
        (lambda: targets.ring(0), "modes"),
        (lambda: targets.ring(-3), "modes"),
        (lambda: targets.ring(2.5), "modes"),
        (lambda: targets.ring(True), "modes"),
        (lambda: targets.ring(radius=0), "radius"),
        (lambda: targets.grid(side=0), "side"),
        (lambda: targets.grid(spacing=NAN), "spacing"),
        (lambda: targets.moons(components=0), "components"),
        (lambda: targets.spiral(arms=0), "arms"),
        (lambda: targets.spiral(turns=-1), "turns"),
        (lambda: targets.pinwheel(arms=1.5), "arms"),
        (lambda: targets.pinwheel(length=0), "length"),
        (lambda: targets.pinwheel(twist=INF), "twist"),
        (lambda: targets.checkerboard(cells=0), "cells"),
        (lambda: targets.checkerboard(size=-6), "size"),
        (lambda: targets.banana(curvature=NAN), "curvature"),
        (lambda: targets.funnel(d=1), "d"),
        (lambda: targets.two_modes(weights=[0.5, 0.6]), "weights"),
        (lambda: targets.two_modes(weights=[-0.5, 1.5]), "weights"),
        (lambda: targets.two_modes(weights=[1.0]), "weights"),
        (lambda: targets.two_modes(means=[0.0]), "means"),
        (lambda: targets.two_modes(scale=[1.0, 2.0, 3.0]), "scale"),
        (lambda: targets.drawn([]), "points"),
        (lambda: targets.drawn([[1.0, 2.0, 3.0]]), "points"),
        (lambda: targets.drawn([[NAN, 0.0]]), "points"),
        (lambda: targets.drawn([0.0, 1.0]), "points"),
        (lambda: targets.drawn("points"), "points"),
        (lambda: targets.drawn([[0.0, 1.0]], scale=0), "scale"),
        (lambda: targets.drawn([[0.0, 1.0]], weights=[0.5, 0.5]), "weights"),
        (lambda: targets.GaussianMixture([[0.0], [1.0]], labels=[0, 2]), "labels"),
        (lambda: targets.GaussianMixture([[0.0], [1.0]], labels=[0]), "labels"),
        (lambda: targets.ring().log_prob(torch.zeros(5, 3)), "x"),
        (lambda: targets.ring().log_prob(torch.zeros(())), "x"),
        (lambda: targets.two_modes().score(torch.zeros(5)), "x"),
        (lambda: targets.ring().posterior(torch.zeros(5)), "x"),
        (lambda: targets.ring().log_prob(torch.zeros(5, 2, dtype=torch.long)), "x"),
        (lambda: targets.ring().log_prob(torch.zeros(2), 8), "label"),
        (lambda: targets.ring().score(torch.zeros(2), -1), "label"),
        (lambda: targets.ring().sample(5, label=torch.tensor([0, 1, 2, 3, 9])), "label"),
        (lambda: targets.ring().sample((), label=torch.tensor([0, 1])), "shape"),
        (lambda: targets.ring().sample(5, label=torch.tensor([0, 1])), "label"),
        (lambda: targets.ring().log_prob(torch.zeros(5, 2), torch.tensor([0, 1])), "label"),
        (lambda: targets.ring().log_prob(torch.zeros(2), 1.5), "label"),
        (lambda: targets.banana().log_prob(torch.zeros(2), 0), "label"),
        (lambda: targets.funnel().sample(3, label=0), "label"),
        (lambda: targets.banana().posterior(torch.zeros(2)), "label"),
        (lambda: targets.drawn([[0.0, 1.0]]).sample_labelled(3), "label"),
        (lambda: targets.ring().sample(-1), "shape"),
        (lambda: targets.ring().sample((2, -1)), "shape"),
        (lambda: targets.ring().sample(2.0), "shape"),
        (lambda: targets.ring().to(dtype=torch.long), "dtype"),
    ],
)
def test_bad_argument_is_named(build, name):
    with pytest.raises(ValueError, match=f"^{name} must"):
        build()


def test_wrong_dimension_says_expected_and_got():
    with pytest.raises(ValueError, match=r"\(\*batch, 2\), got \(5, 3\)"):
        targets.ring().log_prob(torch.zeros(5, 3))
    assert targets.ring().log_prob(torch.zeros(2)).shape == ()  # one point of the plane
