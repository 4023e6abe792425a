"""Layers take what learners yield: any dtype, nothing yet, what is not finite, what changes."""

import math

import numpy as np
import pytest
import torch

from dgm_lib import plot
from dgm_lib.demo import (
    Arrows,
    Bars,
    Curve,
    Demo,
    Density,
    Ellipse,
    Field,
    Fill,
    Hist,
    Line,
    Mesh,
    Panel,
    Points,
    Scene,
    Trails,
)
from tests.demos import LAW, Gaussian


def frames(*given):
    """A simulation that yields the given frames."""
    return lambda p, rng: iter(given)


FIRST = [0.0, -1.0, math.nan, math.inf, -math.inf, 1e-300, 5e-324, 1e308]


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("first", FIRST)
def test_a_curve_may_begin_with_any_number(first, log):
    layer = Curve("loss", floor=-1.0, log=log)
    demo = Demo(frames(dict(loss=first), dict(loss=2.0), dict(loss=first)), Scene([layer]))
    for _ in range(3):
        assert (demo.image() != 255).any()
        demo.steps(1)
    low, high = layer.ax.get_ylim()
    assert low < 2.0 < high


def test_a_logarithmic_curve_without_a_value_can_be_drawn():
    board = Demo(None, Scene([Curve("loss", log=True, floor=-1.0)]), name="a")
    assert (board.image() != 255).any()
    board.log(loss=-1.0)
    assert (board.image() != 255).any()


def test_a_floor_may_be_a_key_of_the_frames_and_is_drawn_as_the_truth():
    layer = Curve({"NLL": "nll"}, floor="entropy", floor_label="entropy")
    demo = Demo(frames(dict(nll=3.0, entropy=1.0), dict(nll=2.0, entropy=1.5)), Scene([layer]))
    demo.steps(1)
    demo.image()
    nll, floor = layer.lines
    assert list(floor.get_ydata()) == [1.0, 1.5] and list(nll.get_ydata()) == [3.0, 2.0]
    assert floor.get_label() == "entropy" and floor.get_color() == plot.TRUTH


def test_the_first_point_of_a_curve_is_a_dot():
    scene = Scene(Panel([Curve("loss")], title="loss"))
    demo = Demo(frames(dict(loss=1.0), dict(loss=2.0)), scene)
    image, across = demo.image(), scene.axes[0].transData.transform((0, 1))
    corner = image[image.shape[0] - int(across[1]), int(across[0]) + 2]
    assert tuple(corner) == (0, 0x72, 0xB2)
    demo.steps(1)
    demo.image()
    assert scene.layers[0].lines[0].get_marker() in ("", "None")


def test_rare_values_stand_at_their_steps():
    given = [dict(loss=1.0, **(dict(val=2.0) if k % 10 == 9 else {})) for k in range(100)]
    demo = Demo(frames(*given), Scene([Curve("loss", "val")]))
    demo.steps(99)
    demo.image()
    loss, val = (line.get_xdata().tolist() for line in demo.scene.layers[0].lines)
    assert loss == list(range(100)) and val == list(range(9, 100, 10))


def test_a_curve_names_the_keys_without_a_value():
    layer = Curve({"the loss": "loss"}, "lss", "odd")
    demo = Demo(frames(dict(loss=1.0, odd=math.nan), dict(loss=1.0, odd=1.0)), Scene([layer]))
    demo.image()
    assert layer.missing.get_text() == "nothing to draw yet: lss, odd"
    demo.steps(1)
    demo.image()
    assert layer.missing.get_text() == "nothing to draw yet: lss"


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.int64, torch.float64])
@pytest.mark.parametrize("make", [lambda x: x, lambda x: x.double().numpy().astype(int)])
def test_layers_take_any_dtype(dtype, make):
    plane = torch.tensor([[-2, 1], [0, 3], [2, -1]], dtype=dtype)
    arrays = dict(x=plane, field=torch.arange(9).reshape(3, 3).to(dtype))
    x, field = (make(value) for value in arrays.values())
    unit = make(torch.eye(2).to(dtype))
    frame = dict(x=x, f=field, a=(x, x), e=(x[0], unit), l=(x[:, 0], x[:, 1]), s=x[0, 0])
    layers = [Field("f"), Points("x"), Trails("x"), Arrows("a"), Ellipse("e")]
    numbers = [Curve("s")], [Bars({"s": "s"})]
    demo = Demo(frames(frame, frame), Scene(layers, [Hist("x"), Line("l"), Fill("l")], *numbers))
    demo.image()
    demo.steps(1)
    demo.image()
    np.testing.assert_array_equal(layers[1].artists[0].get_xydata(), plane.double().numpy())
    np.testing.assert_array_equal(layers[0].artists[0].get_array(), np.arange(9).reshape(3, 3))
    assert layers[0].artists[0].get_clim() == (0, 8)


def test_trails_follow_a_changing_number_of_points():
    layer = Trails("x", n=3)
    x = torch.arange(8.0).reshape(4, 2)
    given = [dict(x=x[:2]), dict(x=x + 1), dict(x=x[:3] + 2), dict(x=x[:0])]
    demo = Demo(frames(*given), Scene([layer]))
    lengths = []
    for _ in given:
        demo.image()
        lengths.append([len(path) for path in layer.artists[0].get_segments()])
        demo.steps(1)
    assert lengths == [[1, 1], [2, 2, 1], [3, 3, 2], []]


def test_trails_name_a_missing_key_and_a_memory_of_nothing():
    with pytest.raises(ValueError, match=r"source must be a key of the frame \['y'\], got 'x'"):
        Demo(frames(dict(y=1.0)), Scene([Trails("x")])).image()
    with pytest.raises(ValueError, match="last must be an integer of at least 1"):
        Trails("x", last=0)


class Diverged(Gaussian):
    def log_prob(self, x):
        return super().log_prob(x) * math.nan


@pytest.mark.parametrize("fill", [math.nan, math.inf, 0.0])
def test_what_is_not_finite_is_left_out(fill):
    x = torch.full((6, 6), fill)
    frame = dict(f=x, x=x[:, :2], a=(x[:, :2], x[:, :2]), l=(x[0], x[0]), law=Diverged())
    panels = [Field("f"), Points("x"), Trails("x")], [Line("l"), Hist("x")], [Density("law")]
    assert (Demo(frames(frame), Scene(*panels, width=200)).image() != 255).any()


def test_a_field_has_the_limits_of_what_is_finite():
    layer = Field("f")
    values = torch.tensor([[math.nan, 1.0], [math.inf, 3.0]])
    Demo(frames(dict(f=values)), Scene([layer])).image()
    assert layer.artists[0].get_clim() == (1.0, 3.0)
    assert Demo(frames(dict(f=values)), Scene([Density(LAW), Field("f")])).image().any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_mesh_has_a_line_for_each_row_and_each_column(dtype):
    layer = Mesh("x")
    x = torch.arange(24, dtype=dtype).reshape(3, 4, 2)
    Demo(frames(dict(x=x)), Scene([layer])).image()
    lines = layer.artists[0].get_segments()
    assert [len(line) for line in lines] == [4, 4, 4, 3, 3, 3, 3]
    assert np.array_equal(lines[1], x[1]) and np.array_equal(lines[5], x[:, 2])


def test_a_mesh_of_a_wrong_shape_is_named():
    with pytest.raises(ValueError, match=r"mesh \(n, m, 2\), got shape \(5, 2\)"):
        Demo(frames(dict(x=torch.zeros(5, 2))), Scene([Mesh("x")])).image()
