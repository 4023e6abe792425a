"""What an exercise may return and be given, how it is declared, found and reported."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from dgm_lib.exercises import Exercise, Tolerance, check, evaluate
from dgm_lib.exercises.engine.desk import WIDTH, report
from dgm_lib.exercises.engine.exercise import REGISTER
from dgm_lib.exercises.engine.verdict import Verdict
from tests.cells import Notebook, cell
from tests.toys import SQUASH, TOYS, Mean, squash

ROOT = Path(__file__).parents[1]
RIGHT = "def f(x, sigma):\n    return (x**2 / sigma).sum(dim=-1)"


@pytest.fixture(autouse=True)
def registered(monkeypatch, tmp_path):
    """Register the toys for the time of a test, and give it a store of its own."""
    for toy in TOYS:
        monkeypatch.setitem(REGISTER, toy.name, toy)
    monkeypatch.setenv("DGM_HOME", str(tmp_path))


# --------------------------------------------------------------------------- outputs of all kinds


def _one(reference, **settings):
    """An exercise of one case, x = [1.5, 2.5], that is not left in the register."""

    def cases(generator, dtype):
        return [(torch.tensor([1.5, 2.5], dtype=dtype),)]

    exercise = Exercise(reference, name="toy.one", title="", minutes=1, difficulty=1, cases=cases,
                        **settings)
    del REGISTER["toy.one"]
    return exercise


@pytest.mark.parametrize(("reference", "answer", "words"), [
    (lambda x: 1.5, lambda x: 1.5, ""),
    (lambda x: 1.5, lambda x: np.float64(1.5), ""),
    (lambda x: 2.0, lambda x: 2, ""),
    (lambda x: 1.5, lambda x: x[0] * 0 + 1.5, ""),
    (lambda x: 1.5, lambda x: x, "expected one number, got a tensor of shape (2,)"),
    (lambda x: 3, lambda x: x[0] * 0 + 3, "expected an int, got a Tensor: `.item()` makes"),
    (lambda x: 1.5, lambda x: 1.6, "yours 1.6, expected 1.5"),
    (lambda x: 1.5, lambda x: "1.5", "expected a float, got a str"),
    (lambda x: 1.5, lambda x: float("nan"), "the result must be finite"),
    (lambda x: 1.5, lambda x: True, "expected a float, got a bool"),
    (lambda x: True, lambda x: 1, "expected True or False, got an int"),
    (lambda x: 3, lambda x: 4, "yours 4, expected 3"),
    (lambda x: (x, 1.0), lambda x: (x.clone(), 1.0), ""),
    (lambda x: (x, 1.0), lambda x: [x, 1.0], ""),
    (lambda x: (x, 1.0), lambda x: x, "expected a tuple of 2, got a Tensor"),
    (lambda x: (x, 1.0), lambda x: (x,), "expected a tuple of 2, got 1 value"),
    (lambda x: (x, 1.0), lambda x: (x, 2.0), "value 2 of 2: yours 2, expected 1"),
    (lambda x: (x, 1.0), lambda x: (x[:1], 1.0), "value 1 of 2: the shape is (1,), expected (2,)"),
    (lambda x: Mean(1.0, 2.0), lambda x: (1.0, 2.0), "expected Mean(value, stderr), got a tuple"),
    (lambda x: Mean(1.0, 2.0), lambda x: Mean(1.0, 3.0), "`stderr` of 2: yours 3, expected 2"),
    (lambda x: x > 2, lambda x: x > 1, "yours [True, True], expected [False, True]"),
    (lambda x: x.long(), lambda x: x.long() + 1, "yours [2, 3], expected [1, 2]"),
    (lambda x: x * 1, lambda x: x + 1e-5, "yours [1.50001, 2.50001], expected [1.5, 2.5]"),
    (lambda x: x.expand(9, 2), lambda x: x.expand(9, 2) + torch.eye(9, 2, dtype=x.dtype),
     "yours at index (0, 0) 2.5, expected 1.5"),
    (lambda x: x * 1, lambda x: torch.nn.Parameter(x), ""),
    (lambda x: x[:0], lambda x: x[:0], ""),
], ids=range(26))
def test_outputs_of_all_kinds(reference, answer, words):
    exercise = _one(reference, tolerances={torch.float32: Tolerance(1e-6, 0)})
    verdict = evaluate(exercise, answer)
    assert verdict.status == ("fail" if words else "pass")
    assert words in verdict.message


def test_arguments_of_all_kinds_are_fresh_in_each_call():
    class Law:
        def __init__(self):
            self.calls, self.scale = 0, torch.ones(1)

        def sample(self, n, generator):
            self.calls += 1
            self.scale *= 2
            return self.calls * self.scale * torch.randn(n, generator=generator)

    def cases(generator, dtype):
        return [(Law(), [torch.ones(2, dtype=dtype)], 3, torch.Generator().manual_seed(1), abs)]

    def twice(law, parts, n, generator, f):
        return law.sample(n, generator) + f(parts[0].sum())

    exercise = Exercise(twice, name="toy.one", title="", minutes=1, difficulty=1, cases=cases)
    del REGISTER["toy.one"]
    assert evaluate(exercise, lambda *args: twice(*args)) == Verdict("pass")
    verdict = evaluate(exercise, lambda *args: twice(*args) + 1)
    assert "parts = [[1, 1]], n = 3, f = a function:" in verdict.message
    assert "law = Law" in verdict.message

    def careless(law, parts, *rest):
        parts[0].mul_(1)
        return twice(law, parts, *rest)

    assert "changes its input `parts` in place" in evaluate(exercise, careless).message


def test_what_the_reference_touches_the_answer_may_touch():
    exercise = _one(lambda x: torch.rand(2) * 0 + x.mean(), compare=lambda *_: None)
    assert evaluate(exercise, lambda x: torch.randn(2) * 0 + x.mean()) == Verdict("pass")
    before = torch.get_rng_state()
    evaluate(exercise, exercise.reference)
    assert torch.equal(before, torch.get_rng_state())

# --------------------------------------------------------------------------- the course's faults


def test_a_reference_that_fails_is_not_the_learners_fault(capsys, monkeypatch):
    exercise = _one(lambda x: x * 1, properties=[lambda fn, g: 1 / 0])
    monkeypatch.setitem(REGISTER, "toy.one", exercise)
    answer = lambda x: x  # noqa: E731
    assert evaluate(exercise, answer).status == "broken"
    assert check("toy.one", answer) is exercise.reference
    report_ = capsys.readouterr().out
    assert "[?] toy.one: the check itself fails, through no fault of yours" in report_


def test_an_exception_in_a_property_is_not_blamed_on_the_learner():
    def picky(fn, generator):
        """a picky test"""
        left, right = fn(torch.ones(2)), 1
        return {1.5: right}[float(left.sum())] if len(left) == 1 else None

    exercise = _one(lambda x: x * 1, properties=[picky], compare=lambda *_: None)
    verdict = evaluate(exercise, cell("def f(x): return x * 1 if x.sum() > 2 else x[:1]"))
    assert verdict.status == "fail"
    assert "“a picky test” cannot use what it gets from your code: KeyError" in verdict.message
    assert "your code raised" not in verdict.message

# --------------------------------------------------------------------------- names and declarations


@pytest.mark.parametrize(("name", "words"), [
    ("toy.sqash", "did you mean toy.squash"),
    ("squash", "did you mean toy.squash"),
    ("tooy.mean_of", "toy.mean_of"),
    ("engine.exercise", "there is no exercise"),
    ("../x.y", "there is no exercise"),
    ("", "there is no exercise"),
    (3, "must be a string"),
    (squash, "must be a string"),
])
def test_unknown_names(name, words):
    with pytest.raises(ValueError, match=words):
        check(name, squash)


@pytest.mark.parametrize(("settings", "words"), [
    ({"difficulty": 4, "properties": [print]}, "difficulty must be 1, 2 or 3, got 4"),
    ({"difficulty": 1}, "cases or properties must be given"),
    ({"difficulty": 1, "properties": [print], "grad_wrt": ["y"]}, "grad_wrt must name arguments"),
])
def test_wrong_declarations(settings, words):
    with pytest.raises(ValueError, match=words):
        Exercise(squash, title="", minutes=1, **settings)


def test_a_lecture_is_imported_when_it_is_first_asked_for():
    script = (
        "import sys, dgm_lib.exercises as e\n"
        "before = [m for m in sys.modules if m.startswith('dgm_lib.exercises.foundations')]\n"
        "try: e.check('foundations.nothing_such', None)\n"
        "except ValueError as error: print(before, 'there is no exercise' in str(error))\n"
    )
    out = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True,
                         text=True, check=True)
    assert out.stdout.strip() == "[] True"

# --------------------------------------------------------------------------- reports


def test_reports(capsys):
    notebook = Notebook()
    stub = notebook.run("def f(x, sigma): ...")
    wrong = notebook.run("def f(x, sigma):\n    print('x is', x.shape)\n    return x.sum()")
    right = notebook.run(RIGHT)
    assert check("toy.squash", stub) is squash
    assert check("toy.squash", wrong) is squash
    assert check("toy.squash", right) is right
    assert capsys.readouterr().out == (
        "[ ] toy.squash: not attempted yet; the course's version is used from here on\n"
        "[!] toy.squash: not right yet; the course's version is used from here on\n"
        "    for x = [[1.742, -0.4934]], sigma = [[0.6718, 0.1937]]:\n"
        "    the shape is (), expected (1,) = (batch,)\n"
        "    your function printed, when first called:\n"
        "        x is torch.Size([1, 2])\n"
        '    hint("toy.squash") helps\n'
        "[x] toy.squash: right; your version is used from here on\n"
        "    tested: values, shapes, float32 and float64; gradients in x and sigma; even in x\n"
    )


@pytest.mark.parametrize("source", [
    "def f(x, sigma): raise ValueError('long words ' * 99)",
    "def f(x, sigma): raise ValueError('x' * 999)",
    "def f(x, sigma):\n    print('y' * 9999)\n    return " + "x + " * 50 + "sigma",
    "def f(x, sigma):\n    raise ValueError(object())",
])
def test_reports_are_narrow_and_have_no_addresses(source):
    text = report(SQUASH, evaluate(SQUASH, cell(source)), [])
    assert max(map(len, text.splitlines())) <= WIDTH
    assert len(text) < 2500
    assert "0x" not in text
