"""A toy exercise, a right and a wrong answer to it, and an empty store to keep them in."""

import pytest
import torch

from dgm_lib.exercises import Exercise
from dgm_lib.exercises.engine.answers import Answers
from dgm_lib.exercises.engine.exercise import REGISTER


def half(x):
    """Half of x."""
    return x / 2


HALF = Exercise(
    half,
    name="toy.half",
    title="Half of <it>",
    minutes=7,
    difficulty=2,
    cases=lambda generator, dtype: [(torch.tensor([1.0, 3.0], dtype=dtype),)],
    hints=("divide", "by two"),
)
del REGISTER["toy.half"]
RIGHT = "def f(x):\n    return 0.5 * x"
WRONG = "def f(x):\n    return 0.4 * x"


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    """An empty store, and the toy in the register, in every module that imports this."""
    monkeypatch.setenv("DGM_HOME", str(tmp_path / "home"))
    monkeypatch.setitem(REGISTER, "toy.half", HALF)
    monkeypatch.setattr(Answers, "unsaved", {})
    return tmp_path / "home"
