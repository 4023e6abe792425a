"""What a red team tried against the grader, beyond the twenty submissions of test_grade.py."""

import os
from pathlib import Path

import pytest
import torch
from handed_in import CELLS, HEAD_KL, IMPORTS, KL, REPARAMETERISE, RIGHT_R, does, notebook
from test_grade import LIMITS, rows_of
from test_grade_parts import told

from dgm_lib.exercises.engine.exercise import find
from dgm_lib.grade import evidence
from dgm_lib.grade.__main__ import main
from dgm_lib.grade.calls import forbid_hidden_memory
from dgm_lib.grade.judging import RAN, UNJUDGED, grade, hear
from dgm_lib.grade.needs import Unreadable, answer_to
from dgm_lib.grade.sandbox import Refused, Sandbox
from dgm_lib.grade.submissions import lectures, submissions

HIJACK = """\
import ctypes, os
server = os.getppid()
assert ctypes.CDLL(None).ptrace(16, server, 0, 0), "the server is mine"
for name in ("mem", "fd/0", "fd/1", "fd/3"):
    try:
        os.open(f"/proc/{server}/{name}", os.O_RDWR)
    except OSError:
        continue
    raise AssertionError(name)
assert not os.access("/proc/sys/kernel/core_pattern", os.W_OK), "the kernel"
"""
SHARED = """\
import mmap, os, time
if not os.fork():
    shared = mmap.mmap(-1, 600 * 2**20)
    for place in range(0, len(shared), 4096): shared[place] = 1
    time.sleep(60)
shared = mmap.mmap(-1, 600 * 2**20)
for place in range(0, len(shared), 4096): shared[place] = 1
time.sleep(60)"""
TRIED = ("triton", "onnx", "tensorflow", "gmpy2", "xarray")  # modules that torch looks for
BESIDE = "open('/tmp/beside', 'w')\nwhile True: pass"
CLASS = {
    "hijack": [IMPORTS, does(HIJACK)],
    "shared memory": [IMPORTS, does(SHARED)],
    "beside": [IMPORTS, does("import os\nassert not os.path.exists('/tmp/beside')")],
    "inline": ["%matplotlib inline\n" + IMPORTS, RIGHT_R],
}


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """The rows of a class that attacks the server and its limits."""
    try:
        Sandbox().require()
    except Refused as reason:
        pytest.skip(str(reason))
    folder, out = tmp_path_factory.mktemp("class"), tmp_path_factory.mktemp("grades")
    for learner, cells in CLASS.items():
        (folder / learner).mkdir()
        (folder / learner / "03a_vae.ipynb").write_text(notebook(cells))
    for name in TRIED:
        (folder / "beside" / f"{name}.py").write_text(BESIDE)
    assert main([str(folder), "--out", str(out), *LIMITS]) == 0
    return rows_of(out)


def test_the_server_cannot_be_taken_over(rows: dict) -> None:
    assert rows["hijack"][KL]["result"] == "passed", rows["hijack"][KL]


def test_shared_memory_counts(rows: dict) -> None:
    assert "GB of memory" in rows["shared memory"][KL]["diagnosis"]


def test_the_server_imports_nothing_that_was_handed_in(rows: dict) -> None:
    assert rows["beside"][KL]["result"] == "passed", rows["beside"][KL]


def test_a_notebook_may_ask_for_its_pictures_inline(rows: dict) -> None:
    assert rows["inline"][REPARAMETERISE]["notebook"] == RAN


def test_memory_cannot_be_hidden() -> None:
    process = os.fork()
    if process == 0:
        forbid_hidden_memory()
        works = os.system("true") == 0 and float(torch.ones(2).sum()) == 2
        try:
            os.memfd_create("hidden")
        except OSError:
            os._exit(0 if works else 2)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0


def test_samples_are_compared_too() -> None:
    exercise = find("arena.KernelDensity")
    right = exercise.reference.sample

    class Silent(exercise.reference):
        def sample(self, n):
            return torch.zeros(n, 2)

    class Noiseless(exercise.reference):
        def sample(self, n):
            return right(self, n).round(decimals=-1)

    for wrong in (Silent, Noiseless):
        assert evidence.complaint(exercise, told(exercise, wrong))


def test_a_check_within_a_function_is_named() -> None:
    inside = "def judge():\n    def f(x):\n        return x\n    check('a.f', f)\njudge()"
    with pytest.raises(Unreadable, match="in a function, and uses f of it"):
        answer_to("a.f", [inside])
    assert answer_to("a.f", [inside, "f = abs\ncheck('a.f', f)"]).cell == 2
    assert answer_to("a.f", ["f = abs\ndef judge():\n    check('a.f', f)\njudge()"]).cell == 1


def test_a_link_to_another_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "ann").mkdir()
    (tmp_path / "ann" / "03a_vae.ipynb").write_text(notebook(CELLS["right"]))
    (tmp_path / "bob").symlink_to(tmp_path / "ann")
    ann, bob = submissions(tmp_path)
    assert not ann.problem and "link" in bob.problem and bob.cells == ()


def test_a_sandbox_that_cannot_start_is_no_end(tmp_path: Path) -> None:
    """As on a machine without memory for one more process."""

    class Full(Sandbox):
        def replies(self, job, folder):
            raise BlockingIOError("Resource temporarily unavailable")
            yield

    (tmp_path / "ann.ipynb").write_text(notebook([IMPORTS, HEAD_KL + "pass"]))
    [handed_in] = submissions(tmp_path, [lectures()[0].name])
    marks = grade(handed_in, hear(handed_in, Full(), True)).marks
    assert {mark.result for mark in marks} == {UNJUDGED}
    assert "temporarily unavailable" in marks[0].why
