"""The map of the course: which lectures there are, what each one needs, how long it takes."""

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import nbformat
from execution import NotebookError
from nbformat import NotebookNode

from dgm_lib.exercises.engine.exercise import find

ROOT = Path(__file__).resolve().parents[1]

# What must be worked through directly before; what that needs in turn is understood. A lecture may
# stand here before it is written: until then, whoever needs it needs what it needs.
NEEDS = {
    "00": [],
    "01": ["00"],
    "02": ["00"],
    "03a": ["02"],
    "03b": ["03a"],
    "04": ["03b"],
    "05a": ["00"],
    "05b": ["05a"],
    "06": ["05a"],
    "07a": ["00"],
    "07b": ["07a"],
    "08": ["07a"],
    "09": ["08"],
    "10a": ["00"],
    "10b": ["10a"],
    "11": ["01", "03a"],
    "12": ["03b", "07a"],
    "13a": ["10a"],
    "13b": ["03a", "13a"],
    "14": ["13b"],
    "15": ["03b", "05b", "08"],
    "16": ["08"],
    "17": ["03b", "05b", "08", "10b", "13b"],
}

WORDS_A_MINUTE = 100  # slow, for between the words stand formulas and numbers to think about
MINUTES_A_CELL = 0.5  # to run a code cell, and to look at what it says


@dataclass(frozen=True, eq=False)
class Lecture:
    """One lecture: its notebook in solutions/, and the numbers of those that come before it."""

    path: Path
    needs: tuple[str, ...]

    @cached_property
    def notebook(self) -> NotebookNode:
        """The solved notebook."""
        return nbformat.read(self.path, as_version=4)

    @property
    def name(self) -> str:
        """The notebook's name without its ending, 03a_vae."""
        return self.path.stem

    @property
    def number(self) -> str:
        """03a"""
        return number_of(self.path)

    @property
    def title(self) -> str:
        """The heading, without the number."""
        heading = re.search(r"^# (.+)$", self.notebook.cells[0].source, re.MULTILINE)
        if not heading:
            raise NotebookError(f"{self.path.name} must begin with a text cell with a # heading")
        return re.sub(r"^[\da-z]+ · ", "", heading[1])

    @property
    def subtitle(self) -> str:
        """The bold line under the heading, or nothing."""
        line = re.search(r"^\*\*(.+)\*\*$", self.notebook.cells[0].source, re.MULTILINE)
        return line[1] if line else ""

    @cached_property
    def exercises(self) -> list[str]:
        """The names of the exercises, in the order in which they are checked."""
        return list(dict.fromkeys(names_given_to("check", self.notebook)))

    @cached_property
    def minutes(self) -> int:
        """The exercises' minutes and the time to read, run and look, to the nearest five."""
        text = [cell.source for cell in self.notebook.cells if cell.cell_type == "markdown"]
        code = len(self.notebook.cells) - len(text)
        reading = sum(len(source.split()) for source in text) / WORDS_A_MINUTE
        solving = sum(find(name).minutes for name in self.exercises)
        return 5 * round((reading + code * MINUTES_A_CELL + solving) / 5)


def names_given_to(function: str, notebook: NotebookNode) -> Iterable[str]:
    """What the calls of a function of exercises have as their first argument: check("vae.elbo")."""
    for cell in notebook.cells:
        tree = ast.parse(cell.source if cell.cell_type == "code" else "")
        for node in ast.walk(tree):
            match node:
                case ast.Call(
                    func=ast.Name(id=called) | ast.Attribute(attr=called),
                    args=[ast.Constant(value=str(name)), *_],
                ) if called == function:
                    yield name


def number_of(path: Path) -> str:
    """03a, of solutions/03a_vae.ipynb."""
    return path.stem.partition("_")[0]


def lectures(root: Path = ROOT) -> list[Lecture]:
    """Every lecture that there is, in order."""
    paths = {number_of(path): path for path in sorted((root / "solutions").glob("*.ipynb"))}
    return [Lecture(path, tuple(written_needs(number, paths))) for number, path in paths.items()]


def written_needs(number: str, written: Iterable[str]) -> list[str]:
    """What a lecture needs, among those that are written, without what another of these needs."""
    if number not in NEEDS:
        raise NotebookError(f"lecture {number} is not in NEEDS, tools/course.py: say what it needs")
    direct = [n for need in NEEDS[number] for n in nearest(need, written)]
    implied = {n for need in direct for n in everything_before(need)}
    return [n for n in dict.fromkeys(direct) if n not in implied]


def nearest(number: str, written: Iterable[str]) -> list[str]:
    """A lecture itself if it is written, else what stands for it."""
    return [number] if number in written else written_needs(number, written)


def everything_before(number: str) -> set[str]:
    """All that a lecture needs, directly or not."""
    return {n for need in NEEDS[number] for n in {need} | everything_before(need)}


def depth(lecture: Lecture, course: list[Lecture]) -> int:
    """How many lectures have to be worked through one after the other before this one."""
    before = [other for other in course if other.number in lecture.needs]
    return max((1 + depth(other, course) for other in before), default=0)
