"""What a notebook stores of a demo: a poster of a fresh run, and the widget."""

import numpy as np
import pytest
import torch

from dgm_lib.demo import Curve, Demo, Scene, still
from tests.demos import particles, pixels


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
