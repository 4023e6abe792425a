"""The start page, lectures/README.md, and its map: up to date, true to the notebooks."""

import ast
import re
import shutil
from pathlib import Path
from random import Random
from xml.etree import ElementTree

import course
import course_map
import nbformat
import notebooks
import pytest
import start_page
from course import NEEDS, everything_before, lectures, names_given_to, written_needs
from execution import NotebookError
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

FOLDER = course.ROOT / "lectures"
SVG = {"svg": "http://www.w3.org/2000/svg"}


def toy(root: Path, **sources: list[str]) -> Path:
    """A course of small lectures: name=[text, code, code, ...]."""
    for folder in ("solutions", "lectures"):
        (root / folder).mkdir(exist_ok=True)
    for name, (text, *code) in sources.items():
        cells = [new_markdown_cell(text), *map(new_code_cell, code)]
        nbformat.write(new_notebook(cells=cells), root / "solutions" / f"{name.strip('_')}.ipynb")
    return root


@pytest.mark.parametrize("name", ["README.md", "map.svg"])
def test_the_page_and_its_map_are_up_to_date(name: str) -> None:
    written = (FOLDER / name).read_text(encoding="utf-8") if (FOLDER / name).exists() else ""
    assert written == start_page.files(lectures())[name], "run `python tools/start_page.py`"


def test_every_lecture_is_on_the_page_and_every_link_leads_somewhere() -> None:
    linked = re.findall(r"\]\(([^)]+)\)", start_page.page(lectures()))
    assert not [link for link in linked if not (FOLDER / link).exists()]
    solutions = {path.stem for path in (course.ROOT / "solutions").glob("*.ipynb")}
    assert {Path(link).stem for link in linked} - {"map"} == solutions


# --- the map --------------------------------------------------------------------------------------


def test_the_map_has_a_box_for_each_lecture_and_an_arrow_for_each_need() -> None:
    everything = lectures()
    picture = ElementTree.fromstring(course_map.picture(everything))
    drawing = ElementTree.fromstring(course_map.drawing(everything))
    assert {link.get("href") for link in drawing.iter("a")} == {
        f"{e.name}.html" for e in everything
    }
    for texts, arrows in (
        (picture.findall("svg:text", SVG), picture.findall("svg:path", SVG)),
        (drawing.findall("svg/a/text"), drawing.findall("svg/path")),
    ):
        assert [text[0].text for text in texts] == [one.number for one in everything]
        assert len(arrows) == sum(len(one.needs) for one in everything)
    assert all(one.needs for one in everything[1:])  # all but the first need something


def planned(written: list[str]) -> list[course.Lecture]:
    """The course as if just these lectures were written."""
    return [course.Lecture(Path(n), tuple(written_needs(n, written))) for n in written]


@pytest.mark.parametrize("seed", range(50))
def test_no_arrow_runs_behind_a_box(seed: int) -> None:
    numbers = [n for n in NEEDS if n == "00" or Random(f"{seed}{n}").random() < 0.02 * (seed + 1)]
    drawn = planned(numbers)
    boxes = course_map.places(drawn)
    assert len(set(boxes.values())) == len(drawn)
    picture = ElementTree.fromstring(f"<svg>{course_map.arrows(drawn, boxes)}</svg>")
    corners = [
        (column * course_map.RIGHT + 1, row * course_map.DOWN + 1) for column, row in boxes.values()
    ]
    for path in picture:
        x0, y0, run, *_, bend, below, end = map(int, re.findall(r"\d+", path.get("d")))
        for left, right, y in ((x0, run, y0), (bend, end, below)):
            assert not [
                (x, top)
                for x, top in corners
                if left < x + course_map.WIDTH and x < right and 0 < y - top < course_map.HEIGHT
            ]


# --- what it is drawn from ------------------------------------------------------------------------


def test_needs_come_before() -> None:
    assert all(need in NEEDS and need < number for number in NEEDS for need in NEEDS[number])


def test_what_a_lecture_uses_of_the_learner_s_comes_from_one_it_needs() -> None:
    home = {exercise: one.number for one in lectures() for exercise in one.exercises}
    for one in lectures():
        used = {home[name] for name in names_given_to("mine", one.notebook)} - {one.number}
        assert used <= everything_before(one.number), f"{one.number} uses answers of {used}"


@pytest.mark.parametrize("lecture", lectures(), ids=lambda one: one.number)
def test_a_lecture_says_of_its_exercises_what_the_exercises_say(lecture: course.Lecture) -> None:
    text = [cell.source for cell in lecture.notebook.cells if cell.cell_type == "markdown"]
    said = re.findall(r"^### Exercise .*?  ([●○]{3}) (\d+) minutes$", "\n".join(text), re.MULTILINE)
    known = [course.find(name) for name in lecture.exercises]
    assert said == [("●" * e.difficulty + "○" * (3 - e.difficulty), str(e.minutes)) for e in known]


def test_what_is_not_written_yet_is_passed_over() -> None:
    assert written_needs("03b", ["00", "02", "03a"]) == ["03a"]
    assert written_needs("03b", ["00"]) == ["00"]
    assert written_needs("13b", ["00", "03a"]) == ["03a"]  # which needs 00 already
    assert written_needs("00", ["00"]) == []


def test_a_lecture_that_nobody_placed_is_named(tmp_path: Path) -> None:
    toy(tmp_path, _00_start=["# 00 · Start"], _99z_new=["# 99z · New"])
    with pytest.raises(NotebookError, match="99z .*NEEDS"):
        lectures(tmp_path)
    assert start_page.main(tmp_path) == 1
    assert not list((tmp_path / "lectures").iterdir())


def test_a_lecture_without_a_heading_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotebookError, match="00_start.ipynb"):
        _ = lectures(toy(tmp_path, _00_start=["Welcome."]))[0].title


def test_minutes_are_reading_running_and_solving(tmp_path: Path) -> None:
    text = "# 00 · Start\n\n**What it is**\n\n" + "word " * 992  # 1000 words and signs in all
    answer = 'jsd = exercises.check("foundations.jsd", jsd)'
    again = 'jsd = check("foundations.jsd", jsd)\nmine("foundations.bayes")'
    (one,) = lectures(toy(tmp_path, _00_start=[text, answer, again]))
    assert (one.title, one.subtitle, one.needs) == ("Start", "What it is", ())
    assert one.exercises == ["foundations.jsd"]
    solving = course.find("foundations.jsd").minutes
    assert abs(one.minutes - (1000 / 100 + 2 / 2 + solving)) <= 2.5
    assert one.minutes % 5 == 0


def test_what_the_page_tells_one_to_run_runs() -> None:
    text = start_page.page(lectures())
    (code,) = re.findall(r"```python\n(.+?)```", text, re.DOTALL)
    (first,) = re.findall(r"`(from .+? import \w+)`", text)
    names: dict[str, object] = {}
    exec(first, names)
    said = repr(eval(code, names))
    assert all(name.partition(".")[2] in said for one in lectures() for name in one.exercises)


@pytest.mark.parametrize("lecture", lectures(), ids=lambda one: one.number)
def test_the_first_cell_imports_what_the_page_says(lecture: course.Lecture) -> None:
    first = next(cell.source for cell in lecture.notebook.cells if cell.cell_type == "code")
    imported = {
        alias.name
        for node in ast.walk(ast.parse(first))
        if isinstance(node, ast.ImportFrom) and node.module == "dgm_lib.exercises"
        for alias in node.names
    }
    assert {"check", "hint", "progress"} <= imported


def test_a_lecture_ends_with_the_way_to_its_neighbours(tmp_path: Path) -> None:
    def last_words(name: str) -> str:
        return nbformat.read(tmp_path / f"lectures/{name}.ipynb", as_version=4).cells[-1].source

    toy(tmp_path, _00_first=["# 00 · First", "1 + 1"], _01_second=["# 01 · Second", "2 + 2"])
    for solution in (tmp_path / "solutions").glob("*.ipynb"):
        shutil.copy(solution, notebooks.lecture_path(solution))
    assert notebooks.main(["--check"], tmp_path) == 2
    notebooks.relink(tmp_path)
    assert notebooks.main(["--check"], tmp_path) == 0
    assert "](01_second.ipynb)" in last_words("00_first") and "←" not in last_words("00_first")
    assert "](00_first.ipynb)" in last_words("01_second") and "→" not in last_words("01_second")
    assert "](../solutions/01_second.ipynb)" in last_words("01_second")


def test_a_lecture_begins_with_its_minutes_and_the_way_to_the_map() -> None:
    for one in lectures():
        path = notebooks.lecture_path(one.path)
        *said, last = nbformat.read(path, as_version=4).cells[0].source.splitlines()
        assert f"{one.minutes} minutes" in last and "](README.md)" in last, one.name
        assert not [line for line in said if "minutes" in line], "said twice, it ages"
