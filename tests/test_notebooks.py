"""What may be stored in a notebook of the course, beyond what re-running it (nbval) can tell."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import execution
import nbformat
import notebooks
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook, new_output


ROOT = Path(__file__).resolve().parents[1]
SOLUTIONS = sorted((ROOT / "solutions").glob("*.ipynb"))
NOTEBOOKS = sorted((ROOT / "lectures").glob("*.ipynb")) + SOLUTIONS

MEGABYTES = 3
CODE_LINES = 25
FORBIDDEN_TEXT = {
    r"\bat 0x[0-9a-f]{4,}": "an object's address",
    r"<-- outside|^\[!\]": "a mark of something out of tolerance",
    r"\d+%\|.*\|": "a progress bar",
    r"(?<![\w.])/(tmp|home|root|Users|var)/\w": "a path of somebody's machine",
}
IGNORE_TAGS = {"nbval-skip", "nbval-ignore-output", "nbval-raises-exception", "raises-exception"}
IGNORE_COMMENT = re.compile(r"^\s*#\s*(NBVAL_|PYTEST_VALIDATE_IGNORE)", re.MULTILINE)


def tree_of(source: str) -> ast.Module:
    """The syntax tree of a cell, top-level `await` allowed."""
    return compile(source, "cell", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def calls(node: ast.AST, *names: str) -> bool:
    """Whether a piece of code calls a function or a method of one of these names."""
    functions = [n.func for n in ast.walk(node) if isinstance(n, ast.Call)]
    return any(getattr(f, "id", getattr(f, "attr", None)) in names for f in functions)


def shows_demo(tree: ast.Module) -> bool:
    """Whether a cell displays a demo: as its value, by running it, or as the board of a loop."""
    value = tree.body[-1] if tree.body else None
    return (isinstance(value, ast.Expr) and calls(value, "Demo", "go")) or calls(tree, "live")


def text_of(output: NotebookNode) -> str:
    """Everything an output says in words."""
    data = output.get("data", {})
    return "\n".join(
        [output.get("text", ""), data.get("text/plain", ""), data.get("text/html", "")]
    )


def source_problems(cell: NotebookNode) -> Iterator[str]:
    """What is wrong with the source of one code cell."""
    try:
        tree = tree_of(cell.source)
    except SyntaxError as error:
        yield f"not plain Python (a magic?): {error}"
        return
    if len(cell.source.splitlines()) > CODE_LINES:
        yield f"{len(cell.source.splitlines())} lines, at most {CODE_LINES}: move some to dgm_lib"
    if calls(tree, "input"):
        yield "asks for input"
    if cell.source.rstrip().endswith(";"):
        yield "ends in `;`, which nbval does not honour: write `_ = ...`"
    if IGNORE_COMMENT.search(cell.source) or IGNORE_TAGS & set(cell.metadata.get("tags", [])):
        yield "its output is exempt from checking"


def output_problems(cell: NotebookNode) -> Iterator[str]:
    """What is wrong with the stored outputs of one code cell."""
    for output in cell.outputs:
        if output.output_type == "error":
            yield f"a stored error: {output.ename}"
        if output.get("name") == "stderr":
            yield f"stored stderr: {output.text[:80]!r}"
        if execution.WIDGET_VIEW in output.get("data", {}):
            yield "a stored widget view"
        for pattern, meaning in FORBIDDEN_TEXT.items():
            if re.search(pattern, text_of(output), re.MULTILINE):
                yield f"{meaning} in an output: {text_of(output)[:80]!r}"
        if text_of(output).strip().startswith("<Demo") and "image/png" not in output.data:
            yield "a demo without its picture"


def problems(notebook: NotebookNode) -> list[str]:
    """Everything that is wrong with a notebook, each with its cell."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    found = []
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        found.append("the kernel is not python3")
    if "widgets" in notebook.metadata:
        found.append("stored widget state")
    if [cell.execution_count for cell in code] != list(range(1, len(code) + 1)):
        found.append("the cells were not executed 1, 2, 3, ...")
    for number, cell in enumerate(code, 1):
        found += [
            f"code cell {number}: {p}" for p in (*source_problems(cell), *output_problems(cell))
        ]
        if any("not plain Python" in problem for problem in found):
            continue
        tree = tree_of(cell.source)
        imports = any(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.walk(tree))
        if imports != (number == 1):
            found.append(f"code cell {number}: the first code cell holds the imports, and no other")
        if shows_demo(tree) and not execution.pictures(cell):
            found.append(f"code cell {number}: a demo without its picture")
    return found


def promise_problems(notebook: NotebookNode, written: set[str]) -> list[str]:
    """What a lecture promises and does not keep: a lecture that is not there, hints, progress."""
    found = []
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    lines = [n for n in tree_of(first.source).body if isinstance(n, ast.Import | ast.ImportFrom)]
    names = {alias.asname or alias.name for line in lines for alias in line.names}
    if missing := {"check", "hint", "progress"} - names:
        found.append(f"the first code cell does not import {sorted(missing)}: checks speak of them")
    for cell in notebook.cells:
        for number in re.findall(r"[Ll]ecture (\d\d[a-z]?)\b", cell.source):
            if not any(one.startswith(number) for one in written):
                found.append(f"cell {cell.id} speaks of lecture {number}, which is not written")
    return found


def exercise_problems(solution: NotebookNode) -> list[str]:
    """Exercises without a check after them, or without something for the learner to replace."""
    code = [cell for cell in solution.cells if cell.cell_type == "code"]
    lecture = {cell.id: cell.source for cell in notebooks.lecture_of(solution).cells}
    found = []
    for number, (before, cell) in enumerate(zip([None, *code], code, strict=False), 1):
        marked = any(notebooks.BEGIN in near.source for near in (before, cell) if near)
        if calls(tree_of(cell.source), "check") and not marked:
            found.append(f"code cell {number}: checks an answer that is not marked as a solution")
    for number, (cell, following) in enumerate(zip(code, [*code[1:], None], strict=True), 1):
        if notebooks.BEGIN not in cell.source or cell.id not in lecture:
            continue
        checking = [cell.source] + ([following.source] if following else [])
        if not any(calls(tree_of(source), "check") for source in checking):
            found.append(f"code cell {number}: neither it nor the next cell checks the answer")
        if not re.search(r"raise NotImplementedError|\.\.\.", lecture[cell.id]):
            found.append(
                f"code cell {number}: the lecture has neither NotImplementedError nor `...` there"
            )
    return found


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_notebook_is_fit_to_store(path: Path) -> None:
    if found := problems(nbformat.read(path, as_version=4)):
        pytest.fail("\n".join(found), pytrace=False)
    assert path.stat().st_size <= MEGABYTES * 1e6


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_every_exercise_is_checked_and_open(path: Path) -> None:
    if found := exercise_problems(nbformat.read(path, as_version=4)):
        pytest.fail("\n".join(found), pytrace=False)


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_every_promise_is_kept(path: Path) -> None:
    written = {path.stem.partition("_")[0] for path in SOLUTIONS}
    if found := promise_problems(nbformat.read(path, as_version=4), written):
        pytest.fail("\n".join(found), pytrace=False)


def test_the_first_lecture_begins_with_something_to_move() -> None:
    cells = nbformat.read(SOLUTIONS[0], as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert any(shows_demo(tree_of(cell.source)) for cell in code[:3])


def test_lectures_are_what_the_solutions_make_them(capsys: pytest.CaptureFixture) -> None:
    stale = notebooks.main(["--check"])
    assert stale == 0, capsys.readouterr().out


def test_lectures_are_numbered_once() -> None:
    numbers = [path.stem.partition("_")[0] for path in SOLUTIONS]
    assert all(re.fullmatch(notebooks.NAME, path.stem) for path in SOLUTIONS)
    assert len(numbers) == len(set(numbers))


# --- each rule can fail ---------------------------------------------------------------------------


def notebook_of(*sources: str, **outputs: object) -> NotebookNode:
    """A well-formed notebook of an import cell and the given cells; `outputs` go to the last."""
    cells = [
        new_code_cell(source, id=f"c{k}") for k, source in enumerate(["import math", *sources])
    ]
    for count, cell in enumerate(cells, 1):
        cell.execution_count = count
    if outputs:
        cells[-1].outputs = [new_output(**outputs)]
    return new_notebook(cells=cells, metadata=nbformat.from_dict(execution.METADATA))


def said(text: str) -> NotebookNode:
    return notebook_of("f()", output_type="stream", name="stdout", text=text)


def shown(data: dict[str, object]) -> NotebookNode:
    return notebook_of("f()", output_type="display_data", data=data)


def test_a_sound_notebook_has_no_problem() -> None:
    assert not problems(notebook_of("x = 1", "await f(x)"))
    assert not problems(
        said("KL(p‖q): 0.443 ± 0.002\n[ ] not attempted yet; at 10 of 20, 50% | done")
    )
    assert not problems(shown({"text/plain": "<Demo ring>", "image/png": "AA=="}))
    assert not problems(notebook_of("demo = Demo(f, scene)"))


@pytest.mark.parametrize(
    ("notebook", "problem"),
    [
        (notebook_of("x = (1"), "not plain Python"),
        (notebook_of("%matplotlib inline"), "not plain Python"),
        (notebook_of("!ls"), "not plain Python"),
        (notebook_of("input('?')"), "asks for input"),
        (notebook_of("f();"), "`_ = ...`"),
        (notebook_of("x = 1\n" * 26), "26 lines"),
        (notebook_of("import os"), "holds the imports"),
        (notebook_of("def f():\n    import os"), "holds the imports"),
        (notebook_of("# NBVAL_IGNORE_OUTPUT\nf()"), "exempt"),
        (notebook_of("Demo(f, scene)"), "without its picture"),
        (notebook_of("await demo.go(100)"), "without its picture"),
        (notebook_of("for k in board.live(range(9)):\n    pass"), "without its picture"),
        (shown({"text/plain": "<Demo ring>"}), "without its picture"),
        (shown({"text/plain": "VBox()", execution.WIDGET_VIEW: {}}), "widget view"),
        (shown({"text/plain": "<Thing at 0x7f00dead>"}), "address"),
        (said("KL: 0.9   <-- outside the expected 0.4 ± 0.1"), "out of tolerance"),
        (said("fine\n[!] wrong sign"), "out of tolerance"),
        (said(" 10%|█         | 1/10 [00:01<00:09]"), "progress bar"),
        (said("saved to /home/ada/course"), "path"),
        (notebook_of("f()", output_type="stream", name="stderr", text="warning"), "stderr"),
        (
            notebook_of("f()", output_type="error", ename="ValueError", evalue="", traceback=[]),
            "stored error",
        ),
    ],
)
def test_each_cell_rule_can_fail(notebook: NotebookNode, problem: str) -> None:
    found = problems(notebook)
    assert any(problem in line for line in found), found


def test_each_notebook_rule_can_fail() -> None:
    notebook = notebook_of("x = 1", "y = 2")
    notebook.cells[1].execution_count, notebook.cells[2].metadata["tags"] = None, ["nbval-skip"]
    notebook.metadata["widgets"] = {}
    notebook.metadata["kernelspec"]["name"] = "julia"
    text = "\n".join(problems(notebook))
    for problem in ("not python3", "widget state", "not executed", "exempt"):
        assert problem in text


def exercise(*body: str, after: str) -> NotebookNode:
    """A notebook with one exercise: lines of its solution, and the cell after it."""
    region = ["def f(x):", "    ### BEGIN SOLUTION", *body, "    return x", "    ### END SOLUTION"]
    return notebook_of("\n".join(region), after)


def test_exercise_rules_can_fail() -> None:
    assert not exercise_problems(exercise(after='f = check("room.f", f)'))
    assert not exercise_problems(
        exercise("    #: return ...", after='f = exercises.check("room.f", f)')
    )
    assert "checks the answer" in exercise_problems(exercise(after="f(1)"))[0]
    assert "not marked" in exercise_problems(notebook_of('f = check("room.f", f)'))[0]
    assert (
        "neither" in exercise_problems(exercise("    #: return x", after='check("room.f", f)'))[0]
    )


def test_broken_promises_are_noticed() -> None:
    good = notebook_of()
    good.cells[0].source = "from dgm_lib.exercises import check, hint, progress\nimport torch as t"
    assert promise_problems(good, {"03a"}) == []
    text = nbformat.v4.new_markdown_cell("Lecture 03 was that. **Next:** lecture 04.", id="next")
    good.cells.append(text)
    assert promise_problems(good, {"03a"}) == [
        "cell next speaks of lecture 04, which is not written"
    ]
    assert "['check', 'hint', 'progress']" in promise_problems(notebook_of(), set())[0]
