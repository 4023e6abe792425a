"""What was handed in: a folder of notebooks for each learner, or one notebook for each."""

import functools
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dgm_lib.grade.needs import Cells
from dgm_lib.grade.sandbox import ROOT

LARGEST = 64 * 2**20  # bytes of a notebook that is read
CHECK = re.compile(r"""\bcheck\(\s*(?:name\s*=\s*)?["'](\w+\.\w+)["']""")


@dataclass(frozen=True)
class Lecture:
    """A lecture by the name of its notebook, with its exercises in order."""

    name: str
    exercises: tuple[str, ...]


@dataclass(frozen=True)
class Submission:
    """One notebook of a learner.

    lecture: None if it cannot be told. problem: why the notebook cannot be judged, else "".
    folder: what was handed in beside it, None if that is not the learner's own.
    """

    learner: str
    path: Path
    lecture: Lecture | None
    cells: Cells
    problem: str = ""
    folder: Path | None = None


@functools.cache
def lectures() -> tuple[Lecture, ...]:
    """The lectures of the course; its own notebooks say which exercises they hold."""
    return tuple(
        Lecture(path.stem, tuple(dict.fromkeys(_checks(_cells(path)))))
        for path in sorted((ROOT / "lectures").glob("*.ipynb"))
    )


def submissions(folder: Path, beginnings: Sequence[str] = ()) -> list[Submission]:
    """All that was handed in, of the lectures whose names begin so; of all where none is named."""
    found = []
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.is_symlink():
            found.append(Submission(entry.stem, entry, None, (), "it is a link to somewhere else"))
        elif entry.is_dir():
            found += _of_folder(entry)
        elif entry.suffix == ".ipynb":
            found.append(_submission(entry.stem, entry, None))
    # Where only one lecture can be meant, also a notebook that cannot be read is of that one.
    meant = [lecture for lecture in lectures() if _begins(lecture, beginnings)]
    seen = {s.lecture for s in found if s.lecture} & set(meant)
    only = seen.pop() if len(seen) == 1 else meant[0] if len(meant) == 1 else None
    found = [s if s.lecture else Submission(**vars(s) | {"lecture": only}) for s in found]
    return [s for s in found if not s.lecture or s.lecture in meant]


def _begins(lecture: Lecture, beginnings: Sequence[str]) -> bool:
    return not beginnings or lecture.name.startswith(tuple(beginnings))


def _of_folder(folder: Path) -> Iterator[Submission]:
    """The notebooks of one learner, one for each lecture."""
    inside = sorted(folder.rglob("*.ipynb"))
    paths = [p for p in inside if not any(x.startswith(".") for x in p.relative_to(folder).parts)]
    if not paths:
        yield Submission(folder.name, folder, None, (), "there is no notebook in the folder")
    taken: dict[Lecture, Path] = {}
    # The one that is named as the lecture comes first, a "copy of" it after that.
    paths.sort(key=lambda path: path.stem not in {lecture.name for lecture in lectures()})
    for path in paths:
        submission = _submission(folder.name, path, path.parent)
        first = taken.setdefault(submission.lecture, path)
        if submission.lecture is None or first == path:
            yield submission


def _submission(learner: str, path: Path, folder: Path | None) -> Submission:
    try:
        cells, problem = _cells(path), ""
    except (OSError, ValueError, RecursionError) as error:
        cells, problem = (), f"it cannot be read: {error}"
    return Submission(learner, path, _lecture(path, cells), cells, problem, folder)


def _lecture(path: Path, cells: Cells) -> Lecture | None:
    """The lecture with most of its checks in these cells, else the one that the file names."""
    checks = set(_checks(cells))
    shared = {lecture: len(checks & set(lecture.exercises)) for lecture in lectures()}
    named = [lecture for lecture in lectures() if lecture.name in path.stem]
    best = max(shared, key=shared.get, default=None)
    return best if best and shared[best] else next(iter(named), None)


def _checks(cells: Cells) -> list[str]:
    return [name for source in cells if source for name in CHECK.findall(source)]


def _cells(path: Path) -> Cells:
    """The sources of all cells, None for one without code; ValueError if it is no notebook."""
    if path.is_symlink() or not path.is_file():
        raise ValueError("it is not a plain file")
    if path.stat().st_size > LARGEST:
        raise ValueError(f"it is larger than {LARGEST // 2**20} MB")
    try:
        notebook: Any = json.loads(path.read_bytes())
    except UnicodeDecodeError:
        raise ValueError("it is not text") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not a notebook (JSON: {error})") from None
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise ValueError("it is not a notebook of format 4")
    return tuple(_source(cell) if cell.get("cell_type") == "code" else None for cell in cells)


def _source(cell: dict) -> str:
    source = cell.get("source")
    lines = source if isinstance(source, list) else [source]
    return "".join(line for line in lines if isinstance(line, str))
