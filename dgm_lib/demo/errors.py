"""Exceptions of the learner's code, told without the frames of this package."""

from __future__ import annotations

import html
import traceback
from pathlib import Path
from types import TracebackType

from dgm_lib.training.memory import out_of_memory

HERE = str(Path(__file__).parent)


def trimmed(error: BaseException) -> TracebackType | None:
    """The traceback from the first frame on that is not in this package."""
    found = error.__traceback__
    while found and found.tb_next and found.tb_frame.f_code.co_filename.startswith(HERE):
        found = found.tb_next
    return found


def explain(error: BaseException) -> None:
    """Add in plain words what torch says in its own."""
    if (words := out_of_memory(error)) and words not in getattr(error, "__notes__", []):
        error.add_note(words)


def as_text(error: BaseException) -> str:
    """The whole story, as Python would print it."""
    return "".join(traceback.format_exception(type(error), error, trimmed(error)))


def as_html(error: BaseException) -> str:
    """What went wrong in one line, the place, and the whole story to unfold."""
    last = traceback.format_exception_only(error)[-1].strip()
    story = traceback.extract_tb(trimmed(error))
    frames = [frame for frame in story if not frame.filename.startswith(HERE)] or story
    place = f"line {frames[-1].lineno}, in {frames[-1].name}: {frames[-1].line}" if frames else ""
    return (
        f"<b>{html.escape(last)}</b><br><code>{html.escape(place)}</code>"
        f"<details><summary>traceback</summary><pre>{html.escape(as_text(error))}</pre></details>"
        "The demo is alive: mend the function, run its cell, and press Play."
    )
