"""The demo room: runs, layers and scenes against the truth, and the live part without a browser."""

from __future__ import annotations

import asyncio
import io
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch.distributions import MultivariateNormal, Normal

from dgm_lib.core import Estimate
from dgm_lib.demo import (
    Actions,
    Arrows,
    Bars,
    Choice,
    Curve,
    Demo,
    Density,
    Drawing,
    DrawPad,
    Ellipse,
    Field,
    Fill,
    Hist,
    Line,
    Panel,
    Points,
    Run,
    Scene,
    Slider,
    Toggle,
    Trails,
    still,
)
from dgm_lib.demo.controls import Constant, control
from dgm_lib.demo.layers.line import marginal
from dgm_lib.demo.layers.plane import mean_and_covariance

COVARIANCE = torch.tensor([[1.5, 0.6], [0.6, 0.8]])


class Gaussian:
    """A correlated Gaussian of the plane, with a box as the targets have one."""

    box = torch.tensor([[-6.0, 6.0], [-5.0, 5.0]])
    mean, covariance = torch.tensor([0.5, -1.0]), COVARIANCE

    def log_prob(self, x):
        return MultivariateNormal(self.mean, COVARIANCE).log_prob(x)

    def score(self, x):
        return -(x - self.mean) @ COVARIANCE.inverse()


LAW = Gaussian()


def langevin(p, rng):
    x = torch.randn(p.n, 2, generator=rng)
    while True:
        yield dict(x=x, log_p=LAW.log_prob(x).mean(), at=(x[:20], LAW.score(x[:20])))
        noise = torch.randn(x.shape, generator=rng)
        x += p.step * LAW.score(x) + math.sqrt(2 * p.step) * noise  # in place, as learners do


def walk(p, rng):
    """The simulation moves its own parameter."""
    while True:
        yield dict(mu=p.mu)
        p.mu += 0.1


def particles(**kwargs):
    panels = [Density(LAW), Trails("x"), Points("x"), Arrows("at")], [Curve("log_p")]
    params = dict(n=Slider(10, 3000, 500), step=(0.001, 0.5, 0.02), flag=True, kernel=["a", "b"])
    return Demo(langevin, Scene(*panels), params, structural=("n",), **kwargs)


def walker(**kwargs):
    line = Line(lambda run: Normal(run.p.mu, 1.0))
    return Demo(walk, Scene([Fill(Normal(0.0, 1.0)), line]), dict(mu=Slider(-4, 4, 0.0)), **kwargs)


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


async def until(condition, seconds: float = 10.0):
    for _ in range(int(seconds / 0.01)):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError("the condition never came true")


# ---- runs ------------------------------------------------------------------------------------


def test_a_run_can_be_repeated():
    first, again = particles().steps(30), particles().steps(30)
    assert torch.equal(first["x"], again["x"])
    demo = particles()
    demo.steps(30)
    demo.run.restart()
    assert torch.equal(demo.steps(30)["x"], first["x"])
    assert not torch.equal(particles(seed=1).steps(30)["x"], first["x"])


def test_global_randomness_is_private_and_seeded():
    def sim(p, rng):
        while True:
            yield dict(x=torch.rand(()))

    before = torch.get_rng_state()
    first = Run(sim, {}).step(3)
    assert torch.equal(torch.get_rng_state(), before)
    assert first == Run(sim, {}).step(3)


def test_frames_are_snapshots():
    frames = [particles().run.step(k)["x"] for k in (1, 2)]
    assert not torch.equal(*frames)
    run = particles().run
    run.step(5)
    positions = torch.stack([frame["x"][0] for frame in run.recent])
    assert len(positions.unique(dim=0)) == 5


def test_scalars_become_series_and_the_rest_stays():
    law = Gaussian()
    frame = dict(a=1, b=torch.tensor(2.0), c=Estimate(3.0, 0.1), d=np.float32(4))
    frame |= dict(x=np.ones(3), law=law)

    def sim(p, rng):
        yield frame
        yield frame

    run = Run(sim, {})
    run.step(5)
    assert run.series == dict(a=[1.0, 1.0], b=[2.0, 2.0], c=[3.0, 3.0], d=[4.0, 4.0])
    assert run.done and not run.failed and run.t == 1 and run.frame["law"] is law


def test_mean_log_density_reaches_the_truth():
    demo = particles()
    demo.steps(300, n=3000)
    values = demo.run.series["log_p"][-100:]
    entropy = MultivariateNormal(torch.zeros(2), COVARIANCE).entropy().item()
    assert abs(np.mean(values) + entropy) < 0.06  # discretisation error of the step included


def test_restart_undoes_what_the_simulation_did_but_not_the_user():
    demo = walker()
    demo.steps(10)
    assert demo.run.p.mu == pytest.approx(1.0)
    demo.run.restart()
    assert demo.run.p.mu == 0.0
    demo.set(mu=2.0)
    demo.steps(10)
    demo.run.restart()
    assert demo.run.p.mu == 2.0


def test_structural_parameters_restart():
    demo = particles()
    demo.steps(5, step=0.1)
    demo.set(step=0.2)
    assert demo.run.t == 5
    demo.set(n=20)
    assert demo.run.t == -1 and len(demo.steps(0)["x"]) == 20


def test_wrong_simulations_are_named():
    with pytest.raises(ValueError, match="sim must yield dicts, got float"):
        Run(lambda p, rng: iter([1.0]), {}).step()
    with pytest.raises(TypeError, match="iterable"):
        Run(lambda p, rng: None, {}).step()
    with pytest.raises(ValueError, match="params must be among"):
        particles().steps(1, stepp=0.1)
    with pytest.raises(ValueError, match="structural must name params"):
        Demo(walk, Scene([Curve("mu")]), structural=("n",))


# ---- controls --------------------------------------------------------------------------------


def test_shorthands():
    assert isinstance(control((0.001, 0.5, 0.02)), Slider) and control((0.001, 0.5, 0.02)).log
    assert not control((1, 1000, 3)).log and not control((-1.0, 1.0, 0.0)).log
    assert control([3, 4]).value == 3 and isinstance(control([3, 4]), Choice)
    assert isinstance(control(True), Toggle) and isinstance(control(LAW), Constant)
    function = Choice({"square": torch.square, "root": torch.sqrt}, value=torch.sqrt)
    assert function.value is torch.sqrt


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: Slider(1, 0), "lo must be below hi, got 1 and 0"),
        (lambda: Slider(0, 1, 2), r"value must lie in \[0, 1\], got 2"),
        (lambda: Slider(0, 1, log=True), "lo must be positive"),
        (lambda: Choice([]), "options must name at least one"),
        (lambda: Choice(["a"], value="b"), "value must be one of"),
        (lambda: Drawing(torch.zeros(3)), r"points must have shape \(n, 2\)"),
        (lambda: DrawPad(box=((1, 0), (0, 1))), "box must be"),
        (lambda: Panel([]), "layers must be a non-empty list"),
        (lambda: walker(speed=3), "speed must be one of"),
        (lambda: Scene(), "panels must be at least one"),
        (lambda: Curve(), "keys must name at least one"),
        (lambda: Bars({"a": 1.0}, marks={"b": 1.0}), "marks must name bars"),
    ],
)
def test_wrong_arguments_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_pad_keeps_points():
    points = torch.tensor([[0.5, -1.25], [3.0, 2.0]])
    pad = DrawPad(points)
    assert torch.equal(pad.points, points)
    pad.clear()
    assert pad.points.shape == (0, 2)


# ---- layers and scenes -----------------------------------------------------------------------


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


# ---- live, without a browser ------------------------------------------------------------------


def test_sliders_change_the_picture_of_a_paused_demo():
    async def scenario():
        demo = walker()
        demo.widget()
        before = demo.view.image.value
        for value in (0.5, 1.0, 1.5):
            demo.view.inputs["mu"].value = value
        await until(lambda: demo.view.image.value != before)
        assert demo.run.p.mu == 1.5 and demo.run.chosen["mu"] == 1.5 and demo.run.t == 0

    asyncio.run(scenario())


def test_sliders_follow_the_simulation_and_can_take_over():
    async def scenario():
        demo = walker(fps=100)
        demo.widget()
        slider = demo.view.inputs["mu"]
        demo.view.play.click()
        await until(lambda: slider.value > 0.5)
        assert demo.run.chosen["mu"] == 0.0  # following is not choosing
        slider.value = -3.0
        await asyncio.sleep(0.03)
        assert demo.run.chosen["mu"] == -3.0 and -3.0 <= demo.run.p.mu < -1.0
        await until(lambda: slider.value > -1.0)
        demo.view.play.click()
        await until(lambda: not demo.playing)
        at = demo.run.t
        await asyncio.sleep(0.1)
        assert demo.run.t == at and demo.view.play.description == "Play"

    asyncio.run(scenario())


def test_hasty_clicks_do_not_start_a_second_loop():
    async def scenario():
        demo = walker(fps=50)
        demo.widget()
        for _ in range(5):
            demo.play()
            await asyncio.sleep(0.005)
            demo.pause()
        demo.play()
        demo.pause()
        demo.play()
        before = demo.run.t
        await asyncio.sleep(0.5)
        assert 2 < demo.run.t - before <= 30  # 25 by one loop
        await demo.go(demo.run.t + 50)  # waits for the loop that is still there
        at = demo.run.t
        await asyncio.sleep(0.1)
        assert demo.run.t == at and not demo.playing

    asyncio.run(scenario())


def test_actions_choose_and_play():
    async def scenario():
        def sim(p, rng):
            while True:
                yield dict(value=p.objective(3.0))

        options = Actions({"root": math.sqrt, "square": lambda x: x * x})
        demo = Demo(sim, Scene([Curve("value")]), dict(objective=options))
        demo.widget()
        root, square = demo.view.inputs["objective"].children
        assert root.button_style == "info" and square.button_style == ""
        square.click()
        await until(lambda: demo.run.t > 2)
        assert demo.playing and demo.run.frame["value"] == 9.0
        assert root.button_style == "" and square.button_style == "info"
        demo.pause()

    asyncio.run(scenario())


def test_step_reset_layers_and_drawing():
    async def scenario():
        points = torch.zeros(5, 2)

        def sim(p, rng):
            while True:
                yield dict(x=p.law, n=len(p.law))

        scene = Scene([Density(LAW), Points("x")])
        demo = Demo(sim, scene, dict(law=Drawing(points)))
        demo.widget()
        before = demo.view.image.value
        demo.on_step()
        demo.on_step()
        await until(lambda: demo.run.t == 2)
        pad = demo.view.inputs["law"]
        pad.points = [[1.0, 1.0], [2.0, 2.0]]
        await until(lambda: demo.run.t == 0)
        assert demo.run.frame["n"] == 2.0 and demo.view.image.value != before
        pad.clear()
        await asyncio.sleep(0.05)
        assert demo.run.frame["n"] == 2.0
        demo.set(law=points)
        assert torch.equal(pad.points, points)
        demo.on_layer(scene.layers[1], False)
        await until(lambda: not scene.layers[1].visible)
        demo.on_step()
        demo.on_reset()
        await until(lambda: demo.run.t == 0)

    asyncio.run(scenario())


def test_an_exception_is_shown_and_the_demo_lives_on():
    async def scenario():
        broken = [True]

        def sim(p, rng):
            for k in range(10**6):
                if broken[0] and k == 3:
                    raise ZeroDivisionError("the learner's slip")
                yield dict(k=k)

        demo = Demo(sim, Scene([Curve("k")]), fps=100)
        demo.widget()
        demo.view.play.click()
        await until(lambda: demo.error)
        assert "learner's slip" in demo.error and "player.py" not in demo.error
        assert "the learner&#x27;s slip" in demo.view.problem.value and not demo.playing
        broken[0] = False
        demo.view.play.click()
        await until(lambda: demo.run.t > 5)
        assert demo.error is None and demo.view.problem.value == ""
        demo.pause()

    asyncio.run(scenario())


def test_an_exception_at_drawing_time_goes_when_its_cause_goes():
    async def scenario():
        bars = Bars({"root": lambda run: math.sqrt(run.p.mu)})
        demo = Demo(walk, Scene([bars]), dict(mu=Slider(-4, 4, 0.0)))
        demo.widget()
        demo.view.inputs["mu"].value = -1.0
        await until(lambda: demo.error)
        assert "ValueError" in demo.view.problem.value
        demo.view.inputs["mu"].value = 1.0
        await until(lambda: demo.error is None)

    asyncio.run(scenario())


def test_training_can_be_awaited_and_stopped():
    def train(p, rng):
        w = torch.zeros(2, requires_grad=True)
        while True:
            (gradient,) = torch.autograd.grad(((w - 1) ** 2).sum(), w)
            w = (w - 0.1 * gradient).detach().requires_grad_()
            yield dict(loss=((w - 1) ** 2).sum())

    async def scenario():
        demo = Demo(train, Scene([Curve("loss", log=True)]))
        demo.widget()
        await demo.go(50)
        assert demo.run.t == 50 and not demo.playing
        asyncio.get_running_loop().call_later(0.3, demo.view.play.click)
        await demo.go(10**9)
        assert 50 < demo.run.t < 10**9

    asyncio.run(scenario())


def test_awaited_exceptions_fail_the_cell():
    def sim(p, rng):
        yield dict(a=1.0)
        raise KeyError("slip")

    with pytest.raises(KeyError, match="slip"):
        asyncio.run(Demo(sim, Scene([Curve("a")])).go(10))


def test_a_loop_of_the_learners_own():
    board = Demo(None, Scene([Points("x")], [Curve("loss")]), name="board")
    board.widget()
    for k in board.live(range(30)):
        board.log(loss=1 / (k + 1))
        if k % 10 == 0:
            board.log(x=torch.randn(5, 2))
        if k == 20:
            board.pause()
    assert board.error is None and len(board.run.series["loss"]) == 21
    assert (pixels(board.view.image.value) != 255).any()


def test_a_demo_of_the_same_name_pauses_the_older_one():
    async def scenario():
        first = walker(name="same")
        first.play()
        await until(lambda: first.run.t > 1)
        second = walker(name="same")
        await until(lambda: not first.playing)
        second.play()
        await until(lambda: second.run.t > 1)
        second.pause()

    asyncio.run(scenario())


# ---- what is stored -----------------------------------------------------------------------------


def displayed(monkeypatch, demo):
    shown = []
    monkeypatch.setattr(still, "display", lambda bundle, **_: shown.append(bundle))
    demo._ipython_display_()
    return shown


def test_two_outputs(monkeypatch):
    first, second = displayed(monkeypatch, particles())
    assert first["text/plain"] == "<Demo langevin>" and len(first["image/png"]) > 5000
    assert list(second) == ["application/vnd.jupyter.widget-view+json"]


def test_the_poster_is_a_fresh_run(monkeypatch):
    demo = particles(poster=(0, 10))
    demo.steps(3)
    before = demo.run.frame["x"]
    displayed(monkeypatch, demo)
    assert demo.run.t == 3 and torch.equal(before, demo.run.frame["x"])
    pictures, problem = particles(poster=(0, 10)).pictures()
    fresh = particles()
    assert problem is None and np.array_equal(pictures[0], fresh.image())
    fresh.steps(10)
    assert np.array_equal(pictures[1], fresh.image())


def test_a_bug_fails_where_it_is_displayed(monkeypatch):
    def sim(p, rng):
        for _ in range(50):
            yield dict(k=0.0)
        raise NotImplementedError

    demo = Demo(sim, Scene([Curve("k")]))
    with pytest.raises(NotImplementedError):
        displayed(monkeypatch, demo)
    assert "NotImplementedError" in demo.error


def test_strips_are_small_and_fit():
    wide, narrow = np.zeros((510, 1260, 3), np.uint8), np.zeros((300, 450, 3), np.uint8)
    assert pixels(still.strip([wide] * 2, 840)).shape == (680, 840)
    assert pixels(still.strip([narrow] * 3, 300)).shape == (200, 900)
