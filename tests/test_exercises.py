"""Every exercise of every lecture: its reference, its mistakes, its other right answers."""

import math
import re

import pytest

from dgm_lib.exercises import evaluate
from dgm_lib.exercises.engine.examine import Examination, Unattempted
from dgm_lib.exercises.engine.exercise import PACKAGE, find, lectures
from dgm_lib.exercises.engine.verdict import Verdict
from tests.mutants import mutants

EXERCISES = [e for group in lectures().values() for e in group
             if e.reference.__module__.startswith(PACKAGE)]

# Faults that no test can see, since the function stays right: exercise, "before → after", why.
EQUIVALENT: dict[str, dict[str, str]] = {
    "diffusion.forward_noising": {"0 → -1": "betas has one axis, first and last"},
    "energy_models.moment_gap": {"0 → -1": "features(points) @ theta has one axis, first and last"},
}


def test_each_lecture_says_its_number_and_title():
    assert all(re.match(r"\d\d[a-z]? \w", title) for title in lectures() if lectures()[title])


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.name)
def test_the_reference_passes(exercise):
    assert evaluate(exercise, exercise.reference) == Verdict("pass")


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.name)
def test_other_right_answers_are_accepted(exercise):
    assert len(exercise.accepts) >= 3, f"{exercise.name} needs 3 other right answers or more"
    for right in exercise.accepts:
        assert evaluate(exercise, right) == Verdict("pass")


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.name)
def test_each_mistake_is_named(exercise):
    assert len(exercise.mistakes) >= 5, f"{exercise.name} needs 5 mistakes or more"
    for mistake in exercise.mistakes:
        verdict = evaluate(exercise, mistake.function)
        assert verdict.status == "fail", mistake.name
        assert mistake.hint in verdict.message, mistake.name


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.name)
def test_what_the_learner_reads(exercise):
    assert len(exercise.hints) >= 2, f"{exercise.name} needs 2 hints or more"
    assert exercise.title and 1 <= exercise.minutes <= 60
    for text in [*exercise.hints, *(mistake.hint for mistake in exercise.mistakes)]:
        assert text.strip() == text and "\n" not in text


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.name)
def test_faults_put_into_the_reference_are_noticed(exercise):
    every = dict(mutants(exercise.reference))
    alive = {words for words, faulty in every.items() if _passes(exercise, faulty)}
    assert len(every) >= 10, f"{exercise.name} is too short to be tested by mutants"
    assert alive == set(EQUIVALENT.get(exercise.name, {}))


def _passes(exercise, faulty):
    try:
        return Examination(exercise, faulty, (), seconds=5).complaint() is None
    except Unattempted:
        return False


def test_a_mistake_is_named_for_a_float_as_for_a_tensor() -> None:
    """The reference of `histogram_jsd` returns a float, and its mistakes return tensors."""
    exercise = find("arena.histogram_jsd")

    def bits(x, edges, mass):
        return exercise.reference(x, edges, mass) / math.log(2)

    assert "bits" in evaluate("arena.histogram_jsd", bits).message
