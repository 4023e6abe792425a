"""Work handed from any thread to the thread of the main loop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

Work = Callable[[], None]


class Mailbox:
    """Runs work in order on the event loop of its maker, then `settle` once for all of it.

    The kernel delivers a widget's events on a thread of its own, while a simulation may be in the
    middle of a step on the main one; so events only post. Without a loop, work is done at once.
    """

    def __init__(self, settle: Work) -> None:
        self.settle = settle
        self._waiting: deque[Work] = deque()
        try:
            self.loop: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            self.loop = None

    def post(self, work: Work) -> None:
        """Have `work` done soon; may be called from any thread."""
        self._waiting.append(work)
        if self.loop is None:
            self.drain()
        elif not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.drain)

    def drain(self) -> None:
        """Do all that waits; for the thread of the loop."""
        if not self._waiting:
            return
        while self._waiting:
            self._waiting.popleft()()
        self.settle()
