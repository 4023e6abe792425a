"""The figures of a running cell, which the widgets of a demo must leave alone."""

from __future__ import annotations

import threading

from IPython import get_ipython
from matplotlib_inline.backend_inline import flush_figures


def keep_apart() -> None:
    """Let only the main thread show and close the figures of pyplot, from the next message on.

    After each message of a widget, as after each cell, the kernel shows all open figures and
    closes them. JupyterLab has such messages delivered on a thread of their own: a slider that is
    moved while a cell still plots would take its figure away, and two threads would draw with one
    FreeType library, which then fails ("invalid outline").
    """
    shell = get_ipython()
    if shell is not None:
        shell.events.register("pre_execute", _replace)  # a figure may come later than a demo


def _replace() -> None:
    events = get_ipython().events
    if flush_figures in events.callbacks["post_execute"]:
        events.unregister("post_execute", flush_figures)
        events.register("post_execute", _flush)


def _flush() -> None:
    if threading.current_thread() is threading.main_thread():
        flush_figures()
