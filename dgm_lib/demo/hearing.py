"""Widgets whose events are heard while a cell runs."""

from __future__ import annotations

from typing import Any


def hear_at_once(widgets: list[Any]) -> None:
    """Have the events of these widgets arrive on the thread that the browser asks for.

    JupyterLab asks for a thread of their own. ipykernel since 7.4 sends them instead to the thread
    that has last changed the widget: to the main one, where they wait for the end of the cell.
    """
    for widget in widgets:
        if hasattr(widget.comm, "_reply_subshell_for"):
            widget.comm._reply_subshell_for = lambda data, asked: asked
