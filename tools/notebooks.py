"""One source, two notebooks: solutions/ is written by hand, lectures/ is derived from it.

    python tools/notebooks.py [NAME ...]      execute solutions/, derive lectures/, execute those
    python tools/notebooks.py --check         say where lectures/ is not what solutions/ make it
    python tools/notebooks.py --new 07_topic  start a lecture from a small solution that runs

NAME is the beginning of a notebook's name: `00` is enough. Nothing is written unless all of it ran.
"""

import argparse
import copy
import re
import sys
from pathlib import Path

import nbformat
from course import Lecture, written_needs
from execution import METADATA, NotebookError, execute, keep_old_pictures, normalise
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END, PROMPT = "### BEGIN SOLUTION", "### END SOLUTION", "#:"
MARKER = re.compile(r"#+\s*(begin|end)[\s_-]+solution", re.IGNORECASE)  # meant as such
STUB = "raise NotImplementedError"
LAST = "neighbours"  # the id of the last cell of a lecture
NAME = r"\d\d[a-z]?_[a-z0-9_]+"  # 05a and 05b are the two sittings of one lecture


def without_solutions(source: str) -> str:
    """The learner's version of a cell: each solution gives way to its `#:` lines, or to a stub."""
    kept: list[str] = []
    prompt: list[str] | None = None  # of the open region
    for line in source.split("\n"):
        text = line.strip()
        if MARKER.match(text) and text not in (BEGIN, END):
            raise NotebookError(f"{text!r} would publish the solution: write {BEGIN} and {END}")
        indent = line[: len(line) - len(line.lstrip())]
        if text == BEGIN:
            if prompt is not None:
                raise NotebookError(f"{BEGIN} inside a solution")
            prompt = []
        elif text == END:
            if prompt is None:
                raise NotebookError(f"{END} without {BEGIN}")
            if all(p.lstrip().startswith("#") for p in prompt):  # comments alone are no body
                prompt.append(indent + STUB)
            kept += prompt
            prompt = None
        elif prompt is None:
            kept.append(line)
        elif text.startswith(PROMPT):
            prompt.append((indent + text[len(PROMPT) :].removeprefix(" ")).rstrip())
    if prompt is not None:
        raise NotebookError(f"{BEGIN} without {END}")
    return "\n".join(kept)


def lecture_of(solution: NotebookNode) -> NotebookNode:
    """The lecture that a solution notebook stands for, not yet executed."""
    lecture = copy.deepcopy(solution)
    lecture.cells = [
        cell for cell in lecture.cells if "solution-only" not in cell.metadata.get("tags", [])
    ]
    for cell in lecture.cells:
        if cell.cell_type == "code":
            cell.source = without_solutions(cell.source)
            cell.outputs, cell.execution_count = [], None
    return lecture


def heading(path: Path) -> str:
    """What a notebook is called in its first line, 03a · The variational autoencoder."""
    first, *_ = nbformat.read(path, as_version=4).cells[0].source.partition("\n")
    return first.lstrip("# ")


def neighbours(solution: Path) -> str:
    """The last words of a lecture: links to those before and after it, the map, the solution."""
    paths = sorted(solution.parent.glob("*.ipynb"))
    place = paths.index(solution)
    back = [f"[← {heading(path)}]({path.name})" for path in paths[:place][-1:]]
    forward = [f"[{heading(path)} →]({path.name})" for path in paths[place + 1 :][:1]]
    here = ["[the map](README.md)", f"[the solution](../solutions/{solution.name})"]
    return " | ".join(back + here + forward)


def introduction(solution: Path, notebook: NotebookNode) -> str:
    """The first cell of a lecture: its solution's, the minutes it takes, the way to the map."""
    minutes = Lecture(solution, ()).minutes
    words = f"*{minutes} minutes, the exercises included · [the map of the course](README.md)*"
    return f"{notebook.cells[0].source}\n\n{words}"


def derived(solution: Path, notebook: NotebookNode) -> NotebookNode:
    """The lecture that stands beside others: it begins and ends with the way to them."""
    lecture = lecture_of(notebook)
    lecture.cells[0].source = introduction(solution, notebook)
    lecture.cells.append(new_markdown_cell(neighbours(solution), id=LAST))
    return lecture


def relink(root: Path) -> None:
    """Let each lecture say today's minutes and name today's neighbours, without a run."""
    for solution in sorted((root / "solutions").glob("*.ipynb")):
        if not (path := lecture_path(solution)).exists():
            continue
        lecture, source = (nbformat.read(one, as_version=4) for one in (path, solution))
        lecture.cells[0].source = introduction(solution, source)
        lecture.cells = [cell for cell in lecture.cells if cell.id != LAST]
        lecture.cells.append(new_markdown_cell(neighbours(solution), id=LAST))
        path.write_bytes((nbformat.writes(lecture) + "\n").encode())


def sources(notebook: NotebookNode) -> list[tuple]:
    """What two notebooks must share to be the same lecture: everything but the outputs."""
    return [(c.id, c.cell_type, c.source, c.metadata.get("tags", [])) for c in notebook.cells]


def build(solution: Path) -> list[Path]:
    """Execute a solution and its lecture, then write both; return the files that changed."""
    before = solution.read_bytes()
    notebook = nbformat.read(solution, as_version=4)
    texts = {}
    lecture = derived(solution, notebook)
    for path, new in {solution: notebook, lecture_path(solution): lecture}.items():
        path.parent.mkdir(exist_ok=True)
        try:
            execute(new, path.parent)
        except NotebookError as error:
            raise NotebookError(f"{path.parent.name}/{path.name}, {error}") from error
        normalise(new)
        if path.exists():
            keep_old_pictures(new, nbformat.read(path, as_version=4))
        texts[path] = nbformat.writes(new) + "\n"
    if solution.read_bytes() != before:
        raise NotebookError(f"{solution.name} was edited while it was running: build it again")
    changed = [
        path
        for path, text in texts.items()
        if not path.exists() or path.read_bytes() != text.encode()
    ]
    for path in changed:
        path.write_bytes(texts[path].encode())
    return changed


def drifted(solution: Path) -> bool:
    """Whether a lecture is missing or differs from what its solution makes it."""
    if not (lecture := lecture_path(solution)).exists():
        return True
    source, stored = (nbformat.read(path, as_version=4) for path in (solution, lecture))
    return sources(derived(solution, source)) != sources(stored)


def lecture_path(solution: Path) -> Path:
    """Where the lecture of a solution lies."""
    return solution.parents[1] / "lectures" / solution.name


def check(root: Path, solutions: list[Path]) -> int:
    """Name every lecture that is out of step with its solution or has none; return their number."""
    stale = [path.stem for path in solutions if drifted(path)]
    lectures = {path.stem for path in (root / "lectures").glob("*.ipynb")}
    orphans = lectures - {path.stem for path in (root / "solutions").glob("*.ipynb")}
    for name in stale:
        print(
            f"lectures/{name}.ipynb is not what its solution makes it: make lectures NAMES={name}"
        )
    for name in sorted(orphans):
        print(f"lectures/{name}.ipynb has no solution")
    return len(stale) + len(orphans)


def start(root: Path, name: str) -> Path:
    """Write a first solution notebook: an introduction, the imports, a claim with its number."""
    path = root / "solutions" / f"{name}.ipynb"
    if path.exists() or not re.fullmatch(NAME, name):
        raise NotebookError(f"a new lecture is named like 07_topic and not there yet, got {name!r}")
    number, _, topic = name.partition("_")
    written_needs(number, {number})  # raises where NEEDS does not say, before anything is made
    title = f"{number} · {topic.replace('_', ' ').capitalize()}"
    imports = """\
from dgm_lib import core, report, targets
from dgm_lib.exercises import check, hint, progress"""
    claim = """\
x = targets.ring().sample((10_000,), generator=core.generator(0))
surprise = core.Estimate.of(-targets.ring().log_prob(x))
report.agrees("E[-log p(x)]", surprise, targets.ring().entropy)"""
    cells = [
        new_markdown_cell(
            f"# {title}\n\nThe question that this lecture answers.", id="introduction"
        ),
        new_code_cell(imports, id="imports"),
        new_markdown_cell("## A claim\n\nIts number, beside the truth.", id="claim"),
        new_code_cell(claim, id="claim-number"),
    ]
    path.parent.mkdir(exist_ok=True)
    nbformat.write(new_notebook(cells=cells, metadata=METADATA), path)
    return path


def chosen(root: Path, names: list[str]) -> list[Path]:
    """The solution notebooks whose names begin with one of `names`; all when there are none."""
    everything = sorted((root / "solutions").glob("*.ipynb"))
    beginnings = tuple(Path(name).stem for name in names)
    for beginning in beginnings:
        if not any(path.stem.startswith(beginning) for path in everything):
            raise NotebookError(f"no notebook in solutions/ begins with {beginning!r}")
    return [path for path in everything if not names or path.stem.startswith(beginnings)]


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """The command line; the exit status is 0 when everything is right."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument(
        "--check", action="store_true", help="compare sources only, execute nothing"
    )
    parser.add_argument("--new", metavar="NN_topic", help="start a lecture")
    options = parser.parse_args(arguments)
    try:
        if options.new:
            print("started", start(root, options.new).relative_to(root))
        elif options.check:
            return check(root, chosen(root, options.names))
        else:
            for solution in chosen(root, options.names):
                changed = " and ".join(str(path.relative_to(root)) for path in build(solution))
                print(
                    f"{solution.stem}: " + (f"wrote {changed}" if changed else "unchanged"),
                    flush=True,
                )
            relink(root)
    except NotebookError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
