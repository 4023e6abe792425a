"""Write lectures/README.md and map.svg, where a learner starts: which lecture when, and how long.

python tools/start_page.py            write it anew (`make lectures` does, too)
"""

import sys
from pathlib import Path

from course import ROOT, WORDS_A_MINUTE, Lecture, lectures
from course_map import picture
from execution import NotebookError

PAGE = """\
<!-- Written by tools/start_page.py (`make lectures`): edit there. -->
# Start here

Open [{first.number} · {first.title}]({first.name}.ipynb) and run its cells from the top, one by
one: {first.minutes} minutes, the exercises included, and every other lecture takes for granted what
you have then. After that, go on with the next number, or follow the arrows below to what you are
here for.

In an exercise, replace the placeholder and run the cell: the check says at once what is wrong.
`hint("{exercise}")` helps, step by step. When you are stuck all the same, read on: until yours is
right, the course's own version does the work. Each lecture also has a solution, the same notebook
with the exercises solved.

## See how far you are

In a cell of any lecture, once you have run its first, which imports `check`, `hint` and `progress`
(elsewhere, `from dgm_lib.exercises import progress` comes first):

```python
progress()
```

It lists all exercises of all lectures, which of them you have solved, and where your answers are
kept: in a folder of your own, so they are still there when the course is updated.

## The map

An arrow says: work through this one first.

![The map of the course: which lecture needs which](map.svg)

| lecture | work through first | minutes | exercises | |
|---|---|---|---|---|
{rows}

In all {hours} hours. The minutes are those of the exercises, and for the rest those of a slow
reader: {words} words a minute, and half a minute for each cell of code, to run it and to look at
what it says.
"""


def row(lecture: Lecture) -> str:
    """A lecture's line of the table."""
    link = f"[{lecture.number} · {lecture.title}]({lecture.name}.ipynb)"
    solution = f"[solution](../solutions/{lecture.name}.ipynb)"
    needs = ", ".join(lecture.needs) or "nothing"
    return f"| {link} | {needs} | {lecture.minutes} | {len(lecture.exercises)} | {solution} |"


def page(course: list[Lecture]) -> str:
    """The text of README.md."""
    first = course[0]
    return PAGE.format(
        first=first,
        exercise=first.exercises[0],
        rows="\n".join(map(row, course)),
        hours=round(sum(one.minutes for one in course) / 60),
        words=WORDS_A_MINUTE,
    )


def files(course: list[Lecture]) -> dict[str, str]:
    """What is written into lectures/: texts by the names of their files."""
    return {"README.md": page(course), "map.svg": picture(course)}


def main(root: Path = ROOT) -> int:
    """Write the page of a course and its map; the exit status is 0 when everything is right."""
    try:
        written = files(lectures(root))
    except NotebookError as error:
        print(error, file=sys.stderr)
        return 1
    for name, text in written.items():
        (root / "lectures" / name).write_bytes(text.encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
