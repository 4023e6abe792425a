"""The map of the course as a drawing: a box for each lecture, an arrow from what it needs."""

import textwrap
from collections.abc import Iterable
from html import escape

from course import Lecture, depth

WIDTH, HEIGHT = 166, 84  # of a box
RIGHT, DOWN = 206, 100  # from one box to the next
BEND = 32  # as wide as an arrow's turn, which leaves room for its tip
LINE = 16  # from one line of words to the next
MARGIN = 12  # around the picture

ARROW = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7"'
    ' orient="auto"><path d="M0 0 8 4 0 8z"/></marker></defs>'
)
LABEL = "Which lecture needs which"
STYLE = """\
svg { background: #fff; font: 13px system-ui, "Segoe UI", "Noto Sans", sans-serif; }
rect { fill: #f5f6f8; stroke: #b9c0ca; }
path { fill: none; stroke: #59636e; stroke-width: 1.5; }
marker path { fill: #59636e; stroke: none; }
text { fill: #1c2128; }
.number { font-weight: 700; }
"""

Cell = tuple[int, int]  # column and row


def row_along(start: Cell, end: Cell, boxes: set[Cell]) -> int:
    """The row in which an arrow runs: that of its start if no box stands there, else its end's."""
    return end[1] if between(start, end, start[1]) & boxes else start[1]


def between(start: Cell, end: Cell, row: int) -> set[Cell]:
    """The cells of a row in the columns between two boxes."""
    return {(column, row) for column in range(start[0] + 1, end[0])}


def passed(starts: Iterable[Cell], end: Cell, boxes: set[Cell]) -> set[Cell]:
    """The cells that the arrows to one box run through."""
    rows = {start: row_along(start, end, boxes) for start in starts}
    return {cell for start, row in rows.items() for cell in between(start, end, row)}


def places(course: list[Lecture]) -> dict[str, Cell]:
    """Column and row of every lecture: right of what it needs, in its row while that is free.

    Free is what has no box and no arrow: none runs behind a box.
    """
    place: dict[str, Cell] = {}
    arrows: set[Cell] = set()
    for lecture in course:
        starts, boxes = [place[need] for need in lecture.needs], set(place.values())
        end = depth(lecture, course), max(starts, default=(0, 0))[1]
        if end in boxes | arrows or passed(starts, end, boxes) & boxes:
            end = end[0], 1 + max(row for _, row in boxes | arrows)
        place[lecture.number] = end
        arrows |= passed(starts, end, boxes)
    return place


def box(lecture: Lecture, column: int, row: int) -> str:
    """A lecture: its number and its title."""
    x, y = column * RIGHT + 1, row * DOWN + 1
    lines = textwrap.wrap(lecture.title, 21, max_lines=3, placeholder=" …")
    words = "".join(f'<tspan x="{x + 10}" dy="{LINE}">{escape(line)}</tspan>' for line in lines)
    return (
        f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="6"/>'
        f'<text x="{x + 10}" y="{y + 20}"><tspan class="number">{lecture.number}</tspan>'
        f"{words}</text>"
    )


def link(lecture: Lecture, column: int, row: int) -> str:
    """A lecture that leads to its page."""
    title = f"<title>{escape(lecture.title)}</title>"
    return f'<a href="{lecture.name}.html">{title}{box(lecture, column, row)}</a>'


def arrow(start: Cell, end: Cell, boxes: set[Cell]) -> str:
    """From the right side of one box to the left side of another, bent before or behind its run."""
    x0, y0 = start[0] * RIGHT + WIDTH + 1, start[1] * DOWN + HEIGHT // 2
    x1, y1 = end[0] * RIGHT, end[1] * DOWN + HEIGHT // 2
    turn = x1 - (RIGHT - WIDTH) if row_along(start, end, boxes) == start[1] else x0
    bend = f"C{turn + BEND} {y0} {turn} {y1} {turn + BEND} {y1}"
    return f'<path marker-end="url(#tip)" d="M{x0} {y0}H{turn}{bend}H{x1}"/>'


def arrows(course: list[Lecture], place: dict[str, Cell]) -> str:
    """All arrows of the map."""
    boxes = set(place.values())
    pairs = ((place[need], place[one.number]) for one in course for need in one.needs)
    return "".join(arrow(start, end, boxes) for start, end in pairs)


def size(place: dict[str, Cell]) -> tuple[int, int]:
    """Width and height of the map."""
    columns, rows = (1 + max(values) for values in zip(*place.values(), strict=True))
    return columns * RIGHT - RIGHT + WIDTH + 2, rows * DOWN - DOWN + HEIGHT + 2


def drawing(course: list[Lecture]) -> str:
    """The map as a part of a page, each box a link."""
    place = places(course)
    width, height = size(place)
    boxes = "".join(link(one, *place[one.number]) for one in course)
    svg = f'<svg viewBox="0 0 {width} {height}" role="group" aria-label="{LABEL}">'
    return f'<div class="map">{svg}{ARROW}{arrows(course, place)}{boxes}</svg></div>\n'


def picture(course: list[Lecture]) -> str:
    """The map as a file of its own, legible on dark pages, too."""
    place = places(course)
    width, height = (length + 2 * MARGIN for length in size(place))
    boxes = "\n".join(box(one, *place[one.number]) for one in course)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        f' viewBox="{-MARGIN} {-MARGIN} {width} {height}" role="img" aria-label="{LABEL}">\n'
        f"<style>\n{STYLE}</style>\n{ARROW}\n{arrows(course, place)}\n{boxes}\n</svg>\n"
    )
