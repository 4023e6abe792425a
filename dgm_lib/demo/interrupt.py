"""The interrupt button of a notebook, taken as a wish to pause."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from IPython import get_ipython


@contextmanager
def breakable(stop: Callable[[], None]) -> Iterator[None]:
    """Have the kernel's interrupt call `stop`, and the next one end what still runs by an error.

    This is for calls that come from the event loop. The kernel would ignore its interrupt there,
    and a loop without end could be ended only with the kernel and all that it holds; and
    KeyboardInterrupt would end the event loop. A plain cell has its own interrupt.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        yield
        return
    stopped = False

    def press() -> None:
        nonlocal stopped
        stop()
        if stopped:
            raise RuntimeError("interrupted within a step or picture: does a loop in it never end?")
        stopped = True

    with interrupts(press):
        yield


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
