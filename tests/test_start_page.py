"""The map of the course and lectures/README.md: up to date, true to the notebooks."""

import re
import shutil
from pathlib import Path

import course
import nbformat
import notebooks
import pytest
import start_page
from course import NEEDS, everything_before, lectures, names_given_to, written_needs
from execution import NotebookError
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

PAGE = course.ROOT / "lectures" / "README.md"


def toy(root: Path, **sources: list[str]) -> Path:
    """A course of small lectures: name=[text, code, code, ...]."""
    for folder in ("solutions", "lectures"):
        (root / folder).mkdir(exist_ok=True)
    for name, (text, *code) in sources.items():
        cells = [new_markdown_cell(text), *map(new_code_cell, code)]
        nbformat.write(new_notebook(cells=cells), root / "solutions" / f"{name.strip('_')}.ipynb")
    return root


def test_the_page_is_up_to_date() -> None:
    written = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    assert written == start_page.page(lectures()), "run `python tools/start_page.py`"


def test_every_lecture_is_on_the_map_and_every_link_leads_somewhere() -> None:
    text = start_page.page(lectures())
    solutions = {path.stem for path in (course.ROOT / "solutions").glob("*.ipynb")}
    linked = re.findall(r"\]\(([^)]+)\)", text)
    assert {Path(link).stem for link in linked} == solutions
    assert not [link for link in linked if not (PAGE.parent / link).exists()]
    boxes = re.findall(r"^    L(\w+)\[", text, re.MULTILINE)
    arrows = re.findall(r"^    L(\w+) --> L(\w+)$", text, re.MULTILINE)
    assert sorted(boxes) == sorted(name.partition("_")[0] for name in solutions)
    assert {end for arrow in arrows for end in arrow} <= set(boxes)
    assert {end for _, end in arrows} == set(boxes) - {"00"}  # all but the first need something


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
    assert not (tmp_path / "lectures" / "README.md").exists()


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
    (code,) = re.findall(r"```python\n(.+?)```", start_page.page(lectures()), re.DOTALL)
    *statements, last = code.strip().splitlines()
    names: dict[str, object] = {}
    exec("\n".join(statements), names)
    said = repr(eval(last, names))
    assert all(name.partition(".")[2] in said for one in lectures() for name in one.exercises)


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
