"""The live part without a browser: sliders, buttons and exceptions."""

import asyncio
import math

import pytest
import torch

from dgm_lib.demo import Actions, Bars, Curve, Demo, Density, Drawing, Points, Scene, Slider
from tests.demos import LAW, until, walk, walker


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


def test_a_slider_that_follows_is_not_taken_for_the_user():
    """The browser sends every value that it is shown back, a little changed."""

    async def scenario():
        demo = walker(fps=100)
        demo.widget()
        slider = demo.view.inputs["mu"]
        demo.view.play.click()
        await until(lambda: demo.run.p.mu > 0.3)
        demo.view.play.click()
        await until(lambda: not demo.playing)
        at, shown = demo.run.p.mu, slider.value
        slider.value = shown + 1e-13  # an echo
        await asyncio.sleep(0.03)
        assert demo.run.p.mu == at and demo.run.chosen["mu"] == 0.0
        slider.value = shown + slider.step  # a reader, with the smallest move there is
        await asyncio.sleep(0.03)
        slider.value = shown  # and back to where the simulation was
        await asyncio.sleep(0.03)
        assert demo.run.p.mu == demo.run.chosen["mu"] == slider.value == shown

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
