"""Hints come one at a time, and progress shows what was done."""

import pytest

from dgm_lib.exercises import check, hint, progress
from dgm_lib.exercises.engine import overview
from dgm_lib.exercises.engine.answers import Answers
from tests.cells import cell
from tests.half import HALF, RIGHT, WRONG, home  # noqa: F401


def test_hints_come_one_at_a_time_the_solution_last(capsys):
    for _ in range(4):
        hint("toy.half")
    assert capsys.readouterr().out == (
        "hint 1 of 2 for toy.half:\n    divide\n"
        "hint 2 of 2 for toy.half:\n    by two\n"
        "the solution of toy.half (the hints start over after it):\n\n"
        'def half(x):\n    """Half of x."""\n    return x / 2\n\n'
        "hint 1 of 2 for toy.half:\n    divide\n"
    )
    assert Answers().get("toy.half").hints == 4


@pytest.fixture
def only_toy(monkeypatch):
    """A course of one exercise."""
    monkeypatch.setattr(overview, "lectures", lambda: {"00 Toys": [HALF]})


def test_progress_of_a_fresh_store(only_toy):
    assert repr(progress()) == (
        "00 Toys: 0 of 1 exercises, 0 of 7 minutes\n"
        "  [ ] half                     Half of <it>                                 ●●○   7 min\n"
        "\nin all: 0 of 1 exercises, 0 of 7 minutes\n"
        f"your answers are kept in {Answers().path.parent}"
    )


def test_progress_shows_what_was_done(only_toy):
    check("toy.half", cell(WRONG))
    assert "[!] half" in repr(progress())
    for _ in range(5):
        hint("toy.half")
    check("toy.half", cell(RIGHT))
    text, rich = repr(progress()), progress()._repr_html_()
    assert "[x] half" in text and "7 min  3 hints" in text
    assert "in all: 1 of 1 exercises, 7 of 7 minutes" in text
    assert "[x]" in rich and "Half of &lt;it&gt;" in rich and "●●○" in rich


def test_progress_of_the_whole_course():
    text = repr(progress())
    assert "00 Foundations: 0 of" in text
    assert max(map(len, text.splitlines()[:-1])) <= 100
