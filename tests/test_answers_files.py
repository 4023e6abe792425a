"""The file of answers: nothing is lost to foreign files, full disks, other kernels or kills."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from dgm_lib.exercises import check, hint, mine, progress
from dgm_lib.exercises.engine import answers as store
from dgm_lib.exercises.engine.answers import Answers, NotSaved, folder
from tests.cells import cell
from tests.half import RIGHT, WRONG, half, home  # noqa: F401

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
