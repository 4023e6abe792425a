"""The notebook that `tools/notebooks.py --new` starts: it runs, and is titled as the others."""

from pathlib import Path

import nbformat
import notebooks
import pytest
from notebooks import main


def test_a_new_lecture_runs(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["--new", "01_new_topic"], tmp_path) == 0
    assert main(["01"], tmp_path) == 0
    assert main(["--check"], tmp_path) == 0
    lecture = nbformat.read(tmp_path / "lectures/01_new_topic.ipynb", as_version=4)
    assert "E[-log p(x)]" in lecture.cells[-2].outputs[0].text
    assert main(["--new", "01_new_topic"], tmp_path) == 1
    assert main(["--new", "topic"], tmp_path) == 1


def test_a_new_lecture_is_titled_as_the_others(tmp_path: Path) -> None:
    first = nbformat.read(notebooks.start(tmp_path, "01_new_topic"), as_version=4).cells
    assert first[0].source.startswith("# 01 · New topic\n")
    assert "from dgm_lib.exercises import check, hint, progress" in first[1].source


def test_a_new_lecture_that_nobody_placed_leaves_nothing_behind(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert main(["--new", "99_nowhere"], tmp_path) == 1
    assert "NEEDS" in capsys.readouterr().err and not list(tmp_path.iterdir())
