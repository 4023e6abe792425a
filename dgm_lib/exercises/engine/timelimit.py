"""A time limit for code that may never end, and may not want to."""

import ctypes
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, TextIO

AGAIN = 0.1  # seconds until code that swallowed a Timeout gets the next one


class Timeout(BaseException):
    """Time is up. Not an Exception, so that `except Exception` does not swallow it."""


def call_within(seconds: float, notice: TextIO, function: Callable, *args: Any) -> Any:
    """`function(*args)`, or Timeout if it takes longer, whatever it returned or raised by then.

    In the main thread an alarm interrupts even a call that sleeps. In other threads, and on
    Windows, the interruption waits for the next Python instruction; where that does not come, a
    line written to `notice` says what to do.
    """
    main = threading.current_thread() is threading.main_thread()
    if main and hasattr(signal, "SIGALRM"):
        return _with_alarm(seconds, function, *args)
    return _with_watchdog(seconds, notice, function, *args)


def _with_alarm(seconds: float, function: Callable, *args: Any) -> Any:
    here, tracer, fired, running = sys._getframe(), sys.gettrace(), 0, True

    def fire(_: int, frame: FrameType | None) -> None:
        nonlocal fired
        if not running:
            return
        fired += 1
        if fired > 1:
            _insist(frame, here)
        raise Timeout

    started = time.monotonic()
    handler = signal.signal(signal.SIGALRM, fire)
    delay, interval = signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-3), AGAIN)
    try:
        try:
            out = function(*args)
        finally:
            running = False
    except BaseException:
        if not fired:
            raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.settrace(tracer)
        signal.signal(signal.SIGALRM, handler)
        if delay:  # somebody else's alarm goes on
            left = delay - (time.monotonic() - started)
            signal.setitimer(signal.ITIMER_REAL, max(left, 1e-3), interval)
    if fired:
        raise Timeout
    return out


def _insist(frame: FrameType | None, outermost: FrameType) -> None:
    """Raise Timeout at the next new line too: inside the bare `except` that swallowed the last."""

    def trace(_frame: FrameType, event: str, _argument: Any) -> Any:
        if event == "line":
            raise Timeout
        return trace

    while frame is not None and frame is not outermost:
        frame.f_trace = trace
        frame = frame.f_back
    sys.settrace(lambda *_: None)


def _with_watchdog(seconds: float, notice: TextIO, function: Callable, *args: Any) -> Any:
    thread = ctypes.c_ulong(threading.get_ident())
    send = ctypes.pythonapi.PyThreadState_SetAsyncExc
    lock, over, fired = threading.Lock(), threading.Event(), threading.Event()

    def watch() -> None:
        over.wait(seconds)
        for turn in range(sys.maxsize):
            with lock:
                if over.is_set():
                    return
                fired.set()
                send(thread, ctypes.py_object(Timeout))
            if turn == 20:
                notice.write("time is up, but this call cannot be stopped from here: "
                             "interrupt the kernel\n")
            over.wait(AGAIN)

    watchdog = threading.Thread(target=watch, daemon=True)
    watchdog.start()
    try:
        try:
            out = function(*args)
        finally:
            over.set()
    except BaseException:
        if not fired.is_set():
            raise
    finally:
        with lock:  # no Timeout is on its way any more
            over.set()
            send(thread, None)
    if fired.is_set():
        raise Timeout
    return out

