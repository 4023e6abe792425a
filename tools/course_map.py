"""The map of the course as a drawing: a box for each lecture, an arrow from what it needs."""

import textwrap
from html import escape

from course import Lecture, depth

WIDTH, HEIGHT = 166, 84  # of a box
RIGHT, DOWN = 206, 100  # from one box to the next
LINE = 16  # from one line of words to the next

ARROW = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7"'
    ' orient="auto"><path d="M0 0 8 4 0 8z"/></marker></defs>'
)


def places(course: list[Lecture]) -> dict[str, tuple[int, int]]:
    """Column and row of every lecture: right of what it needs, in its row while that is free."""
    place: dict[str, tuple[int, int]] = {}
    for lecture in course:
        column = depth(lecture, course)
        _, row = max((place[need] for need in lecture.needs), default=(0, 0))
        if (column, row) in place.values():
            row = 1 + max(row for _, row in place.values())
        place[lecture.number] = column, row
    return place


def box(lecture: Lecture, column: int, row: int) -> str:
    """A lecture: a link with its number and its title."""
    x, y = column * RIGHT + 1, row * DOWN + 1
    lines = textwrap.wrap(lecture.title, 21, max_lines=3, placeholder=" …")
    words = "".join(f'<tspan x="{x + 10}" dy="{LINE}">{escape(line)}</tspan>' for line in lines)
    return (
        f'<a href="{lecture.name}.html"><title>{escape(lecture.title)}</title>'
        f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="6"/>'
        f'<text x="{x + 10}" y="{y + 20}"><tspan class="number">{lecture.number}</tspan>'
        f"{words}</text></a>"
    )


def arrow(start: tuple[int, int], end: tuple[int, int]) -> str:
    """From the right side of one box along its row, and then to the left side of another."""
    x0, y0 = start[0] * RIGHT + WIDTH + 1, start[1] * DOWN + HEIGHT // 2
    x1, y1 = end[0] * RIGHT, end[1] * DOWN + HEIGHT // 2
    turn = x1 - (RIGHT - WIDTH)
    return f'<path marker-end="url(#tip)" d="M{x0} {y0}H{turn}C{x1} {y0} {turn} {y1} {x1} {y1}"/>'


def drawing(course: list[Lecture]) -> str:
    """The whole map as SVG."""
    place = places(course)
    columns, rows = (1 + max(values) for values in zip(*place.values(), strict=True))
    arrows = [arrow(place[need], place[one.number]) for one in course for need in one.needs]
    boxes = [box(one, *place[one.number]) for one in course]
    size = f"0 0 {columns * RIGHT - RIGHT + WIDTH + 2} {rows * DOWN - DOWN + HEIGHT + 2}"
    svg = f'<svg viewBox="{size}" role="group" aria-label="Which lecture needs which">'
    return f'<div class="map">{svg}{ARROW}{"".join(arrows + boxes)}</svg></div>\n'
