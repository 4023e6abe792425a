"""The verdict on an answer: right, wrong and why, or not there yet."""

import contextlib
import functools
import os
from typing import Any, NamedTuple

import torch

from dgm_lib.exercises.engine.cases import Case, cases, course_call
from dgm_lib.exercises.engine.compare import form_differs, kind_differs
from dgm_lib.exercises.engine.examine import Examination, Mismatch, Unattempted
from dgm_lib.exercises.engine.exercise import Exercise, Fail, Mistake, find
from dgm_lib.exercises.engine.inputs import fresh
from dgm_lib.exercises.engine.learner import describe


class Verdict(NamedTuple):
    """What came out of an evaluation.

    status: "todo", "pass", "fail", or "broken" where the course itself is at fault.
    message: what is wrong, in words for the learner.
    printed: the beginning of what the answer printed when it was first called.
    """

    status: str
    message: str = ""
    printed: str = ""


def evaluate(exercise: Exercise | str, answer: Any) -> Verdict:
    """Judge an answer; prints and stores nothing, and raises nothing but KeyboardInterrupt."""
    exercise = exercise if isinstance(exercise, Exercise) else find(exercise)
    if answer is Ellipsis:
        return Verdict("todo")
    with torch.enable_grad(), _on_cpu():
        try:
            allowed = _allowed(exercise)
        except (Exception, Fail) as error:
            return Verdict("broken", describe(error))
        try:
            return _judge(exercise, answer, allowed)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return Verdict("fail", f"your answer cannot be judged: {describe(error)}")


def _on_cpu() -> contextlib.AbstractContextManager:
    """The cases are made on the CPU, whatever default device the notebook has set."""
    is_cpu = torch.get_default_device().type == "cpu"
    return contextlib.nullcontext() if is_cpu else torch.device("cpu")


def _judge(exercise: Exercise, answer: Any, allowed: tuple[str, ...]) -> Verdict:
    seconds = float(os.environ.get("DGM_CHECK_SECONDS", exercise.seconds))
    examination = Examination(exercise, answer, allowed, seconds)
    try:
        complaint = examination.complaint()
    except Unattempted:
        return Verdict("todo")
    printed = examination.guard.printed or ""
    if complaint is None:
        return Verdict("pass", printed=printed)
    hint = _diagnosis(examination, complaint)
    words = [*examination.remarks(), *str(complaint).splitlines()]
    if hint and hint not in "\n".join(words):
        words.insert(0, hint)
    return Verdict("fail", "\n".join(dict.fromkeys(words)), printed)


@functools.cache
def _allowed(exercise: Exercise) -> tuple[str, ...]:
    """What the reference itself does to the global state; raises Fail if it does not pass."""
    examination = Examination(exercise, exercise.reference, (), seconds=3600)
    examination.run()
    return tuple(examination.guard.deeds)


# ---------------------------------------------------------------------- which mistake it is


def _diagnosis(examination: Examination, complaint: Fail) -> str:
    """The hint of the known mistake that behaves like the answer, "" if there is none."""
    exercise = examination.exercise
    is_mismatch, is_exact = isinstance(complaint, Mismatch), exercise.compare is None
    # The very same numbers say more than what a mistake is recognised by, similar ones say less.
    if is_mismatch and is_exact and (hint := _same_output(examination, complaint)):
        return hint
    for mistake in exercise.mistakes:
        if mistake.recognise and _is_recognised(mistake, examination):
            return mistake.hint
    if is_mismatch:
        return "" if is_exact else _same_output(examination, complaint)
    for mistake in exercise.mistakes:
        if str(complaint) == _complaint_of(exercise, mistake):
            return mistake.hint
    return ""


def _is_recognised(mistake: Mistake, examination: Examination) -> bool:
    generator = torch.Generator().manual_seed(99)
    try:
        return bool(examination.guard.call(mistake.recognise, examination.answer, generator))
    except KeyboardInterrupt:
        raise
    except BaseException:
        return False


@functools.cache
def _complaint_of(exercise: Exercise, mistake: Mistake) -> str:
    """What is said of a known mistake."""
    examination = Examination(exercise, mistake.function, _allowed(exercise), seconds=3600)
    try:
        return str(examination.complaint() or "")
    except Unattempted:
        return ""


def _same_output(examination: Examination, complaint: Mismatch) -> str:
    """The hint of the mistake with the same output here, and on most of the other cases."""
    every = cases(examination.exercise, complaint.case.dtype)
    outputs = [_output(examination, case) for case in every]
    best, most = "", 0
    for mistake in examination.exercise.mistakes:
        if _agrees(examination, mistake, complaint.case, complaint.out):
            agreed = sum(_agrees(examination, mistake, *pair) for pair in zip(every, outputs))
            if agreed > most:
                best, most = mistake.hint, agreed
    return best


def _output(examination: Examination, case: Case) -> Any:
    try:
        return examination.call(case, examination.answer, *fresh(case.args))
    except (Fail, Unattempted):
        return None


def _agrees(examination: Examination, mistake: Mistake, case: Case, out: Any) -> bool:
    try:
        wrong = course_call(mistake.function, *fresh(case.args))
        if isinstance(out, float) and isinstance(wrong, torch.Tensor) and wrong.ndim == 0:
            wrong = wrong.item()  # an exercise that asks for a number takes either
        if kind_differs(out, wrong) or form_differs(out, wrong, ""):
            return False
        return not examination.value_differs(case, out, wrong)
    except Exception:  # a `compare` need not be made for what wrong answers return
        return False
