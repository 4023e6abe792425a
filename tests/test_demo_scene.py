"""Scenes and layers: what is drawn is where and what it should be."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.distributions import MultivariateNormal, Normal

from dgm_lib.demo import (
    Bars,
    Curve,
    Demo,
    Density,
    Ellipse,
    Field,
    Hist,
    Line,
    Panel,
    Points,
    Run,
    Scene,
)
from dgm_lib.demo.layers.line import marginal
from dgm_lib.demo.layers.plane import mean_and_covariance
from tests.demos import COVARIANCE, LAW, Gaussian, particles, walk


def test_blitted_picture_is_the_full_one():
    demo = particles()
    demo.steps(7)
    blitted = demo.image()
    demo.scene.show(demo.scene.layers[0], True)  # forces a full drawing
    assert np.array_equal(blitted, demo.image())


def test_pictures_change_and_have_the_size_of_the_scene():
    demo = particles()
    first = demo.image()
    demo.steps(5)
    assert first.dtype == np.uint8 and first.shape == (510, 1260, 3)
    assert (first != demo.image()).any(-1).sum() > 500


def test_hidden_layers_are_not_drawn():
    demo = particles()
    for _ in range(5):
        demo.steps(1)
        whole = demo.image()
    for layer in demo.scene.layers:
        demo.scene.show(layer, False)
        assert not np.array_equal(whole, demo.image()), layer.name
        demo.scene.show(layer, True)
    assert np.array_equal(whole, demo.image())


def test_density_is_up_the_right_way():
    scene = Scene([Density(LAW, cmap="gray_r")])
    image = scene.render(Run(None, {})).astype(float).sum(-1)
    ax = scene.axes[0]
    across, down = ax.transData.transform([LAW.mean.tolist(), [3.0, 3.0]]).T
    height = image.shape[0]
    assert image[height - int(down[0]), int(across[0])] < 60  # black at the mode
    assert image[height - int(down[1]), int(across[1])] > 700  # white far from it


def test_points_are_where_they_should_be():
    def sim(p, rng):
        yield dict(x=torch.tensor([[2.0, -1.0]]))

    demo = Demo(sim, Scene(Panel([Points("x", size=8, alpha=1)], xlim=(-4, 4), ylim=(-4, 4))))
    image = demo.image()
    across, down = demo.scene.axes[0].transData.transform([2.0, -1.0])
    assert tuple(image[image.shape[0] - int(down), int(across)]) == (0, 0x72, 0xB2)


def test_density_of_the_frame_is_drawn_anew_only_when_due():
    calls = []

    class Counting(Gaussian):
        def log_prob(self, x):
            calls.append(len(x))
            return super().log_prob(x)

    def sim(p, rng):
        while True:
            yield dict(law=Counting())

    demo = Demo(sim, Scene([Density("law", n=20)]))
    for _ in range(5):
        demo.steps(1)
        demo.image()
    assert calls == [400]
    demo.run.restart()
    demo.image()
    assert len(calls) == 2
    often = Demo(sim, Scene([Density("law", n=20, every=2)]))
    calls.clear()
    for _ in range(6):
        often.steps(1)
        often.image()
    assert len(calls) == 3


def test_marginals_are_exact():
    for axis in (0, 1):
        x, density = marginal(LAW, axis)
        law = Normal(LAW.mean[axis], COVARIANCE[axis, axis].sqrt())
        exact = law.log_prob(torch.tensor(x)).exp()
        assert np.abs(density - exact.numpy()).max() < 1e-4


def test_histogram_is_a_density():
    layer = Hist("x", axis=1, law=LAW)
    scene = Scene([layer])

    def sim(p, rng):
        yield dict(x=MultivariateNormal(LAW.mean, COVARIANCE).sample((4000,)))

    Demo(sim, scene).image()
    heights = layer.artists[0].get_data().values
    assert heights @ np.diff(layer.edges) == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize(
    "source",
    [
        LAW,
        MultivariateNormal(LAW.mean, COVARIANCE),
        (LAW.mean, COVARIANCE),
        [[0.5, -1], COVARIANCE],
    ],
)
def test_ellipse_takes_laws_and_pairs(source):
    mean, covariance = mean_and_covariance(source)
    assert mean == pytest.approx([0.5, -1.0]) and covariance == pytest.approx(COVARIANCE.numpy())
    layer = Ellipse(source)
    scene = Scene([layer])
    layer.update(SimpleNamespace())
    for line, radius in zip(layer.artists[1:], (1.0, 2.0), strict=True):
        z = line.get_xydata() - mean
        distance = np.einsum("ni,ij,nj->n", z, np.linalg.inv(covariance), z)
        assert distance == pytest.approx(np.full(100, radius**2))
    assert scene.render(Run(None, {})).any()


@pytest.mark.parametrize("values", [[0.1, 0.5], [-0.3, 2.0], [math.inf, 0.2], [math.nan, 900.0]])
def test_bars_show_any_number(values):
    def sim(p, rng):
        yield dict(a=values[0], b=values[1])

    layer = Bars({"first": "a", "second": "b"}, marks={"second": math.log(2)})
    Demo(sim, Scene([layer])).image()
    left, right = layer.ax.get_xlim()
    for box, value, text in zip(layer.boxes, values, layer.texts, strict=True):
        if math.isfinite(value):
            assert box.get_width() == pytest.approx(value) and left <= value <= right
            assert text.get_text() == f"{value:.3f}"


@pytest.mark.parametrize("log", [False, True])
def test_curves_fit_in_their_axes(log):
    def sim(p, rng):
        for k in range(200):
            yield dict(loss=1000 / (k + 1), odd=math.nan)

    layer = Curve({"the loss": "loss"}, "odd", floor=1.0, log=log)
    demo = Demo(sim, Scene([layer]))
    for steps in (0, 10, 150, 100):
        demo.steps(steps)
        demo.image()
        low, high = layer.ax.get_ylim()
        assert low <= 1.0 and high >= 1000 and layer.ax.get_xlim()[1] >= demo.run.t


def test_every_layer_draws():
    def sim(p, rng):
        x = torch.randn(50, 2, generator=rng, requires_grad=True)
        yield dict(x=x, field=torch.randn(9, 9, generator=rng), line=([0, 1], [1, 2]))

    scene = Scene(
        [Field("field"), Points("x"), Ellipse((torch.zeros(2), torch.eye(2)), label="fit")],
        [Points(lambda run: run.frame["x"][:, 0])],
        [Line("line")],
        width=250,
    )
    demo = Demo(sim, scene)
    assert (demo.image() != 255).sum() > 10_000


def test_missing_keys_are_named():
    with pytest.raises(ValueError, match=r"source must be a key of the frame \['mu'\], got 'x'"):
        Demo(walk, Scene([Points("x")]), dict(mu=0.0)).image()
