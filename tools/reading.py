"""A notebook as HTML to read: formulas in MathML, code in colours, pictures, folded solutions."""

import ast
import base64
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape, unescape
from itertools import chain, count
from pathlib import Path

import mistune
from execution import NotebookError
from math_core import LatexError, LatexToMathML
from mistune.util import striptags
from nbformat import NotebookNode
from notebooks import BEGIN, END, PROMPT, without_solutions
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

MATH = re.compile(
    r"(?P<code>```.*?```|`[^`\n]+`)|\\\$|\$\$(?P<block>.+?)\$\$|\$(?P<inline>[^$]+?)\$", re.DOTALL
)
MENTION = re.compile(r"\b(lectures?\s+)(\d\d[a-z]?)\b", re.IGNORECASE)
SIZED_BASE = re.compile(r"(<m(?:sup|sub|subsup)>)(<mo [^>]*minsize[^>]*>.*?</mo>)")
PLACE = "\ue000{}\ue001"  # stands for a formula while the text around it becomes HTML
LABELS = {"title", "xlabel", "ylabel", "label", "set_title", "suptitle", "set_xlabel", "set_ylabel"}

LATEX = LatexToMathML(fancy_error=False)
PYTHON, COLOURS = PythonLexer(), HtmlFormatter(nowrap=True)


@dataclass
class Heading:
    """A heading of a page, for the table of contents and for links to it."""

    level: int
    anchor: str
    html: str


@dataclass
class Reading:
    """What a notebook, or a text in Markdown, is on a page."""

    html: str = ""
    headings: list[Heading] = field(default_factory=list)
    pictures: dict[str, bytes] = field(default_factory=dict)  # file name -> PNG


def mathml(latex: str, block: bool) -> str:
    """A formula as MathML; LaTeX that is not understood raises NotebookError."""
    try:
        formula = LATEX.convert_with_local_state(latex.strip(), displaystyle=block)
    except LatexError as error:
        raise NotebookError(f"the formula {latex!r}: {error}") from error
    # Browsers give a bracket its size \bigr only in a row, not where it bears the exponent itself.
    formula = SIZED_BASE.sub(r"\1<mrow>\2</mrow>", formula)
    return f'<span class="formula">{formula}</span>' if block else formula


class Renderer(mistune.HTMLRenderer):
    """Markdown's HTML, with anchors on headings, and links to the lectures that are mentioned."""

    def __init__(self, headings: list[Heading], links: dict[str, str]) -> None:
        super().__init__(escape=False)
        self.headings, self.links = headings, links

    def heading(self, text: str, level: int, **attrs: object) -> str:
        """A heading that knows its anchor, made from its words."""
        words = re.sub(r"\ue000.*?\ue001", "", unescape(striptags(text)))
        first = re.sub(r"\W+", "-", words.lower()).strip("-") or "section"
        taken = {heading.anchor for heading in self.headings}
        anchors = chain([first], (f"{first}-{number}" for number in count(2)))
        anchor = next(anchor for anchor in anchors if anchor not in taken)
        self.headings.append(Heading(level, anchor, re.sub(r"</?a\b[^>]*>", "", text)))
        return f'<h{level} id="{anchor}">{text}</h{level}>\n'

    def table(self, text: str) -> str:
        """A table that scrolls where it is too wide."""
        return f'<div class="table"><table>\n{text}</table></div>\n'

    def text(self, text: str) -> str:
        """Words, in which "lecture 03a" is a link if there is such a lecture."""
        return MENTION.sub(self._link, super().text(text))

    def _link(self, mention: re.Match) -> str:
        page = self.links.get(mention[2])
        return f'{mention[1]}<a href="{page}">{mention[2]}</a>' if page else mention[0]


def markdown(source: str, reading: Reading, links: dict[str, str]) -> str:
    """Text in Markdown as HTML; formulas are taken out before, as JupyterLab does."""
    formulas: list[str] = []

    def take_out(match: re.Match) -> str:
        latex = match["block"] or match["inline"]
        if not latex:
            return match[0]
        formulas.append(mathml(latex, block=match["block"] is not None))
        return PLACE.format(len(formulas) - 1)

    def put_back(html: str) -> str:
        return re.sub(r"\ue000(\d+)\ue001", lambda match: formulas[int(match[1])], html)

    known = len(reading.headings)
    render = mistune.create_markdown(
        renderer=Renderer(reading.headings, links), plugins=["table", "strikethrough"]
    )
    html = put_back(render(MATH.sub(take_out, source)))
    for heading in reading.headings[known:]:
        heading.html = put_back(heading.html)
    return html


def code(source: str) -> str:
    """Python in colours."""
    return f'<pre class="code"><code>{highlight(source, PYTHON, COLOURS).rstrip()}</code></pre>\n'


def solved(source: str) -> str:
    """A cell as one who has solved it would have it: without marks and prompts."""
    lines = source.split("\n")
    marks = (BEGIN, END, PROMPT)
    return "\n".join(line for line in lines if not line.strip().startswith(marks))


def words_in(source: str) -> list[str]:
    """The titles and labels that a cell writes on its picture, where they are constants."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            named = [keyword.value for keyword in node.keywords if keyword.arg in LABELS]
            found += [*(node.args[:1] if name in LABELS else []), *named]
    texts = [node.value for node in found if isinstance(node, ast.Constant)]
    return list(dict.fromkeys(text for text in texts if isinstance(text, str) and text))


def picture(output: NotebookNode, cell: NotebookNode, section: str, file: str) -> str:
    """A stored picture, with words for those who do not see it."""
    width, height = struct.unpack(">II", base64.b64decode(output.data["image/png"])[16:24])
    plain = output.data.get("text/plain", "")
    demo = plain.strip("<>").removeprefix("Demo ") if plain.startswith("<Demo") else ""
    subject = f"Demo: {demo}" if demo else f"Plot in “{section}”"
    alt = ": ".join(filter(None, [subject, "; ".join(words_in(cell.source))]))
    caption = f"<figcaption>{escape(demo)}: live in the notebook</figcaption>" if demo else ""
    image = (
        f'<img src="{file}" alt="{escape(alt)}" width="{width}" height="{height}" loading="lazy">'
    )
    return f"<figure>{image}{caption}</figure>\n"


def outputs(cell: NotebookNode, reading: Reading, folder: str) -> Iterator[str]:
    """What a code cell shows, its pictures as files of a folder."""
    section = unescape(striptags(reading.headings[-1].html)) if reading.headings else ""
    for output in cell.outputs:
        data = output.get("data", {})
        if "image/png" in data:
            file = f"{folder}/{cell.id}-{len(reading.pictures)}.png"
            reading.pictures[file] = base64.b64decode(data["image/png"])
            yield picture(output, cell, section, file)
        elif "text/html" in data:
            yield f'<div class="output">{data["text/html"]}</div>\n'
        elif text := output.get("text") or data.get("text/plain"):
            yield f'<pre class="output">{escape(text.rstrip())}</pre>\n'


def code_cell(cell: NotebookNode, reading: Reading, folder: str) -> str:
    """A code cell; an exercise as it is set, its solution and what that gives folded away."""
    shown = "".join(outputs(cell, reading, folder))
    hidden = "solution-only" in cell.metadata.get("tags", [])
    if BEGIN not in cell.source and not hidden:
        return code(cell.source) + shown
    answer = f"<summary>Show a solution</summary>\n{code(solved(cell.source))}{shown}"
    task = "" if hidden else code(without_solutions(cell.source))
    return f'{task}<details class="solution">{answer}</details>\n'


def read(notebook: NotebookNode, links: dict[str, str], folder: str) -> Reading:
    """A solved notebook to read: `links` are the pages of lectures, `folder` is for pictures."""
    reading = Reading()
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            reading.html += markdown(cell.source, reading, links)
        elif cell.cell_type == "code":
            reading.html += code_cell(cell, reading, folder)
    return reading


def colours() -> str:
    """The style sheet of code, for light and dark."""
    light, dark = (
        HtmlFormatter(style=style).get_style_defs(".code") for style in ("xcode", "github-dark")
    )
    return f"{light}\n@media screen and (prefers-color-scheme: dark) {{\n{dark}\n}}\n"


def read_text(path: Path, links: dict[str, str]) -> Reading:
    """A file in Markdown to read."""
    reading = Reading()
    reading.html = markdown(path.read_text(encoding="utf-8"), reading, links)
    return reading
