"""The parts of the grader: what an answer needs, what is believed, what is found in a folder."""

import ast
import json
from pathlib import Path

import pytest
import torch
from handed_in import CELLS, KL, REPARAMETERISE, notebook

from dgm_lib.exercises.engine.exercise import Exercise, find, lectures
from dgm_lib.grade import evidence, tables
from dgm_lib.grade.judging import (
    FAILED,
    NOT_RUN,
    PASSED,
    RAN,
    UNJUDGED,
    UNTRIED,
    Grade,
    Mark,
    grade,
)
from dgm_lib.grade.needs import Unreadable, answer_to
from dgm_lib.grade.sandbox import ROOT
from dgm_lib.grade.submissions import Submission, submissions
from dgm_lib.grade.submissions import lectures as notebooks

# ------------------------------------------------------------------------ what an answer needs

HEAD = "from dgm_lib.exercises import check\nimport torch, math"


def needed(*cells: str, exercise: str = "a.f") -> list[str]:
    """The statements that the answer to an exercise needs."""
    answer = answer_to(exercise, cells)
    return [ast.unparse(statement.node) for statement in answer.statements]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["x = 1\ndef f():\n    return 1", 'check("a.f", f)'], ["def f():\n    return 1"]),
        (["c = 2", "g = lambda: c", "d = 3", 'check("a.f", g)'], ["c = 2", "g = lambda: c"]),
        (["c = 1", "c = 2", "f = lambda: c", 'check("a.f", f)'], ["c = 2", "f = lambda: c"]),
        (["f = lambda: c", "c = 2", 'check("a.f", f)'], ["f = lambda: c", "c = 2"]),
        (["c = 1\nc += 1", "f = lambda: c", 'check("a.f", f)'],
         ["c = 1", "c += 1", "f = lambda: c"]),
        (["s = {}", "s['n'] = 3", "f = lambda: s", 'check("a.f", f)'],
         ["s = {}", "s['n'] = 3", "f = lambda: s"]),
        (["while True:\n    pass", "f = abs", "1 / 0", 'check("a.f", f)'], ["f = abs"]),
        (["from math import *", "f = lambda: sqrt(2)", 'check("a.f", f)'],
         ["from math import *", "f = lambda: sqrt(2)"]),
        (["f = 1", 'check("a.f", f)', "f = 2", 'check("a.f", f)'], ["f = 2"]),
        (["f = 1", 'f = check("a.f", answer=f)', "def (:"], ["f = 1"]),
        (['%time x = 1\ny = 2', 'check("a.f", y)'], ["y = 2"]),
        (["%%time\ny = 2", 'check("a.f", y)'], ["y = 2"]),
        ([None, "f = 1", None, 'course.check(name="a.f", answer=f)'], ["f = 1"]),
        (["class F:\n    n = N", "N = 1", 'check("a.f", F)'], ["class F:\n    n = N", "N = 1"]),
        (["f = 1", 'check("a.g", f)\ncheck("a.f", f)'], ["f = 1"]),
        (["await later()\nf = lambda: f\"{n!r:>{m}}\\n{'a'}\"\nn = m = 2", 'check("a.f", f)'],
         ["f = lambda: f\"{n!r:>{m}}\\n{'a'}\"", "n = m = 2"]),
        (["@wraps\ndef f():\n    return [n for n in N]", 'check("a.f", f)'],
         ["@wraps\ndef f():\n    return [n for n in N]"]),
    ],
)
def test_an_answer_needs_what_it_uses(cells: list[str], expected: list[str]) -> None:
    assert needed(*cells) == expected


def test_no_check_no_answer() -> None:
    assert answer_to("a.f", [HEAD, 'check("a.g", 3)', "check(name, 3)"]) is None


def test_a_cell_that_is_not_python_is_named() -> None:
    with pytest.raises(Unreadable, match="line 1"):
        answer_to("a.f", ['f = 1', 'def f(:\n    pass\ncheck("a.f", f)'])


@pytest.mark.parametrize(
    ("cells", "names"),
    [
        ([HEAD, 'check("a.f", lambda: torch.pi)'], []),
        (["from dgm_lib.exercises import check, vae", 'check("a.f", vae.gaussian_kl)'], ["vae"]),
        (["from dgm_lib.exercises import check, vae", "vae", 'check("a.f", abs)'], []),
        (["def f():\n    from dgm_lib.exercises.vae import g as h\n    return h",
          'check("a.f", f)'], ["h"]),
        (["import dgm_lib", 'check("a.f", dgm_lib.exercises.vae.g)'], ["vae"]),
        (["from dgm_lib.exercises import check, vae", "def f(x):\n    vae = x\n    return vae",
          'check("a.f", f)'], []),
        (["import dgm_lib.exercises as course", "g = course.check('a.g', abs)",
          'course.check("a.f", lambda x: g(x))'], []),
        (["import dgm_lib.exercises as course", 'course.check("a.f", lambda x: course.vae.g(x))'],
         ["vae"]),
    ],
)
def test_the_course_s_own_answers_are_noticed(cells: list[str], names: list[str]) -> None:
    assert answer_to("a.f", cells).borrowed() == names


@pytest.mark.parametrize("path", sorted((ROOT / "solutions").glob("*.ipynb")), ids=lambda p: p.stem)
def test_the_answers_of_every_solution_are_found(path: Path) -> None:
    """Each with its definition, without the pictures and the training around it."""
    parts = json.loads(path.read_bytes())["cells"]
    cells = ["".join(c["source"]) if c["cell_type"] == "code" else None for c in parts]
    [lecture] = [lecture for lecture in notebooks() if lecture.name == path.stem]
    for name in lecture.exercises:
        answer = answer_to(name, cells)
        assert answer.borrowed() == [] and 1 <= len(answer.statements) < 12
        assert any(answer.cell == statement.cell for statement in answer.statements)


# ------------------------------------------------------------------------ what is believed

EVERY = [exercise for group in lectures().values() for exercise in group]


def told(exercise: Exercise, answer) -> list:
    """The numbers of an answer as they come out of the sandbox."""
    numbers = [evidence.encode(value) for value in evidence.numbers(exercise, answer)]
    return json.loads(json.dumps(numbers))


@pytest.mark.parametrize("exercise", EVERY, ids=lambda exercise: exercise.name)
def test_every_right_answer_has_the_right_numbers(exercise: Exercise) -> None:
    for answer in (exercise.reference, *exercise.accepts):
        numbers = told(exercise, answer)
        assert numbers and evidence.complaint(exercise, numbers) == ""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [KL, "flows.AffineCoupling", "gan.adversarial_step",
                                  "wasserstein.critic_step", "energy_models.Persistent",
                                  "variational_inference.score_function_loss"])
def test_wrong_answers_have_wrong_numbers(name: str) -> None:
    """Most: what is wrong with a graph or a side effect is left to the check inside."""
    exercise, caught = find(name), 0
    for mistake in exercise.mistakes:
        try:
            caught += bool(evidence.complaint(exercise, told(exercise, mistake.function)))
        except Exception:
            caught += 1
    assert caught > 0.6 * len(exercise.mistakes)


@pytest.mark.parametrize("numbers", [
    None, [], "x", [1.0] * 12, [None] * 24, [{}] * 24, [{"dtype": "float32"}] * 24,
    [{"dtype": "object", "shape": [1], "data": ""}] * 24,
    [{"dtype": "float32", "shape": [-1], "data": "AAAAAA=="}] * 24,
    [{"dtype": "float32", "shape": ["a"], "data": 3}] * 24, [[[[[]]]]] * 24,
])
def test_numbers_that_are_none_are_refused(numbers) -> None:
    for name in (KL, "foundations.monte_carlo_kl", "foundations.permutation_p_value"):
        assert evidence.complaint(find(name), numbers)


@pytest.mark.parametrize("value", [
    torch.zeros(0, 2), torch.tensor(3), torch.tensor([True]), torch.rand(2, 3).double(), 1.5,
    float("inf"), 3, True, (torch.ones(1), 2.0), None,
])
def test_numbers_travel_unchanged(value) -> None:
    back = evidence.decode(json.loads(json.dumps(evidence.encode(value))))
    assert repr(back) == repr(value)


def test_a_pass_without_the_numbers_is_no_pass() -> None:
    lecture = next(lecture for lecture in notebooks() if KL in lecture.exercises)
    handed_in = Submission("a", Path("a.ipynb"), lecture, ())
    wrong = find(KL).mistakes[0].function
    said = {"status": "pass", "message": ""}
    for reply, result in [
        (said, FAILED),
        (said | {"numbers": told(find(KL), wrong)}, FAILED),
        (said | {"numbers": told(find(KL), find(KL).reference), "seconds": "\n"}, PASSED),
        (said | {"ended": "it was stopped"}, FAILED),
        ({"broken": "no sandbox"}, UNJUDGED),
        ({"status": "todo"}, UNTRIED),
        ({"status": "broken", "message": 3}, UNJUDGED),
        ({"status": ["pass"], "message": None}, FAILED),
    ]:
        marks = grade(handed_in, [reply] * len(lecture.exercises)).marks
        assert next(mark for mark in marks if mark.exercise == KL).result == result


# ------------------------------------------------------------------------ folders and tables


def test_folders_and_files_are_found(tmp_path: Path) -> None:
    (tmp_path / "ann" / "sub").mkdir(parents=True)
    (tmp_path / "ann" / ".ipynb_checkpoints").mkdir()
    text = notebook(CELLS["right"])
    for name in ("ann/sub/03a_vae.ipynb", "ann/Copy of 03a_vae.ipynb", "bob.ipynb", ".hidden.ipynb",
                 "ann/.ipynb_checkpoints/03a_vae-checkpoint.ipynb"):
        (tmp_path / name).write_text(text)
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "eve").mkdir()
    (tmp_path / "eve" / "03a_vae.ipynb").symlink_to(tmp_path / "bob.ipynb")
    (tmp_path / "zoe").mkdir()
    found = {(s.learner, s.path.name): s for s in submissions(tmp_path)}
    assert list(found) == [("ann", "03a_vae.ipynb"), ("bob", "bob.ipynb"),
                           ("eve", "03a_vae.ipynb"), ("zoe", "zoe")]
    assert {s.lecture.name for s in found.values()} == {"03a_vae"}
    assert [bool(s.problem) for s in found.values()] == [False, False, True, True]
    assert REPARAMETERISE in found["bob", "bob.ipynb"].lecture.exercises
    assert [s.learner for s in submissions(tmp_path, ["00"])] == ["zoe"]  # who handed in nothing
    assert len(submissions(tmp_path, ["00", "03a"])) == 4


def test_every_lecture_is_known_by_its_exercises() -> None:
    assert {lecture.name[:2] for lecture in notebooks()} >= {"00", "02", "03", "05"}
    for lecture in notebooks():
        assert lecture.exercises and all(find(name) for name in lecture.exercises)


def test_the_summary_says_of_notebooks_that_nobody_ran_that_they_were_not_run() -> None:
    ran, idle, broken = (Grade("ada", "00", how, (), 0.0) for how in (RAN, NOT_RUN, "broke"))
    assert "2 of them not run;" in tables.summary([idle, idle])
    assert "0 of them did not run to the end;" in tables.summary([ran])
    assert "1 of them not run, 1 of them did not run to the end;" in tables.summary([idle, broken])


def test_the_tables_keep_text_harmless() -> None:
    mark = Mark(KL, FAILED, "=1+1\n<b>&", 1.0)
    grades = [Grade("=cmd()", "03a_vae", RAN, (mark,), 2.0), Grade("bob", "", "<i>", (), 0.0)]
    text = tables.as_csv(grades)
    assert "'=cmd()" in text and "'=1+1" in text and text.count("\r\n") == 3
    page = tables.as_html(grades)
    assert "<b>" not in page and "<i>" not in page and "&lt;b&gt;&amp;" in page
    assert "2 notebooks of 2 learners, 1 of them did not run to" in tables.summary(grades)
    assert Grade.of(json.loads(json.dumps(grades[0].values()))) == grades[0]
