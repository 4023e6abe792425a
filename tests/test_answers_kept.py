"""Answers that pass are kept with their story, run again on their own, and are the learner's."""

import json
import time

import pytest
import torch

from dgm_lib.exercises import check, hint, mine, progress
from dgm_lib.exercises.engine import answers as store
from dgm_lib.exercises.engine.answers import Answers, Record
from dgm_lib.exercises.engine.source import Unsavable, rebuild, standalone
from tests.cells import Notebook, cell
from tests.half import RIGHT, WRONG, half, home  # noqa: F401

# --------------------------------------------------------------------------- what is kept


def test_nothing_is_written_before_there_is_something_to_keep(home):
    check("toy.half", cell("def f(x): ..."))
    mine("toy.half")
    progress()
    assert not home.exists()


def test_an_answer_is_kept_with_its_story(home):
    check("toy.half", cell(WRONG))
    check("toy.half", cell(WRONG))
    assert Answers().get("toy.half") == Record(status="tried", attempts=2)
    hint("toy.half")
    check("toy.half", cell(RIGHT))
    record = Answers().get("toy.half")
    assert (record.status, record.attempts, record.hints) == ("passed", 3, 1)
    assert (record.entry, record.source) == ("f", RIGHT.splitlines())
    assert time.strptime(record.date, "%Y-%m-%d")
    data = json.loads((home / "answers.json").read_text(encoding="utf-8"))
    assert data["format"] == store.FORMAT
    assert data["exercises"]["toy.half"]["source"] == RIGHT.splitlines()
    check("toy.half", cell(WRONG))
    check("toy.half", cell("def f(x): ..."))
    assert Answers().get("toy.half") == record


def test_a_second_right_answer_replaces_the_first_and_the_same_one_writes_nothing(home):
    check("toy.half", cell(RIGHT))
    before = (home / "answers.json").stat().st_mtime_ns
    check("toy.half", cell(RIGHT))
    assert (home / "answers.json").stat().st_mtime_ns == before
    check("toy.half", cell("def g(x):\n    return x - x / 2\nf = g"))
    assert Answers().get("toy.half").entry == "g"


HELPERS = """
import torch
import torch.nn.functional as F, math as m
from math import log as ln, pi
from torch import exp, Tensor
from collections.abc import Callable
SCALE, NAMES = 0.5, ("a", 1)
def inner(x: Tensor, depth: int = 0) -> Tensor:
    return outer(x, depth + 1) if depth < 1 else SCALE * x
def outer(x, depth=0):
    return inner(x, depth)
class Box:
    def __init__(self, x): self.x = x
    def open(self): return outer(self.x)
nickname = outer
"""


@pytest.mark.parametrize("source", [
    RIGHT,
    "f = lambda x: x / 2",
    "g = 3; f = lambda x: x / 2",
    HELPERS + "def f(x: Tensor, g: Callable = ln) -> Tensor:\n    return inner(x)",
    HELPERS + "def f(x):\n    return Box(x).open() + 0 * m.sin(1) + 0 * ln(pi)",
    HELPERS + "def f(x):\n    return nickname(exp(x).log()) + F.relu(x) * 0",
    "def f(x):\n    def g(y): return y / 2\n    return [g(y) for y in [x]][0]",
    "import functools\ndef twice(g):\n    @functools.wraps(g)\n    def h(x): return g(g(x))\n"
    "    return h\n@twice\ndef f(x):\n    return x / 2**0.5",
    "from dgm_lib.core import Estimate\nimport dgm_lib.core as c\n"
    "def f(x):\n    return x / 2 + 0 * Estimate(1.0, c.Estimate(0.0, 0.0).value).value",
    "def f(x):\n    'Ünïcode ½ »\\n'\n    return x / 2  # naïve",
    "if True:\n    def f(x):\n        return x / 2",
], ids=range(11))
def test_what_is_kept_runs_again_on_its_own(source, capsys):
    answer = cell(source)
    assert check("toy.half", answer) is answer
    out = capsys.readouterr().out
    assert "saved" not in out
    again = mine("toy.half")
    assert again is not answer and again is not half
    assert capsys.readouterr().out == "toy.half: your saved version is used\n"
    torch.testing.assert_close(again(torch.ones(3)), torch.full((3,), 0.5))


def test_helpers_from_earlier_cells_come_along():
    notebook = Notebook()
    notebook.run("def helper(x):\n    return x / 2")
    check("toy.half", notebook.run("def f(x):\n    return helper(x)"))
    assert mine("toy.half")(torch.ones(1)) == 0.5
    assert "def helper(x):" in Answers().get("toy.half").source


def test_classes_are_kept():
    source, entry = standalone(cell("import torch\nclass f(torch.nn.Module):\n"
                                    "    def __init__(self):\n        super().__init__()\n"
                                    "    def forward(self, x):\n        return x / 2"))
    assert rebuild(source, entry, "a class")()(torch.ones(1)) == 0.5


@pytest.mark.parametrize(("source", "reason"), [
    ("from functools import partial\nf = partial(lambda k, x: x / k, 2)", "only functions and"),
    ("def make(k):\n    def f(x): return x / k\n    return f\nf = make(2)",
     "`f` uses variables of a"),
    ("class G:\n    def __call__(self, x): return x / 2\nf = G()", "only functions and classes"),
    ("f, g = lambda x: x / 2, lambda x: x", "two functions share its line"),
], ids=range(4))
def test_what_cannot_be_kept_passes_nevertheless(source, reason, capsys):
    answer = cell(source)
    assert check("toy.half", answer) is answer
    assert f"your version could not be saved: {reason}" in capsys.readouterr().out
    assert Answers().get("toy.half").status == "passed"
    assert mine("toy.half") is half


def test_a_function_without_source_passes_but_is_not_kept(capsys):
    namespace = {}
    exec("def f(x):\n    return x / 2", namespace)
    assert check("toy.half", namespace["f"]) is namespace["f"]
    assert "could not be saved: its source is not known" in capsys.readouterr().out


def test_a_better_answer_that_cannot_be_kept_does_not_push_out_the_kept_one():
    check("toy.half", cell(RIGHT))
    check("toy.half", cell("from functools import partial\nf = partial(lambda k, x: x / k, 2)"))
    assert Answers().get("toy.half").source == RIGHT.splitlines()


def test_undefined_names_are_seen():
    with pytest.raises(Unsavable, match="`nowhere` is not defined"):
        standalone(cell("def f(x):\n    return x / 2 if len(x) else nowhere"))


# --------------------------------------------------------------------------- what is mine


def test_mine_is_the_courses_where_there_is_none(capsys):
    assert mine("toy.half") is half
    assert capsys.readouterr().out == (
        "toy.half: the course's version is used: none of yours is saved\n"
    )


@pytest.mark.parametrize("source", [WRONG, "def f(x):", "def g(x): return x", "1 / 0",
                                    "import nowhere_at_all", "raise SystemExit", "f = 3"])
def test_mine_is_checked_again(source, capsys):
    check("toy.half", cell(RIGHT))
    Answers().update("toy.half", lambda record: record.source.__setitem__(slice(None), [source]))
    capsys.readouterr()
    assert mine("toy.half") is half
    assert "your saved one does not pass any more" in capsys.readouterr().out


def test_errors_in_what_is_mine_show_their_source():
    check("toy.half", cell("def f(x):\n    return x / 2 if len(x) < 9 else x.nothing"))
    with pytest.raises(AttributeError) as error:
        mine("toy.half")(torch.ones(9))
    assert str(error.traceback[-1].statement).strip() == "return x / 2 if len(x) < 9 else x.nothing"
