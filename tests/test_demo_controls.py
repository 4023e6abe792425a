"""Controls: their shorthands, and the arguments that a demo refuses."""

import pytest
import torch

from dgm_lib.demo import Bars, Choice, Curve, Demo, Drawing, DrawPad, Panel, Scene, Slider, Toggle
from dgm_lib.demo.controls import Constant, control
from tests.demos import LAW, walker


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
        (lambda: DrawPad(box=((1, 0), (0, 1))), "box must hold rows with low < high"),
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


def test_a_control_may_choose_others():
    def shows(p, rng):
        while True:
            yield dict(seen=(p.law, len(p.points)))

    pad = Drawing(torch.zeros(3, 2), chooses=dict(law="drawn"))
    demo = Demo(shows, Scene([Curve("x")]), dict(law=Choice(["ring", "drawn"]), points=pad))
    assert demo.steps(1) == dict(seen=("ring", 3))
    demo._chosen("points", torch.zeros(4, 2))
    assert demo.steps(1) == dict(seen=("drawn", 4))
    demo._chosen("law", "ring")
    assert demo.steps(1) == dict(seen=("ring", 4))
    demo.set(points=torch.zeros(5, 2), law="ring")  # who says both is taken at their word
    assert demo.steps(1) == dict(seen=("ring", 5))
