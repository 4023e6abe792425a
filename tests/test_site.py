"""`make site`: pages without server and network, complete, with the answers folded away."""

import base64
import json
import re
import struct
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest

pytest.importorskip("math_core", reason="the Python package math-core is not installed")

import reading
import website
from course import ROOT, lectures
from execution import NotebookError
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from notebooks import BEGIN
from reading import Reading, markdown, read

VOID = {"meta", "link", "img", "input", "br", "hr", "mspace", "path", "rect", "wbr"}
OPTIONAL = {"srcset", "poster", "data", "action", "formaction", "background", "xlink:href"}
PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n....IHDR" + struct.pack(">II", 1, 1)).decode()


class Parsed(HTMLParser):
    """A page taken apart: its tags are balanced, its ids, links and text are collected."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[tuple[str, str]] = []  # tag and class
        self.ids: list[str] = []
        self.links: list[str] = []  # where one goes
        self.resources: list[str] = []  # what a browser loads by itself
        self.images: list[dict[str, str | None]] = []
        self.text = ""  # outside code
        self.unfolded = ""  # code outside <details>
        self.feed(html)
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.ids += [values["id"]] if "id" in values else []
        self.images += [values] if tag == "img" else []
        self.links += [values["href"]] if tag == "a" else []
        loaded = [values[name] for name in ("src", *OPTIONAL) if name in values]
        self.resources += loaded + ([values["href"]] if tag == "link" else [])
        if tag not in VOID:
            self.open.append((tag, values.get("class") or ""))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop()[0] == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        tags = [tag for tag, _ in self.open]
        if "code" not in tags and "pre" not in tags:
            self.text += data
        elif ("pre", "code") in self.open and "details" not in tags:
            self.unfolded += data


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "site"
    website.build(folder)
    return folder


@pytest.fixture(scope="module")
def parsed(site: Path) -> dict[str, Parsed]:
    return {path.name: Parsed(path.read_text(encoding="utf-8")) for path in site.glob("*.html")}


def test_every_lecture_has_a_page_and_the_pages_follow_one_another(
    parsed: dict[str, Parsed],
) -> None:
    names = [f"{path.stem}.html" for path in sorted((ROOT / "solutions").glob("*.ipynb"))]
    assert set(parsed) == {"index.html", "notation.html", *names}
    assert set(names) <= set(parsed["index.html"].links)
    for before, after in zip(names, names[1:], strict=False):
        assert after in parsed[before].links and before in parsed[after].links


def test_nothing_comes_from_elsewhere(site: Path, parsed: dict[str, Parsed]) -> None:
    for page in parsed.values():
        assert not [name for name in page.resources if not (site / name).is_file()]
    style = (site / "style.css").read_text(encoding="utf-8")
    assert re.findall(r"url\((.*?)\)", style) == ['"STIXTwoMath.woff2"'] and "@import" not in style
    script = (site / "search.js").read_text(encoding="utf-8")
    assert not re.search(r"https?:|fetch\(|XMLHttpRequest|import\(", script)


def test_every_link_leads_to_a_place_that_exists_once(parsed: dict[str, Parsed]) -> None:
    for name, page in parsed.items():
        assert not [anchor for anchor, n in Counter(page.ids).items() if n > 1]
        for link in page.links:
            target, _, anchor = link.partition("#")
            assert (target or name) in parsed, f"{name}: {link}"
            assert not anchor or anchor in parsed[target or name].ids, f"{name}: {link}"


def test_every_picture_is_there_and_has_words(site: Path, parsed: dict[str, Parsed]) -> None:
    images = [image for page in parsed.values() for image in page.images]
    assert all(image["alt"] and (site / str(image["src"])).exists() for image in images)
    stored = sum(
        "image/png" in output.get("data", {})
        for one in lectures()
        for cell in one.notebook.cells
        for output in cell.get("outputs", [])
    )
    assert len(images) == stored == len(list(site.rglob("*.png")))


def test_no_formula_is_left_as_latex(parsed: dict[str, Parsed]) -> None:
    for name, page in parsed.items():
        assert not re.search(r"\$|\\[a-zA-Z]|[\ue000\ue001]", page.text), name


def test_answers_are_folded_away(parsed: dict[str, Parsed]) -> None:
    for one in lectures():
        shown = parsed[f"{one.name}.html"].unfolded
        assert BEGIN not in shown and "#:" not in shown
        exercises = [cell for cell in one.notebook.cells if BEGIN in cell.source]
        assert exercises or not one.exercises
        for cell in exercises:
            answer = reading.solved(cell.source)
            assert answer not in shown and reading.without_solutions(cell.source) in shown


def test_each_section_can_be_found(site: Path, parsed: dict[str, Parsed]) -> None:
    script = (site / "sections.js").read_text(encoding="utf-8")
    found = json.loads(script.removeprefix("const SECTIONS = ").removesuffix(";\n"))
    assert {page for page, *_ in found} == set(parsed) - {"index.html"}
    assert all(anchor in parsed[page].ids for page, anchor, *_ in found)
    assert not [text for *_, text in found if "</" in text]
    assert any("KL(p" in text for *_, text in found)  # letters of formulas are plain letters


# --- the parts ------------------------------------------------------------------------------------


def html_of(source: str) -> str:
    return markdown(source, Reading(), {"03a": "03a_vae.html"})


def test_formulas_are_told_from_code_and_from_tables() -> None:
    assert html_of("`$x$` and $a_1*b*c_2$").count("<math>") == 1
    assert "<em>" not in html_of("$a*b$ and $c*d$")
    assert html_of("$$\nx\n$$").count('display="block"') == 1
    assert "<math" not in html_of("```\n$x$\n```") + html_of(r"5 \$ and 6 \$")
    (row,) = re.findall(r"<td>.*</td>", html_of("| a |\n|---|\n| $p(x|y)$ |"))
    assert "<math>" in row


def test_latex_that_is_not_understood_is_named() -> None:
    with pytest.raises(NotebookError, match=r"\\nonsense"):
        html_of(r"$\nonsense{x}$")


def test_a_lecture_that_is_mentioned_is_linked_if_it_exists() -> None:
    assert '<a href="03a_vae.html">03a</a>' in html_of("as in lecture 03a")
    assert "<a" not in html_of("as in lecture 03b, and in 03a times") + html_of("`lecture 03a`")


def test_a_link_in_a_heading_is_none_in_the_contents() -> None:
    page = Reading()
    html = markdown("## As in lecture 03a", page, {"03a": "03a_vae.html"})
    assert "<a" in html and "<a" not in page.headings[0].html


def test_headings_that_say_the_same_have_anchors_of_their_own() -> None:
    page = Reading()
    source = "# A $x$\n\n## Why?\n\n## Why?\n\n## $x$\n\n## $y$\n\n## Why 3\n\n## Why?"
    markdown(source, page, {})
    anchors = [heading.anchor for heading in page.headings]
    assert anchors == ["a", "why", "why-2", "section", "section-2", "why-3", "why-4"]
    assert "<math>" in page.headings[3].html


def test_a_cell_shows_all_it_stored() -> None:
    exercise = f"def f(x):\n    {BEGIN}\n    #: return ...\n    return x < 2\n    ### END SOLUTION"
    data = {"image/png": PIXEL, "text/plain": "<Demo two & more>"}
    outputs = [
        new_output("stream", text="1 < 2\n"),
        new_output("display_data", data=data),
        new_output("display_data", data={"text/html": "<b>table</b>", "text/plain": "table"}),
    ]
    cells = [
        new_markdown_cell("## Section"),
        new_code_cell(exercise, outputs=[new_output("stream", text="right")]),
        new_code_cell('ax.set(xlabel="time", title=name)', outputs=outputs, id="demo"),
        new_code_cell("secret", metadata={"tags": ["solution-only"]}),
    ]
    page = read(new_notebook(cells=cells), {}, "pictures/00")
    task, answer = page.html.split('<details class="solution">')[:2]
    assert "..." in task and "return" in task and "right" not in task
    assert "right" in answer and "BEGIN" not in answer and "#:" not in answer
    assert '<pre class="output">1 &lt; 2</pre>' in page.html and "<b>table</b>" in page.html
    assert 'alt="Demo: two &amp; more: time" width="1" height="1"' in page.html
    assert list(page.pictures) == ["pictures/00/demo-0.png"]
    assert "secret" in page.html.rsplit("<details", 1)[1]


def toy(root: Path, *sections: str) -> Path:
    """A course of one small lecture."""
    texts = ["# 00 · Start", *(sections or ["## Why\n\n$x$"])]
    cells = [new_markdown_cell("\n\n".join(texts))]
    (root / "solutions").mkdir(parents=True)
    nbformat.write(new_notebook(cells=cells), root / "solutions" / "00_start.ipynb")
    (root / "NOTATION.md").write_text("# Notation\n")
    return root


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    keep = tmp_path / "thesis.txt"
    keep.write_text("years of work")
    assert website.main([str(tmp_path)]) == 1
    assert keep.read_text() == "years of work"


def test_a_site_that_is_there_gives_way(tmp_path: Path) -> None:
    root, site = toy(tmp_path / "course"), tmp_path / "site"
    website.build(site, root)
    (site / "00_old.html").write_text("old")
    website.build(site, root)
    assert {path.name for path in site.glob("*.html")} == {
        "index.html",
        "notation.html",
        "00_start.html",
    }


def test_a_formula_that_fails_leaves_the_site_as_it_was(tmp_path: Path) -> None:
    root, site = toy(tmp_path / "course"), tmp_path / "site"
    website.build(site, root)
    cells = [new_markdown_cell("# 00 · Start\n\n$\\nonsense$")]
    nbformat.write(new_notebook(cells=cells), root / "solutions" / "00_start.ipynb")
    with pytest.raises(NotebookError, match=r"00_start.ipynb.*nonsense"):
        website.build(site, root)
    assert 'id="why"' in (site / "00_start.html").read_text(encoding="utf-8")
