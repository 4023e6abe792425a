"""The interrupt button of a notebook, taken as a wish to pause."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from IPython import get_ipython


@contextmanager
def interrupts(stop: Callable[[], None]) -> Iterator[None]:
    """Have the kernel's interrupt call `stop`, and nothing else, in the meantime.

    The kernel would turn it into a cancellation of the cell, which could then not be told from
    any other, as that of `asyncio.timeout`. A program outside of a notebook keeps its Ctrl-C.
    """
    if get_ipython() is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, lambda *_: stop())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
