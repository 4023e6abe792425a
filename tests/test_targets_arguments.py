"""What the targets say to bad arguments, and which odd ones they take."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dgm_lib import targets
from tests.laws import FAMILIES, INF, NAN

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


NOT_NUMBERS = ["0.5", True, np.True_, torch.tensor(True), 1j, 10**400, {}, object(), [1.0, 2.0]]


@pytest.mark.parametrize("value", NOT_NUMBERS, ids=lambda value: repr(value)[:20])
def test_only_numbers_are_numbers(value):
    for build, name in [
        (lambda: targets.ring(scale=value), "scale"),
        (lambda: targets.ring(modes=value), "modes"),
        (lambda: targets.banana(curvature=value), "curvature"),
        (lambda: targets.checkerboard(size=value), "size"),
        (lambda: targets.ring().log_prob(torch.zeros(2), value), "label"),
    ]:
        if not (name == "label" and isinstance(value, np.bool_)):
            with pytest.raises(ValueError, match=f"^{name} must"):
                build()
    if not isinstance(value, list):
        with pytest.raises(ValueError, match="^shape must"):
            targets.ring().sample(value)
        with pytest.raises(ValueError, match="^shape must"):
            targets.ring().sample((2, value))


NOT_ARRAYS = ["a", {}, object(), [[0.0, 1.0], [2.0]], [[1j, 0.0]], [[10**400, 0.0]], [["1", "2"]]]


@pytest.mark.parametrize("value", [None, *NOT_ARRAYS], ids=lambda value: repr(value)[:20])
def test_only_arrays_are_arrays(value):
    ring, means = targets.ring(), [[0.0], [1.0]]
    for build, name in [
        (lambda: targets.drawn(value), "points"),
        (lambda: targets.GaussianMixture(value), "means"),
        (lambda: targets.GaussianMixture(means, scale=value), "scale"),
        (lambda: targets.two_modes(means=value), "means"),
        (lambda: ring.log_prob(value), "x"),
        (lambda: ring.score(value), "x"),
        (lambda: ring.posterior(value), "x"),
    ]:
        with pytest.raises(ValueError, match=f"^{name} must"):
            build()


@pytest.mark.parametrize("value", NOT_ARRAYS, ids=lambda value: repr(value)[:20])
def test_what_may_be_none_must_still_be_an_array(value):
    ring, means = targets.ring(), [[0.0], [1.0]]
    for build, name in [
        (lambda: targets.GaussianMixture(means, weights=value), "weights"),
        (lambda: targets.GaussianMixture(means, labels=value), "labels"),
        (lambda: ring.sample(3, label=value), "label"),
        (lambda: ring.sample(3, generator=value), "generator"),
        (lambda: ring.to(dtype=value), "dtype"),
    ]:
        with pytest.raises(ValueError, match=f"^{name} must"):
            build()


def test_a_generator_and_a_dtype_are_torchs():
    with pytest.raises(ValueError, match="^generator must be a torch.Generator"):
        targets.ring().sample(3, generator=3)
    with pytest.raises(ValueError, match="^dtype must be a floating-point torch.dtype"):
        targets.ring().to(dtype="float32")


def test_numbers_of_numpy_and_torch_are_numbers():
    ring = targets.ring(np.int64(8), radius=np.float32(2), scale=torch.tensor(0.25))
    assert repr(ring) == repr(targets.ring(torch.tensor(8), radius=2, scale=0.25))
    assert repr(targets.ring(scale=np.array(0.25))) == repr(ring)
    assert ring.sample((np.int64(4), 2)).shape == ring.sample([4, 2]).shape == (4, 2, 2)
    assert ring.sample(np.int64(4)).shape == (4, 2)
    assert ring.log_prob(np.zeros((3, 2)), np.int64(1)).shape == (3,)
    assert targets.two_modes(np.array([-1.0, 1.0], dtype=np.float32)).d == 1
