"""The course to read, as a folder of pages that needs no server and no network.

    python tools/website.py [FOLDER]      write it to FOLDER; `make site` writes site/

Open its index.html. The pages are made from solutions/; answers are folded away.
"""

import json
import re
import shutil
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape, unescape
from pathlib import Path
from string import Template

from course import ROOT, Lecture, lectures
from course_map import drawing
from execution import NotebookError
from mistune.util import striptags
from reading import Heading, Reading, colours, read, read_text

ASSETS = Path(__file__).parent / "site"
PAGE = Template((ASSETS / "page.html").read_text(encoding="utf-8"))
COURSE = "Deep generative models"
DIFFICULTY = re.compile(r"\s+[●○]{3}.*")  # and minutes, at the end of an exercise's heading

INDEX = """\
<h1>{course}</h1>
<p>An interactive course on how machines learn to imitate the world, here to read. Everything runs
first on laws whose density, score, entropy and modes are known exactly, so an estimate is never
shown without what it should be.</p>
<p>To work through it, play with the demos and have your own answers checked, open the notebooks:
<code>make lab</code> in the folder of the course starts JupyterLab.
Symbols and shapes are fixed in the <a href="notation.html">notation</a>.</p>
<h2 id="map">The map</h2>
<p>An arrow says: work through this one first.</p>
{map}
<h2 id="lectures">The lectures</h2>
{list}
"""


@dataclass(frozen=True)
class Page:
    """A page of the site: its file, what its heading says, its text, links to its neighbours."""

    file: str
    title: str
    reading: Reading
    neighbours: str = ""

    @property
    def html(self) -> str:
        """The whole file."""
        title = COURSE if self.title == COURSE else f"{self.title} · {COURSE}"
        return PAGE.substitute(
            title=escape(title),
            contents=contents(self.reading.headings),
            body=self.reading.html,
            neighbours=self.neighbours,
        )


def words(html: str) -> str:
    """What a reader sees of some HTML, letters of formulas as plain letters, for the search."""
    return " ".join(unicodedata.normalize("NFKC", unescape(striptags(html))).split())


def sections(page: Page) -> list[list[str]]:
    """File, anchor, title, heading and text of every section of a page."""
    _, *texts = re.split(r"<h\d id=.*?</h\d>", page.reading.html)
    return [
        [page.file, heading.anchor, page.title, words(heading.html), words(text)]
        for heading, text in zip(page.reading.headings, texts, strict=True)
    ]


def contents(headings: list[Heading]) -> str:
    """The table of contents beside a page."""
    items = (
        f'<li{" class=deeper" if heading.level > 2 else ""}>'
        f'<a href="#{heading.anchor}">{DIFFICULTY.sub("", heading.html)}</a></li>'
        for heading in headings
        if heading.level in (2, 3)
    )
    return f"<ol>{''.join(items)}</ol>"


def link(lecture: Lecture, **attributes: str) -> str:
    """A link to a lecture's page."""
    extra = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f'<a href="{lecture.name}.html"{extra}>{lecture.number} · {escape(lecture.title)}</a>'


def neighbours(lecture: Lecture, course: list[Lecture]) -> str:
    """Links to the lectures before and after one."""
    place = course.index(lecture)
    before = [f"<span>before: {link(one, rel='prev')}</span>" for one in course[:place][-1:]]
    after = [f"<span>next: {link(one, rel='next')}</span>" for one in course[place + 1 :][:1]]
    return "".join(before + after)


def facts(lecture: Lecture, course: list[Lecture]) -> str:
    """How long a lecture takes, and what it needs."""
    needs = ", ".join(link(one) for one in course if one.number in lecture.needs)
    size = f"{lecture.minutes} minutes, exercises included"
    return f'<span class="facts">{size}{"; first: " + needs if needs else ""}</span>'


def index(course: list[Lecture]) -> Page:
    """The first page: the map, and a list of all lectures."""
    items = [f"{link(one)}<br>{escape(one.subtitle)}<br>{facts(one, course)}" for one in course]
    lines = "".join(f"<li>{item}</li>\n" for item in items)
    html = INDEX.format(course=COURSE, map=drawing(course), list=f"<ul>{lines}</ul>")
    headings = [Heading(2, "map", "The map"), Heading(2, "lectures", "The lectures")]
    return Page("index.html", COURSE, Reading(html, headings))


def lecture_page(lecture: Lecture, course: list[Lecture], links: dict[str, str]) -> Page:
    """A lecture to read."""
    try:
        reading = read(lecture.notebook, links, f"pictures/{lecture.name}")
    except NotebookError as error:
        raise NotebookError(f"{lecture.path.name}, {error}") from error
    where = f"<code>lectures/{lecture.name}.ipynb</code>"
    note = f'<p>{facts(lecture, course)}<br><span class="facts">to work in: {where}</span></p>'
    top = "</strong></p>" if lecture.subtitle else "</h1>"
    reading.html = reading.html.replace(top, f"{top}\n{note}", 1)
    title = f"{lecture.number} · {lecture.title}"
    return Page(links[lecture.number], title, reading, neighbours(lecture, course))


def pages(root: Path) -> Iterator[Page]:
    """All pages, the index first."""
    course = lectures(root)
    links = {one.number: f"{one.name}.html" for one in course}
    yield index(course)
    yield Page("notation.html", "Notation", read_text(root / "NOTATION.md", links))
    yield from (lecture_page(one, course, links) for one in course)


def build(folder: Path, root: Path = ROOT) -> None:
    """Write the site into a folder; a site that is there already gives way."""
    if folder.exists() and any(folder.iterdir()) and not (folder / "sections.js").exists():
        raise NotebookError(f"{folder} holds something else: name a new folder for the site")
    made = list(pages(root))  # all of it, before anything is thrown away
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for asset in ASSETS.iterdir():
        if asset.name != "page.html":
            shutil.copy(asset, folder)
    with open(folder / "style.css", "a", encoding="utf-8") as style:
        style.write(colours())
    found = [section for page in made[1:] for section in sections(page)]
    script = f"const SECTIONS = {json.dumps(found, ensure_ascii=False)};\n"
    (folder / "sections.js").write_text(script, encoding="utf-8")
    for page in made:
        (folder / page.file).write_text(page.html, encoding="utf-8")
        for name, png in page.reading.pictures.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(png)


def main(arguments: list[str]) -> int:
    """The command line; the exit status is 0 when everything is right."""
    folder = Path(*arguments[:1]) if arguments else ROOT / "site"
    try:
        build(folder)
    except NotebookError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"open {folder / 'index.html'} in a browser")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
