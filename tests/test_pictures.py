"""The pictures of README.md are those that `make pictures` takes, and all of them are there."""

import re

import pictures
from course import ROOT


def test_the_readme_shows_the_pictures_that_the_tool_takes() -> None:
    shown = re.findall(r"\]\(\.github/(\w+)\.png\)", (ROOT / "README.md").read_text("utf-8"))
    assert sorted(shown) == sorted(pictures.PICTURES)
    for name, picture in pictures.PICTURES.items():
        assert (pictures.FOLDER / f"{name}.png").stat().st_size < 400_000
        assert (ROOT / "lectures" / f"{picture.lecture}.ipynb").exists()
