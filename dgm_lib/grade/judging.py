"""What is believed of what comes out of the sandbox."""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from dgm_lib.exercises.engine.exercise import find
from dgm_lib.grade.evidence import complaint
from dgm_lib.grade.sandbox import Broken, Sandbox
from dgm_lib.grade.submissions import Submission

PASSED, FAILED, UNTRIED, UNJUDGED = "passed", "failed", "not attempted", "not judged"
RAN, NOT_RUN = "ran", "not run"
LONGEST = 2000  # characters of a diagnosis


@dataclass(frozen=True)
class Mark:
    """One answer: passed, failed, not attempted or not judged; why; and the seconds it took."""

    exercise: str
    result: str
    why: str
    seconds: float


@dataclass(frozen=True)
class Grade:
    """One notebook: its marks, and whether it ran, or where it broke."""

    learner: str
    lecture: str
    notebook: str
    marks: tuple[Mark, ...]
    seconds: float

    @classmethod
    def of(cls, values: dict[str, Any]) -> "Grade":
        """The grade whose `asdict` this is."""
        return cls(**values | {"marks": tuple(Mark(**mark) for mark in values["marks"])})

    def values(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return asdict(self)


def hear(submission: Submission, sandbox: Sandbox, runs: bool) -> list[dict[str, Any]]:
    """All that the sandbox says of a submission: of each exercise, then of the run."""
    if submission.problem or not submission.lecture:
        return []
    exercises = submission.lecture.exercises
    job = {"cells": submission.cells, "exercises": exercises, "run": runs}
    heard: list[dict[str, Any]] = []
    missing = len(exercises) + runs
    try:
        heard.extend(sandbox.replies(job, submission.folder))
    except (Broken, OSError) as error:
        heard += [{"broken": str(error)}] * (missing - len(heard))
    return heard


def grade(submission: Submission, heard: Iterable[dict[str, Any]]) -> Grade:
    """The grade of a submission, from what the sandbox says of it. Runs no learner's code."""
    heard = list(heard)
    exercises = submission.lecture.exercises if submission.lecture else ()
    unknown = "" if submission.lecture else "its lecture is not known"
    notebook = _plain(submission.problem or unknown or NOT_RUN)
    marks = [Mark(name, UNJUDGED, notebook, 0.0) for name in exercises]
    if heard:
        marks = [_mark(name, reply) for name, reply in zip(exercises, heard)]
        notebook = _run(heard[len(exercises)]) if len(heard) > len(exercises) else NOT_RUN
    seconds = sum(map(_seconds, heard))
    lecture = submission.lecture.name if submission.lecture else ""
    return Grade(_plain(submission.learner), lecture, notebook, tuple(marks), seconds)


def _mark(exercise: str, reply: dict[str, Any]) -> Mark:
    result, why = _result(exercise, reply)
    return Mark(exercise, result, _plain(why), _seconds(reply))


def _result(exercise: str, reply: dict[str, Any]) -> tuple[str, Any]:
    """The result and why; a failure is believed, a pass only with the right numbers."""
    if "broken" in reply:
        return UNJUDGED, reply["broken"]
    if reply.get("ended"):
        return FAILED, reply["ended"]
    status, why = reply.get("status"), reply.get("message", "")
    if status == "todo":
        return UNTRIED, why
    if status == "broken":
        return UNJUDGED, f"the check itself fails: {why}"
    if status != "pass":
        return FAILED, why
    if words := complaint(find(exercise), reply.get("numbers")):
        return FAILED, f"its process says that it passes, but what it returned is wrong: {words}"
    return PASSED, ""


def _run(reply: dict[str, Any]) -> str:
    if why := reply.get("broken") or reply.get("ended"):
        return _plain(f"broke: {why}")
    if "error" in reply:
        return _plain(f"broke in cell {reply.get('cell')}: {reply['error']}")
    return RAN


def _seconds(reply: dict[str, Any]) -> float:
    seconds = reply.get("seconds")
    return round(seconds, 2) if type(seconds) is float and 0 <= seconds < 1e6 else 0.0


def _plain(text: Any) -> str:
    """Text without control characters and surrogates, and not too long."""
    text = re.sub(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", " ",
                  str(text)[:LONGEST])
    return text.encode("utf-8", "replace").decode().strip()
