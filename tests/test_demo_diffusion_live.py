"""The denoiser as one plays with it: its time, drawings, models that learn, and mistakes."""

import numpy as np
import pytest
import torch

from dgm_lib import demo, paths, targets
from dgm_lib.demo.diffusion import learning
from dgm_lib.models.diffusion import Denoiser, Exact
from tests.denoisers import PATHS, RING, ddim, differs, shown

# ---- time and drawing ----------------------------------------------------------------------------


def test_the_slider_of_t_follows_and_shows_other_moments_without_a_restart():
    made = shown(steps=10, particles=200)
    made.steps(6)
    assert made.run.p.t == pytest.approx(0.4, abs=1e-3)
    now, restarts = made.image(), made.run.restarts
    made.set(t=0.8)
    assert differs(made.image(), now) and made.run.restarts == restarts and made.run.t == 6
    walk = made.run.frame["walk"]
    assert np.allclose(walk.at(0.8).x, walk.states[2].numpy(), atol=1e-3) and walk.at(0.8).live
    seen = walk.at(0.1)
    assert not seen.live and np.allclose(seen.x, walk.truth.samples(seen.moment.t)[0], atol=1e-3)
    made.set(t=walk.t)
    assert not differs(made.image(), now)


@pytest.mark.parametrize("t, i", [(0.8, 2), (0.2, 8)])
def test_the_run_goes_on_from_where_the_slider_is(t, i):
    made = shown(steps=10, particles=200)
    made.steps(5)
    expected = made.run.frame["walk"].at(t).x
    made.set(t=t)
    made.steps(1)
    walk = made.run.frame["walk"]
    assert walk.i == i + 1 and np.allclose(walk.states[i].numpy(), expected, atol=1e-3)
    assert [row.t for row in walk.numbers] == walk.times[: i + 2]
    assert np.allclose(walk.at(made.run.p.t).x, walk.states[-1].numpy(), atol=1e-3)
    seen = walk.at(walk.times[i + 1])
    made.set(t=walk.times[0])
    made.steps(i + 1)  # to the same place by another way
    assert walk.i == i + 1 and differs(walk.at(made.run.p.t).x, seen.x)


def test_a_run_again_gives_the_same_frames():
    made = shown(particles=30)
    first = made.steps(9, sampler="ancestral")
    made.set(t=0.1)
    made.run.restart()
    again = made.steps(9)
    assert torch.equal(first["x"], again["x"]) and first["distance"] == again["distance"]


def test_a_drawn_law_is_chosen_and_seen_at_once():
    made = shown(particles=200)
    made.steps(40)
    before, line = made.image(), torch.linspace(-2, 2, 40)
    made.set(drawing=torch.stack([line, 0.5 * line], -1))
    after = made.image()
    assert made.run.p.target == "drawn" and made.run.t == 0 and differs(before, after)
    frame = made.steps(40, sampler="Heun")
    assert frame["distance"] < 2 * frame["floor"]
    made.set(drawing=torch.tensor([[1.0, 1.0]]))
    assert made.steps(40)["x"].mean(0).sub(1).abs().max() < 0.1


# ---- learned models ------------------------------------------------------------------------------


def test_a_given_model_steers_and_its_error_is_measured_on_the_way():
    torch.manual_seed(0)
    model = Denoiser(paths.cosine(), hidden=(8,))
    made = shown({"mine": ddim}, model=model, steps=10, particles=40)
    assert made.run.p.path is model.path
    exact, learned = made.steps(3), shown({"mine": ddim}, model=model, steps=10, particles=40)
    frame = learned.steps(3, steers="learned")
    assert exact["training"] == frame["training"] == "" and differs(exact["x"], frame["x"])
    x, t = frame["x"], torch.full((40, 1), frame["t"])
    wrong = model.eps(x, t) - Exact(model.path, RING).eps(x, t)
    assert frame["error"] == pytest.approx(wrong.square().sum(-1).mean().sqrt().item(), rel=1e-4)
    start, there = learned.run.frame["walk"].at(frame["t"]).arrows(model)
    assert start.shape == there.shape == (13**2, 2) and np.isfinite(there).all()


def test_a_model_in_double_precision_is_copied_for_the_points():
    model = Denoiser(paths.linear(), hidden=(8,)).double()
    frame = shown(model=model, particles=20).steps(2, steers="learned")
    assert frame["x"].dtype == torch.get_default_dtype() and frame["error"] > 0
    assert next(model.parameters()).dtype == torch.float64


def test_a_model_is_trained_before_ones_eyes_and_only_once(monkeypatch):
    monkeypatch.setattr(learning, "STEPS", 100)
    made = shown(particles=100, path=PATHS["cosine"])
    first = made.steps(0, steers="learned")
    assert first["training"] == "20 updates" and differs(made.image(), 255)
    middle = made.steps(4)["walk"].numbers
    assert middle[5].error < first["walk"].numbers[5].error
    began = made.steps(1)
    assert began["training"] == "" and began["t"] == pytest.approx(0.999)
    end = made.steps(40)
    assert 0 < end["error"] < 1.5 and end["distance"] < 12 * end["floor"]
    assert made.steps(0, sampler="Heun")["training"] == ""  # it is known by now
    assert made.steps(0, drawing=torch.zeros(1, 2))["training"] != ""


def test_a_model_of_ones_own_is_trained_on_the_path(monkeypatch):
    monkeypatch.setattr(learning, "STEPS", 40)
    made_of = []

    def make(path):
        made_of.append(path)
        return Denoiser(path, hidden=(8,))

    made = shown(model=make, path=PATHS["exploding"], particles=20)
    assert made.steps(2, steers="learned")["walk"].learned.net.mlp is not None
    assert made_of == [PATHS["exploding"]]


# ---- stored picture and errors -------------------------------------------------------------------


def test_the_stored_picture():
    pictures, problem = shown(particles=50, steps=6).pictures()
    assert problem is None and len(pictures) == 3 and differs(pictures[0], pictures[2])


@pytest.mark.parametrize(
    "settings, message",
    [
        (dict(targets={"banana": targets.banana()}), "targets must be mixtures"),
        (dict(targets={"line": targets.two_modes()}), "targets must be laws of the plane"),
        (dict(steps=0), "steps must be"),
        (dict(particles=2.5), "particles must be"),
        (dict(samplers=ddim), "samplers must map names to steps"),
        (dict(samplers={"mine": 3}), "samplers must map names to steps"),
        (dict(model=3), "model must be a Denoiser"),
        (dict(model=Denoiser(paths.cosine()), path=paths.linear()), "path must be that of the"),
    ],
)
def test_wrong_arguments_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        demo.denoiser(**settings)


@pytest.mark.parametrize(
    "step, message",
    [
        (lambda model, x, t, s, noise: None, "mine must return points"),
        (lambda model, x, t, s, noise: x[:3], "mine must return points"),
        (lambda model, x, t, s, noise: x / 0 * 0, "mine must keep points finite"),
    ],
)
def test_wrong_steps_are_named(step, message):
    made = shown({"mine": step}, particles=5)
    made.steps(0)
    with pytest.raises(ValueError, match=message):
        made.steps(1)


def test_a_model_that_is_none_is_named():
    with pytest.raises(ValueError, match="model must make a Denoiser"):
        shown(model=lambda path: 3).steps(0, steers="learned")
