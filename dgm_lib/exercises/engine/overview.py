"""The whole course at a glance."""

import html
from pathlib import Path
from typing import NamedTuple

from dgm_lib.exercises.engine.answers import Answers, Record
from dgm_lib.exercises.engine.exercise import Exercise, lectures

MARKS = {"new": "[ ]", "tried": "[!]", "passed": "[x]"}
WORDS = {"new": "not attempted yet", "tried": "not right yet", "passed": "right"}
HEADERS = ("", "exercise", "", "difficulty", "minutes", "hints")
STYLE = "<style>.dgm-progress th, .dgm-progress td {text-align: left}</style>"


class Row(NamedTuple):
    """One exercise and where the learner stands with it."""

    exercise: Exercise
    record: Record

    @property
    def done(self) -> bool:
        """Whether a right answer was given."""
        return self.record.status == "passed"

    @property
    def hints(self) -> int:
        """How many different hints were seen, the solution among them."""
        return min(self.record.hints, len(self.exercise.hints) + 1)

    @property
    def dots(self) -> str:
        """The difficulty as ●○○."""
        return "●" * self.exercise.difficulty + "○" * (3 - self.exercise.difficulty)


class Progress:
    """All exercises by lecture: a table in a notebook, text elsewhere."""

    def __init__(self, groups: dict[str, list[Row]], notices: list[str], where: Path) -> None:
        self.groups, self.notices, self.where = groups, notices, where

    def __repr__(self) -> str:
        lines = list(self.notices)
        for lecture, rows in self.groups.items():
            lines += ["", f"{lecture}: {_tally(rows)}", *map(_line, rows)]
        lines += ["", f"in all: {_tally(self._rows())}", f"your answers are kept in {self.where}"]
        return "\n".join(lines).strip()

    def _repr_html_(self) -> str:
        head = "".join(f'<th>{name}</th>' for name in HEADERS)
        body = "".join(
            f'<tr><th colspan="6">{html.escape(lecture)}: {_tally(rows)}</th></tr>'
            + "".join(map(_html_row, rows))
            for lecture, rows in self.groups.items()
        )
        notices = "".join(f"<p>{html.escape(notice)}</p>" for notice in self.notices)
        where = html.escape(str(self.where))
        total = f"<p>in all: {_tally(self._rows())}</p><p>your answers are kept in {where}</p>"
        table = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
        return f'{STYLE}{notices}<table class="dgm-progress">{table}</table>{total}'

    def _rows(self) -> list[Row]:
        return [row for rows in self.groups.values() for row in rows]


def progress() -> Progress:
    """Where the learner stands: every exercise of every lecture, and the totals."""
    answers = Answers()
    records = answers.read()
    groups = {
        lecture: [Row(exercise, records.get(exercise.name, Record())) for exercise in exercises]
        for lecture, exercises in lectures().items()
    }
    return Progress(groups, answers.notices, answers.path.parent)


def _tally(rows: list[Row]) -> str:
    done = [row for row in rows if row.done]
    minutes = [sum(row.exercise.minutes for row in part) for part in (done, rows)]
    return f"{len(done)} of {len(rows)} exercises, {minutes[0]} of {minutes[1]} minutes"


def _line(row: Row) -> str:
    exercise = row.exercise
    name = exercise.name.partition(".")[2]
    hints = f"  {row.hints} hint{'s' if row.hints > 1 else ''}" if row.hints else ""
    start = f"  {MARKS[row.record.status]} {name:<24} {exercise.title:<44}"
    return f"{start} {row.dots} {exercise.minutes:>3} min{hints}"


def _html_row(row: Row) -> str:
    exercise = row.exercise
    name = exercise.name.partition(".")[2]
    mark = f'<span title="{WORDS[row.record.status]}">{MARKS[row.record.status]}</span>'
    cells = (mark, f"<code>{html.escape(name)}</code>", html.escape(exercise.title), row.dots,
             str(exercise.minutes), str(row.hints or ""))
    return "<tr>" + "".join(f'<td>{cell}</td>' for cell in cells) + "</tr>"
