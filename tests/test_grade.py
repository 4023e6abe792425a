"""The grader on twenty submissions, eleven of them hostile: each in one row, and no harm done."""

import csv
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from handed_in import KL, LEARNERS, REPARAMETERISE, hand_in

from dgm_lib.grade import __main__ as grader
from dgm_lib.grade.__main__ import main
from dgm_lib.grade.judging import RAN
from dgm_lib.grade.sandbox import ROOT, Refused, Sandbox

LIMITS = ["--seconds", "3", "--memory", "1", "--jobs", "2"]
STOPPED = "it was stopped"
WRONG = "for mu = "  # a diagnosis with the inputs that show it
NEITHER = ("not attempted", "")

# What the table must say: of the notebook, of reparameterise, of gaussian_kl.
EXPECTED = {
    "right": (RAN, ("passed", ""), ("passed", "")),
    "wrong": (
        RAN,
        ("failed", "is the variance: epsilon is multiplied with sigma"),
        ("failed", "the factor 1/2 is missing"),
    ),
    "untouched": (RAN, NEITHER, NEITHER),
    "another style": (RAN, ("passed", ""), ("passed", "")),
    "broken JSON": ("cannot be read", ("not judged", "JSON"), ("not judged", "JSON")),
    "syntax error": ("cell 4: SyntaxError", ("passed", ""), ("failed", "not Python: line 1")),
    "<img src=x onerror=alert(1)>": (
        "cell 4: ZeroDivisionError", ("failed", "<script>alert"), ("passed", "")),
    "endless loop": (STOPPED, ("passed", ""), ("passed", "")),
    "endless answer": (STOPPED, ("failed", "stopped|no answer within"), ("failed", STOPPED)),
    "memory bomb": (
        "stopped|emory", NEITHER, ("failed", "out of memory")),
    "fork bomb": (STOPPED, NEITHER, ("failed", STOPPED)),
    "file deletion": ("", ("passed", ""), (".*", "")),
    "network": ("refused|unreachable", NEITHER, ("failed", "refused|unreachable")),
    "patched engine": (
        ".*", ("failed", "replaces functions of the course"), ("failed", "what it returned is")),
    "replaced check": (RAN, ("failed", WRONG), ("failed", WRONG)),
    "edited course": (RAN, ("failed", WRONG), ("failed", WRONG)),
    "fake verdict": (".*", ("failed|not judged", ".+"), ("failed|not judged", ".+")),
    "exit": ("exit|ended", ("failed", "ends Python"), ("failed", "with status 3")),
    "gigabytes": ("broke", ("passed", ""), ("failed", "too large|stopped|space|MemoryError")),
    "thief": (RAN, ("failed", "where the course keeps its own answers"), NEITHER),
}


class Graded(NamedTuple):
    """A class that was graded: what was handed in, where the table is, its rows by learner."""

    folder: Path
    out: Path
    rows: dict[str, dict[str, dict[str, str]]]
    callers: int


def rows_of(out: Path) -> dict[str, dict[str, dict[str, str]]]:
    """The rows of grades.csv by learner and exercise."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    with open(out / "grades.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["learner"], {})[row["exercise"]] = row
    return found


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    """A sandbox that works here."""
    sandbox = Sandbox(seconds=3, memory=2**30)
    try:
        sandbox.require()
    except Refused as reason:
        pytest.skip(str(reason))
    return sandbox


@pytest.fixture(scope="module", autouse=True)
def one_course() -> Iterator[None]:
    """Whoever edits the course during these tests does not make their grades old."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grader, "_course", lambda: "this course")
        yield


@pytest.fixture(scope="module")
def graded(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Graded:
    """All twenty, graded in one go; somebody listens where the network one calls."""
    folder, out = tmp_path_factory.mktemp("class"), tmp_path_factory.mktemp("grades")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        hand_in(folder, listener.getsockname()[1])
        assert main([str(folder), "--out", str(out), *LIMITS]) == 0
        listener.settimeout(0)
        try:
            callers = len(listener.accept())
        except BlockingIOError:
            callers = 0
    return Graded(folder, out, rows_of(out), callers)


def test_twenty_submissions_are_expected() -> None:
    assert len(LEARNERS) == 20 and set(LEARNERS) == set(EXPECTED)


@pytest.mark.parametrize("learner", EXPECTED)
def test_each_submission_gets_what_it_deserves(learner: str, graded: Graded) -> None:
    notebook, *marks = EXPECTED[learner]
    for exercise, (result, why) in zip((REPARAMETERISE, KL), marks):
        row = graded.rows[learner][exercise]
        assert re.search(notebook, row["notebook"]), row
        assert re.fullmatch(result, row["result"]) and re.search(why, row["diagnosis"]), row


def test_only_right_answers_pass(graded: Graded) -> None:
    passed = {
        (learner, exercise)
        for learner, rows in graded.rows.items()
        for exercise, row in rows.items()
        if row["result"] == "passed"
    }
    may = {
        (learner, exercise)
        for learner, (_, *marks) in EXPECTED.items()
        for exercise, (result, _) in zip((REPARAMETERISE, KL), marks)
        if re.fullmatch(result, "passed")
    }
    assert passed <= may


def test_nothing_was_deleted_or_written_and_nobody_called(graded: Graded) -> None:
    again = graded.out / "again"
    again.mkdir(exist_ok=True)
    hand_in(again, 1)
    files = {path.relative_to(again) for path in again.rglob("*")}
    assert {path.relative_to(graded.folder) for path in graded.folder.rglob("*")} == files
    shutil.rmtree(again)
    assert graded.callers == 0
    assert (ROOT / "dgm_lib" / "core.py").exists()
    assert {path.name for path in graded.out.iterdir()} == {"finished", "grades.csv", "grades.html"}


def test_the_page_holds_no_markup_of_a_learner(graded: Graded) -> None:
    page = (graded.out / "grades.html").read_text(encoding="utf-8")
    assert "&lt;img src=x" in page and "&lt;script&gt;" in page
    assert "<img" not in page and "<script" not in page and "http" not in page


def test_no_process_is_left(graded: Graded) -> None:
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    assert not [line for line in listed.splitlines() if str(graded.folder) in line]


def test_a_killed_run_goes_on(graded: Graded, capsys: pytest.CaptureFixture) -> None:
    """Kept grades are not judged again; only the one that is missing is."""
    kept = sorted((graded.out / "finished").glob("*.json"))
    times = {path: path.stat().st_mtime_ns for path in kept}
    [right] = [path for path in kept if '"learner": "right"' in path.read_text()]
    right.unlink()
    assert main([str(graded.folder), "--out", str(graded.out), *LIMITS, "--resume"]) == 0
    assert {p for p in kept if p.stat().st_mtime_ns != times[p]} == {right}
    assert set(rows_of(graded.out)) == set(LEARNERS)
    assert "20 notebooks of 20 learners" in capsys.readouterr().out


def test_without_bubblewrap_it_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    hand_in(tmp_path, 1)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert main([str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert "bubblewrap" in said and "--no-sandbox" in said and not (tmp_path / "out").exists()


def test_without_a_sandbox_the_limits_stay(tmp_path: Path) -> None:
    every, few = tmp_path / "all", tmp_path / "few"
    every.mkdir()
    hand_in(every, 1)
    for learner in ("wrong", "endless loop", "exit"):
        shutil.copytree(every / learner, few / learner)
    assert main([str(few), "--out", str(tmp_path / "out"), *LIMITS, "--no-sandbox"]) == 0
    rows = rows_of(tmp_path / "out")
    assert "the factor 1/2" in rows["wrong"][KL]["diagnosis"]
    assert STOPPED in rows["endless loop"][KL]["notebook"]
    assert "with status 3" in rows["exit"][KL]["diagnosis"]
