"""The store of answers: nothing is lost, what is kept runs again, and nobody is stopped by it."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from dgm_lib.exercises import Exercise, check, hint, mine, progress
from dgm_lib.exercises.engine import answers as store
from dgm_lib.exercises.engine import overview
from dgm_lib.exercises.engine.answers import Answers, NotSaved, Record, folder
from dgm_lib.exercises.engine.exercise import REGISTER
from dgm_lib.exercises.engine.source import Unsavable, rebuild, standalone
from tests.cells import Notebook, cell


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
    """An empty store, and the toy in the register."""
    monkeypatch.setenv("DGM_HOME", str(tmp_path / "home"))
    monkeypatch.setitem(REGISTER, "toy.half", HALF)
    monkeypatch.setattr(Answers, "unsaved", {})
    return tmp_path / "home"


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


# --------------------------------------------------------------------------- hints and progress


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
        "\nin all: 0 of 1 exercises, 0 of 7 minutes"
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
    assert max(map(len, text.splitlines())) <= 100


# ------------------------------------------------------------------------- files that are not fine


@pytest.mark.parametrize("content", [
    b"", b"{", b"\xff\xfe", b"[]", b'{"other": "program"}', b"null",
    b'{"format": "dgm-course answers 99", "exercises": {}}',
    b'{"format": "dgm-course answers 1", "exercises": []}',
    b'{"format": "dgm-course answers 1", "exercises": {"a.b": 3}}',
    b'{"format": "dgm-course answers 1", "exercises": {"a.b": {"hints": "3"}}}',
    b'{"format": "dgm-course answers 1", "exercises": {"a.b": {"new": 3}}}',
], ids=range(11))
def test_a_file_that_is_not_ours_is_set_aside_and_said_so_once(content, home, capsys):
    home.mkdir()
    for turn in (1, 2):
        (home / "answers.json").write_bytes(content)
        check("toy.half", cell(RIGHT))
        assert f"it is kept as answers.json.set-aside-{turn}" in capsys.readouterr().out
        assert (home / f"answers.json.set-aside-{turn}").read_bytes() == content
        check("toy.half", cell(WRONG))
        assert "set-aside" not in capsys.readouterr().out
        assert Answers().get("toy.half").status == "passed"


@pytest.mark.parametrize("look", [lambda: progress(), lambda: mine("toy.half")])
def test_looking_does_not_overwrite_a_foreign_file(look, home):
    home.mkdir()
    (home / "answers.json").write_text("mine!")
    look()
    assert (home / "answers.json.set-aside-1").read_text() == "mine!"


def test_a_folder_that_cannot_be_made(home, capsys):
    home.write_text("a file where the folder should be")
    answer = cell(RIGHT)
    assert check("toy.half", answer) is answer
    assert "this could not be saved: " in capsys.readouterr().out
    hint("toy.half")
    hint("toy.half")
    out = capsys.readouterr().out
    assert "hint 1 of 2" in out and "hint 2 of 2" in out, "a session remembers what it cannot save"
    assert mine("toy.half")(torch.ones(1)) == 0.5
    assert "[x] half" in repr(progress())
    home.unlink()
    Answers().update("toy.half", lambda record: None)
    assert (Answers().get("toy.half").status, Answers().get("toy.half").hints) == ("passed", 2)


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk(step, home, capsys, monkeypatch):
    check("toy.half", cell(RIGHT))
    before = (home / "answers.json").read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, full)
    answer = cell("def f(x):\n    return x * 0.5")
    assert check("toy.half", answer) is answer
    assert "this could not be saved: No space left on device" in capsys.readouterr().out
    assert (home / "answers.json").read_bytes() == before


@pytest.mark.skipif(os.geteuid() == 0 if hasattr(os, "geteuid") else True,
                    reason="the superuser may write everywhere")
def test_a_folder_that_is_read_only(home, capsys):
    check("toy.half", cell(RIGHT))
    home.chmod(0o500)
    check("toy.half", cell("def f(x):\n    return x * 0.5"))
    assert "this could not be saved: Permission denied" in capsys.readouterr().out
    assert mine("toy.half") is not half
    home.chmod(0o700)


def test_another_kernel_that_never_ends_does_not_stop_this_one(home, capsys, monkeypatch):
    monkeypatch.setattr(store, "PATIENCE", 0.2)
    home.mkdir()
    with store.FileLock(str(home / "answers.json.lock")):
        answer = cell(RIGHT)
        assert check("toy.half", answer) is answer
    assert "this could not be saved" in capsys.readouterr().out


# --------------------------------------------------------------------------- many at once

WRITER = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("answers", {path!r})
module = importlib.util.module_from_spec(spec)
sys.modules["answers"] = module
spec.loader.exec_module(module)
def count(record): record.hints += 1
store = module.Answers()
for number in range({times}):
    for name in ({name!r}, "toy.shared"):
        store.update(name, count)
        print(name, flush=True)
"""


def _writer(name, times):
    script = WRITER.format(path=store.__file__, name=name, times=times)
    return subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)


def test_kernels_that_write_at_once_lose_nothing():
    writers = [_writer(f"toy.{number}", 15) for number in range(6)]
    assert [writer.wait(60) for writer in writers] == [0] * 6
    for writer in writers:
        writer.stdout.close()
    hints = {name: record.hints for name, record in Answers().read().items()}
    assert hints == {f"toy.{number}": 15 for number in range(6)} | {"toy.shared": 90}


def test_a_kill_at_any_moment_loses_nothing(home):
    acknowledged = 0
    chance = random.Random(0)
    for _ in range(8):
        writer = _writer("toy.0", 10_000)
        writer.stdout.readline()
        time.sleep(chance.uniform(0, 0.1))
        writer.send_signal(signal.SIGKILL)
        lines = writer.stdout.read().splitlines()
        writer.stdout.close()
        writer.wait()
        acknowledged += 1 + sum(line == "toy.0" for line in lines)
        hints = Answers().get("toy.0").hints
        assert acknowledged <= hints <= acknowledged + 1  # one may be written but not yet said
        acknowledged = hints
    assert not list(home.glob("*set-aside*"))


# --------------------------------------------------------------------------- where


@pytest.mark.parametrize(("platform", "variables", "expected"), [
    ("linux", {}, "~/.local/share/dgm-course"),
    ("linux", {"XDG_DATA_HOME": "/data"}, "/data/dgm-course"),
    ("darwin", {}, "~/Library/Application Support/dgm-course"),
    ("win32", {}, "~/AppData/Roaming/dgm-course"),
    ("win32", {"APPDATA": "/roaming"}, "/roaming/dgm-course"),
    ("win32", {"DGM_HOME": "~/here"}, "~/here"),
])
def test_the_folder(platform, variables, expected, monkeypatch):
    for name in ("DGM_HOME", "XDG_DATA_HOME", "APPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert folder() == Path(expected).expanduser()


def test_the_error_when_nothing_can_be_written(home):
    home.write_text("")
    with pytest.raises(NotSaved):
        Answers().update("toy.half", lambda record: None)
