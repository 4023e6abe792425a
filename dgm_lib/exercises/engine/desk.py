"""Where the learner comes: check an answer, ask for a hint, take an old answer along."""

import contextlib
import datetime
import inspect
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

from dgm_lib.exercises.engine.answers import Answers, NotSaved, Record
from dgm_lib.exercises.engine.examine import title
from dgm_lib.exercises.engine.exercise import Exercise, find
from dgm_lib.exercises.engine.guard import Guard
from dgm_lib.exercises.engine.learner import shorten, without_addresses
from dgm_lib.exercises.engine.source import Unsavable, rebuild, standalone
from dgm_lib.exercises.engine.verdict import Verdict, evaluate

WIDTH = 100
HEADLINES = {
    "todo": "[ ] {name}: not attempted yet; the course's version is used from here on",
    "pass": "[x] {name}: right; your version is used from here on",
    "fail": "[!] {name}: not right yet; the course's version is used from here on",
    "broken": "[?] {name}: the check itself fails, through no fault of yours; please report it",
}


def check(name: str, answer: Any) -> Callable:
    """Check an answer and print one report; the answer comes back if it is right.

    If it is not, the course's own version comes back, so that a lecture can always go on:
    `gaussian_kl = check("foundations.gaussian_kl", gaussian_kl)`.
    """
    exercise = find(name)
    verdict = evaluate(exercise, answer)
    print(report(exercise, verdict, _record(exercise, answer, verdict)))
    return answer if verdict.status == "pass" else exercise.reference


def report(exercise: Exercise, verdict: Verdict, notes: list[str]) -> str:
    """The report of a verdict, and notes about how it was saved."""
    lines = [HEADLINES[verdict.status].format(name=exercise.name), *verdict.message.splitlines()]
    if verdict.status == "pass":
        lines.append(f"tested: {_tested(exercise)}")
    if verdict.printed and verdict.status != "todo":
        lines += ["your function printed, when first called:"]
        printed = without_addresses(verdict.printed).splitlines()
        lines += [f"    {shorten(line, WIDTH - 12)}" for line in printed[:10]]
    if verdict.status == "fail" and exercise.hints:
        notes = [*notes, f'hint("{exercise.name}") helps']
    return "\n".join(_wrapped(lines + notes))


def _wrapped(lines: list[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        indent = "    " if number else ""
        hanging = indent + line[: len(line) - len(line.lstrip())] + ("" if number else "    ")
        yield textwrap.fill(line, WIDTH, initial_indent=indent, subsequent_indent=hanging)


def _tested(exercise: Exercise) -> str:
    """What a right answer has been through, in words."""
    parts = ["values, shapes, float32 and float64"] if exercise.cases else []
    if exercise.grad_wrt:
        parts.append("gradients in " + " and ".join(exercise.grad_wrt))
    return "; ".join([*parts, *map(title, exercise.properties)])


def _record(exercise: Exercise, answer: Any, verdict: Verdict) -> list[str]:
    """Keep what came out; returns what the learner should know about that."""
    answers = Answers()
    record, notes, change = answers.get(exercise.name), [], None
    if verdict.status != "pass" and record.source:  # as in a new version of a lecture
        words = f'your answer of {record.date} is kept: mine("{exercise.name}") brings it back'
        notes.append(words)
    if verdict.status == "fail" and record.status != "passed":
        change = _tried
    elif verdict.status == "pass":
        try:
            change = _passed(record, *standalone(answer))
        except Unsavable as reason:
            notes.append(f"your version could not be saved: {reason}")
            change = _passed(record, "", "")
    with _noting(notes):
        if change:
            answers.update(exercise.name, change)
    return notes + answers.notices


@contextlib.contextmanager
def _noting(notes: list[str]) -> Iterator[None]:
    try:
        yield
    except NotSaved as reason:
        notes.append(f"this could not be saved: {reason}")


def _tried(record: Record) -> None:
    if record.status != "passed":
        record.status = "tried"
        record.attempts += 1


def _passed(now: Record, source: str, entry: str) -> Callable[[Record], None] | None:
    """The change that a right answer makes, None if it makes none."""
    lines = source.splitlines()
    if now.status == "passed" and (not source or now.source == lines):
        return None

    def change(record: Record) -> None:
        record.attempts += record.status != "passed"
        record.status = "passed"
        if source:
            record.entry, record.source = entry, lines
            record.date = datetime.date.today().isoformat()

    return change


def hint(name: str) -> None:
    """Print the next hint for an exercise; the solution is the last, then they start over."""
    exercise, answers, notes = find(name), Answers(), []
    turn = answers.get(name).hints % (len(exercise.hints) + 1)
    with _noting(notes):
        answers.update(name, _hinted)
    if turn < len(exercise.hints):
        lines = [f"hint {turn + 1} of {len(exercise.hints)} for {name}:", exercise.hints[turn]]
        print("\n".join(_wrapped(lines + notes + answers.notices)))
        return
    print("\n".join(_wrapped([f"the solution of {name} (the hints start over after it):"])))
    print("\n" + textwrap.dedent(inspect.getsource(exercise.reference)))
    print("\n".join(notes + answers.notices), end="")


def _hinted(record: Record) -> None:
    record.hints += 1


def mine(name: str) -> Callable:
    """The learner's saved answer to an exercise, if it is still right, else the course's version.

    One line says which of the two it is.
    """
    exercise, answers = find(name), Answers()
    record = answers.get(name)
    answer, words = exercise.reference, "the course's version is used: none of yours is saved"
    if record.source:
        own = _rebuilt(exercise, record)
        words = "the course's version is used: your saved one does not pass any more"
        if own is not None and evaluate(exercise, own).status == "pass":
            answer, words = own, "your saved version is used"
    print("\n".join(_wrapped([f"{name}: {words}", *answers.notices])))
    return answer


def _rebuilt(exercise: Exercise, record: Record) -> Any:
    """What the saved source defines, None if it does not run."""
    source = "\n".join(record.source) + "\n"
    try:
        return Guard(exercise.seconds).call(rebuild, source, record.entry, exercise.name)
    except KeyboardInterrupt:
        raise
    except BaseException:  # it may hold anything by now
        return None
