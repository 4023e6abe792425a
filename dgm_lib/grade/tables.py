"""The table of all grades: grades.csv for a spreadsheet, grades.html for the eye."""

import csv
import html
import io
import os
from collections.abc import Sequence
from pathlib import Path

from dgm_lib.grade.judging import (
    FAILED,
    NOT_RUN,
    PASSED,
    RAN,
    UNJUDGED,
    UNTRIED,
    Grade,
    Mark,
)

COLUMNS = ("learner", "lecture", "notebook", "exercise", "result", "diagnosis", "seconds")
SIGNS = {PASSED: "✓", FAILED: "✗", UNTRIED: "–", UNJUDGED: "?"}
KINDS = {PASSED: "passed", FAILED: "failed", UNTRIED: "untried", UNJUDGED: "unjudged"}
STYLE = """
body {font: 14px/1.4 sans-serif; margin: 2em; color: #222; background: #fff}
table {border-collapse: collapse}
th, td {border: 1px solid #ccc; padding: .25em .5em; text-align: left; vertical-align: top}
th {background: #f4f4f4; font-weight: 600}
tbody th, thead th {position: sticky; left: 0}
td {max-width: 24em; overflow-wrap: anywhere}
.passed {background: #e2f2e2} .failed {background: #fbe3dc} .untried {color: #888}
.unjudged {background: #fff4cc}
summary {cursor: pointer} pre {white-space: pre-wrap; margin: .3em 0 0; font-size: 12px}
small {color: #666}
"""
LEGEND = (
    "✓ passed &nbsp; ✗ failed, with the diagnosis &nbsp; – not attempted &nbsp; ? not judged. "
    "“Runs” says whether the whole notebook runs; an answer can pass in one that does not."
)


def write(grades: Sequence[Grade], folder: Path) -> None:
    """Write both tables; each replaces the old one in one step."""
    ordered = sorted(grades, key=lambda grade: (grade.learner, grade.lecture))
    for name, text in {"grades.csv": as_csv(ordered), "grades.html": as_html(ordered)}.items():
        temporary = folder / f"{name}.tmp"
        temporary.write_text(text, encoding="utf-8", newline="")
        os.replace(temporary, folder / name)


def summary(grades: Sequence[Grade]) -> str:
    """One line about all grades."""
    marks = [mark for grade in grades for mark in grade.marks]
    counts = ", ".join(f"{sum(m.result == r for m in marks)} {r}" for r in SIGNS)
    learners = len({grade.learner for grade in grades})
    idle = sum(grade.notebook == NOT_RUN for grade in grades)
    broken = sum(grade.notebook not in (RAN, NOT_RUN) for grade in grades)
    ends = [f"{idle} of them not run"] * bool(idle)
    ends += [f"{broken} of them did not run to the end"] * (bool(broken) or not idle)
    return f"{len(grades)} notebooks of {learners} learners, {', '.join(ends)}; answers: {counts}"


def as_csv(grades: Sequence[Grade]) -> str:
    """A row for each answer; a notebook that cannot be judged has one with no exercise."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for grade in grades:
        first = (grade.learner, grade.lecture, grade.notebook)
        for mark in grade.marks or [Mark("", UNJUDGED, grade.notebook, grade.seconds)]:
            cells = (*first, mark.exercise, mark.result, mark.why)
            writer.writerow([*map(_harmless, cells), mark.seconds])
    return text.getvalue()


def _harmless(text: str) -> str:
    """The text, marked as such where a spreadsheet would take it for a formula."""
    return f"'{text}" if text.lstrip()[:1] in tuple("=+-@") else text


def as_html(grades: Sequence[Grade]) -> str:
    """A page that needs nothing else: a row for each learner, a column for each exercise."""
    columns: dict[str, list[str]] = {}  # exercises by lecture
    for grade in sorted(grades, key=lambda grade: grade.lecture):
        known = columns.setdefault(grade.lecture, [])
        known += [mark.exercise for mark in grade.marks if mark.exercise not in known]
    by_learner: dict[str, dict[str, list[Grade]]] = {}
    for grade in grades:
        by_learner.setdefault(grade.learner, {}).setdefault(grade.lecture, []).append(grade)
    groups = "".join(
        f'<th colspan="{len(names) + 1}">{html.escape(lecture) or "lecture not known"}</th>'
        for lecture, names in columns.items()
    )
    titles = "".join(
        "<th>runs</th>" + "".join(f"<th>{html.escape(_short(name))}</th>" for name in names)
        for names in columns.values()
    )
    rows = "\n".join(
        _row(learner, handed_in, columns) for learner, handed_in in by_learner.items()
    )
    head = f'<tr><th rowspan="2">learner</th><th rowspan="2">passed</th>{groups}</tr>'
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>Grades</title>'
        f"<style>{STYLE}</style></head>\n<body><h1>Grades</h1>\n<p>{summary(grades)}.</p>"
        f"<p>{LEGEND}</p>\n<table><thead>{head}<tr>{titles}</tr></thead>\n"
        f"<tbody>\n{rows}\n</tbody></table></body></html>\n"
    )


def _row(learner: str, handed_in: dict[str, list[Grade]], columns: dict[str, list[str]]) -> str:
    marks = [mark for grades in handed_in.values() for grade in grades for mark in grade.marks]
    passed = sum(mark.result == PASSED for mark in marks)
    cells = [f"<th>{html.escape(learner)}</th><td>{passed} of {len(marks)}</td>"]
    for lecture, names in columns.items():
        grades = handed_in.get(lecture, [])
        cells.append(_notebook_cell(grades))
        by_name = {mark.exercise: mark for grade in grades for mark in grade.marks}
        cells += [_cell(by_name.get(name)) for name in names]
    return f"<tr>{''.join(cells)}</tr>"


def _notebook_cell(grades: list[Grade]) -> str:
    if not grades:
        return '<td class="untried"></td>'
    words = "; ".join(grade.notebook for grade in grades)
    if words == RAN:
        return f'<td class="passed">✓ <small>{grades[0].seconds:.0f} s</small></td>'
    kind = "untried" if words == NOT_RUN else "unjudged"
    return f'<td class="{kind}">{html.escape(words)}</td>'


def _cell(mark: Mark | None) -> str:
    if mark is None:
        return '<td class="untried"></td>'
    sign = f'{SIGNS[mark.result]} <small>{mark.seconds:.1f} s</small>'
    if mark.why and mark.result != UNTRIED:
        sign = f"<details><summary>{sign}</summary><pre>{html.escape(mark.why)}</pre></details>"
    return f'<td class="{KINDS[mark.result]}" title="{html.escape(mark.result)}">{sign}</td>'


def _short(name: str) -> str:
    return name.partition(".")[2]
