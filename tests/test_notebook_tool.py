"""From a solution to a lecture: what is replaced, what is stored, what a rebuild leaves alone."""

import base64
import io
import os
import subprocess
import sys
from pathlib import Path

import execution
import nbformat
import notebooks
import numpy as np
import pytest
from execution import NotebookError, looks_like
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from notebooks import lecture_of, main, without_solutions
from PIL import Image


ROOT = Path(__file__).resolve().parents[1]

EXERCISE = """\
def double(x):
    \"\"\"Twice x.\"\"\"
    ### BEGIN SOLUTION
    #: # Hint: one line.
    #: return ...
    return 2 * x
    ### END SOLUTION
"""

CELLS = [
    new_markdown_cell("# A topic", id="title"),
    new_code_cell(
        "import os\nimport sys\n\nimport ipywidgets\nimport matplotlib.pyplot as plt\n"
        "from IPython.display import display",
        id="imports",
    ),
    new_code_cell(EXERCISE, id="exercise", metadata={"tags": ["exercise"], "scrolled": True}),
    new_code_cell("print(double(2) == 4)", id="answer", metadata={"tags": ["solution-only"]}),
    new_code_cell("for k in range(3):\n    print(k)\n    sys.stdout.flush()", id="stream"),
    new_code_cell(
        "figure, axes = plt.subplots(figsize=(2, 1))\n_ = axes.plot([0, 1], [0, 1])", id="picture"
    ),
    new_code_cell(
        "bundle = ipywidgets.Button()._repr_mimebundle_()\n"
        "bundle.pop('text/plain')\n"
        "display(bundle, raw=True)",
        id="widget",
    ),
    new_code_cell(
        "home = os.environ['DGM_HOME']\n"
        "print(os.environ['OMP_NUM_THREADS'], os.path.exists(home))\n"
        "os.mkdir(home)",
        id="environment",
    ),
]


def write(root: Path, *cells: nbformat.NotebookNode, name: str = "00_topic") -> Path:
    """A solution notebook in a scratch course."""
    path = root / "solutions" / f"{name}.ipynb"
    path.parent.mkdir(exist_ok=True)
    nbformat.write(new_notebook(cells=[nbformat.from_dict(cell) for cell in cells]), path)
    return path


def everything(root: Path) -> dict[str, bytes]:
    """The bytes of every file of a scratch course."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*.ipynb")}


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scratch course of one lecture, built."""
    root = tmp_path_factory.mktemp("course")
    write(root, *CELLS)
    assert main([], root) == 0
    return root


# --- from solution to lecture ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("solution", "lecture"),
    [
        (
            "x = 1\n### BEGIN SOLUTION\ny = 2\n### END SOLUTION\nz = 3",
            "x = 1\nraise NotImplementedError\nz = 3",
        ),
        (
            "def f():\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION",
            "def f():\n    " + notebooks.STUB,
        ),
        (EXERCISE, 'def double(x):\n    """Twice x."""\n    # Hint: one line.\n    return ...\n'),
        (
            "### BEGIN SOLUTION\n#: # y = ?\ny = 2\n### END SOLUTION",
            "# y = ?\nraise NotImplementedError",
        ),
        (
            "### BEGIN SOLUTION\n#: for k in ...:\n#:\n#:     ...\npass\n### END SOLUTION",
            "for k in ...:\n\n    ...",
        ),
        (
            "### BEGIN SOLUTION\na\n### END SOLUTION\n### BEGIN SOLUTION\n#: c\n### END SOLUTION",
            "raise NotImplementedError\nc",
        ),
        ("print('### BEGIN SOLUTION')",) * 2,  # not a region
    ],
)
def test_solutions_give_way_to_prompts(solution: str, lecture: str) -> None:
    assert without_solutions(solution) == lecture


@pytest.mark.parametrize(
    "source",
    [
        "### BEGIN SOLUTION",
        "### END SOLUTION",
        "### BEGIN SOLUTION\n### BEGIN SOLUTION\n### END SOLUTION",
        "## BEGIN SOLUTION\nanswer = 42\n## END SOLUTION",
        "### Begin solution\nanswer = 42\n### End solution",
        "### BEGIN SOLUTION here\nanswer = 42\n### END SOLUTION",
        "#BEGIN_SOLUTION\nanswer = 42",
    ],
)
def test_unbalanced_or_mistyped_regions_are_refused(source: str) -> None:
    with pytest.raises(NotebookError, match="SOLUTION"):
        without_solutions(source)


def test_a_lecture_keeps_all_but_the_solution() -> None:
    solution = new_notebook(cells=[nbformat.from_dict(cell) for cell in CELLS])
    before = nbformat.writes(solution)
    lecture = lecture_of(solution)
    assert [cell.id for cell in lecture.cells] == [cell.id for cell in CELLS if cell.id != "answer"]
    assert lecture.cells[2].metadata.tags == ["exercise"]
    assert "return 2 * x" not in nbformat.writes(lecture)
    assert nbformat.writes(solution) == before


# --- what is stored -------------------------------------------------------------------------------


def test_what_is_stored(course: Path) -> None:
    lecture = nbformat.read(course / "lectures/00_topic.ipynb", as_version=4)
    code = {cell.id: cell for cell in lecture.cells if cell.cell_type == "code"}
    assert lecture.metadata == execution.METADATA
    assert [cell.execution_count for cell in code.values()] == list(range(1, len(code) + 1))
    assert code["exercise"].metadata == {"tags": ["exercise"]}
    assert [output.text for output in code["stream"].outputs] == ["0\n1\n2\n"]
    assert len(execution.pictures(code["picture"])) == 1
    assert code["widget"].outputs == []
    assert code["environment"].outputs[0].text == "1 False\n"
    solution = nbformat.read(course / "solutions/00_topic.ipynb", as_version=4)
    assert [cell.source for cell in solution.cells] == [cell.source for cell in CELLS]


def test_a_rebuild_changes_no_byte_and_keeps_pictures_that_look_the_same(course: Path) -> None:
    path = course / "lectures/00_topic.ipynb"
    lecture = nbformat.read(path, as_version=4)
    data = next(execution.pictures(cell)[0] for cell in lecture.cells if cell.id == "picture")
    data["image/png"] = altered(data["image/png"], 3)
    path.write_text(nbformat.writes(lecture) + "\n")
    before = everything(course)
    assert main(["00"], course) == 0
    assert everything(course) == before


def test_an_error_is_shown_with_its_cell_and_overwrites_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    lecture_only = "### BEGIN SOLUTION\n#: answer = 1 / 0\nanswer = 1\n### END SOLUTION"
    write(tmp_path, new_markdown_cell("# Text"), new_code_cell(lecture_only))
    before = everything(tmp_path)
    assert main([], tmp_path) == 1
    said = capsys.readouterr().err
    assert all(
        part in said
        for part in ("lectures/00_topic.ipynb", "cell 2", "answer = 1 / 0", "ZeroDivision")
    )
    assert everything(tmp_path) == before


def test_a_displayed_error_stops_the_build(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    show = (
        "from IPython import get_ipython\n"
        "try:\n    1 / 0\nexcept ZeroDivisionError:\n    get_ipython().showtraceback()"
    )
    write(tmp_path, new_code_cell(show))
    assert main([], tmp_path) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err


# --- pictures -------------------------------------------------------------------------------------


def png(pixels: np.ndarray) -> str:
    buffer = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def altered(picture: str, amount: int) -> str:
    """A picture with noise of at most `amount` levels."""
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB")).astype(
        int
    )
    noise = np.random.default_rng(0).integers(-amount, amount + 1, pixels.shape)
    return png(np.clip(pixels + noise, 0, 255))


def test_what_looks_the_same() -> None:
    page = np.full((60, 80, 3), 255)
    page[20:40, 20:60] = 90
    dot = page.copy()
    dot[4:7, 4:7] = 0
    assert looks_like(png(page), png(page))
    assert looks_like(png(page), altered(png(page), 5))
    assert not looks_like(png(page), png(dot))
    assert not looks_like(png(page), png(page[:-1]))


# --- drift ----------------------------------------------------------------------------------------


def test_check_sees_every_kind_of_drift(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    solution = write(tmp_path, *CELLS)
    assert main(["--check"], tmp_path) == 1
    lecture = notebooks.derived(solution, nbformat.read(solution, as_version=4))
    path = notebooks.lecture_path(solution)
    path.parent.mkdir()
    nbformat.write(lecture, path)
    assert main(["--check"], tmp_path) == 0
    lecture.cells[-1].source += "\n# by hand"
    nbformat.write(lecture, path)
    nbformat.write(lecture, path.with_name("99_lost.ipynb"))
    capsys.readouterr()
    assert main(["--check"], tmp_path) == 2
    assert "make lectures NAMES=00_topic" in (said := capsys.readouterr().out)
    assert "99_lost.ipynb has no solution" in said


def test_names(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    paths = [write(tmp_path, name=name) for name in ("00_first", "01_second")]
    assert notebooks.chosen(tmp_path, []) == paths
    assert (
        notebooks.chosen(tmp_path, ["01"])
        == notebooks.chosen(tmp_path, ["lectures/01_second.ipynb"])
        == paths[1:]
    )
    assert main(["--check", "02"], tmp_path) == 1
    assert "'02'" in capsys.readouterr().err


# --- nbval under the root conftest ----------------------------------------------------------------


def nbval(root: Path) -> str:
    """What pytest says of a scratch course under the configuration of this one."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-c",
        str(ROOT / "pyproject.toml"),
        "--rootdir",
        str(root),
    ]
    command += ["-p", "conftest", "-p", "no:cacheprovider", "-rA", str(root)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tools")])}
    return subprocess.run(command, env=environment, cwd=root, capture_output=True, text=True).stdout


def test_a_built_course_passes_nbval(course: Path) -> None:
    lecture_cells = len(CELLS) - 2
    assert f"{2 * lecture_cells + 1} passed" in (said := nbval(course)), said


def test_nbval_sees_a_changed_number_and_skips_after_an_exception(tmp_path: Path) -> None:
    sources = ["print(2)", "print(3)", "1 / 0", "print(4)", "print(5)"]
    cells = [new_code_cell(source, execution_count=k) for k, source in enumerate(sources, 1)]
    cells[0].outputs = [nbformat.v4.new_output("stream", text="1\n")]
    cells[1].outputs = [nbformat.v4.new_output("stream", text="3\n")]
    write(tmp_path, *cells)
    said = nbval(tmp_path)
    assert "2 failed, 1 passed, 2 skipped" in said, said
    assert "code cell 2 of this notebook failed" in said
