"""The playing of a run: one loop for animation and training, and the learner's own loop."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, ClassVar
from weakref import WeakValueDictionary

import numpy as np

from dgm_lib.demo.controls import control
from dgm_lib.demo.interrupt import breakable, interrupts
from dgm_lib.demo.mailbox import Mailbox
from dgm_lib.demo.run import Frame, Run, Sim
from dgm_lib.demo.scene import Scene

SPEEDS = {"¼": 0.25, "1": 1, "2": 2, "5": 5, "10": 10, "20": 20, "50": 50, "max": math.inf}
PATIENCE = 0.1  # seconds of simulation after which a picture is drawn, however few its steps
SLICE = 0.02  # seconds of simulation after which waiting events get their turn


class Player:
    """A run and its scene, played without a screen; a subclass shows them.

    `draw` is called when there is something new to see, `fail` when the learner's code has
    raised, `begin` and `end` around a run in a cell.
    """

    _all: ClassVar[WeakValueDictionary[str, Player]] = WeakValueDictionary()

    def __init__(
        self,
        sim: Sim | None,
        scene: Scene,
        params: Mapping[str, Any] | None = None,
        *,
        name: str | None = None,
        structural: Collection[str] = (),
        seed: int = 0,
        fps: float = 25,
        speed: float = 1,
    ) -> None:
        if not isinstance(scene, Scene):
            raise ValueError(f"scene must be a Scene, got {scene!r}")
        self.controls = {key: control(spec) for key, spec in (params or {}).items()}
        unknown = set(structural) - self.controls.keys()
        if unknown:
            raise ValueError(f"structural must name params, got {sorted(unknown)}")
        if speed not in SPEEDS.values():
            raise ValueError(f"speed must be one of {list(SPEEDS.values())}, got {speed}")
        if not fps > 0:
            raise ValueError(f"fps must be positive, got {fps}")
        drawn = {key for key, spec in self.controls.items() if spec.restarts}
        self.structural = drawn | set(structural)
        values = {key: spec.value for key, spec in self.controls.items()}
        self.run = Run(sim, values, seed, scene.memory)
        self.scene, self.fps, self.speed = scene, fps, speed
        self.name = name or getattr(sim, "__name__", "board")
        self.playing = False
        self._looping = False
        self._task: asyncio.Task | None = None  # kept, as the event loop would let it go
        self._mail = Mailbox(self._settle)

    # ---- step by step

    def set(self, /, **params: Any) -> None:
        """Choose parameters as a user does; structural ones restart the simulation."""
        self._choose(params)
        self._settle()

    def steps(self, n: int, /, **params: Any) -> Frame:
        """Set parameters, play n steps after the first frame, and return the last frame."""
        if params:
            self._choose(params)
        self.run.start()
        return self.run.step(n)

    def image(self) -> np.ndarray:
        """The picture of the present state, `(height, width, 3)` in uint8."""
        self.run.start()
        return self.scene.render(self.run)

    # ---- playing

    def play(self) -> None:
        """Play on until paused; a run that has ended starts again."""
        if self._mail.loop is None:
            raise RuntimeError("play needs an event loop, as in a notebook: use steps(n) instead")
        if not self.playing:
            self._take_over()
        if not self._looping:  # a loop that was paused just now goes on
            self._looping = True
            self._task = self._mail.loop.create_task(self._play())

    def pause(self) -> None:
        """Stop after the present step; may be called from any thread."""
        self.playing = False

    async def go(self, until: int) -> None:
        """Play to step `until` as fast as it goes, with pictures in between.

        For training: `await demo.go(3000)` in a cell leaves the sliders alive, while the cells
        below wait. Pause and the kernel's interrupt button stop it, and the cell goes on; an
        exception of the simulation, a cancellation or a timeout is raised here.
        """
        self.begin()
        while self._looping:
            self.pause()
            await asyncio.sleep(0.01)
        self._take_over()
        with interrupts(self.pause):
            await self._loop(until, flat_out=True)
        self.end()

    def live(self, items: Iterable[Any]) -> Iterator[Any]:
        """The items, one by one, for a loop of the learner's own that calls `log`.

        Pictures are drawn in between; Pause ends the loop.
        """
        self.begin()
        self._take_over()
        drawn = -math.inf
        try:
            for item in items:
                self._mail.drain()
                if not self.playing:
                    break
                self.run.turn()
                yield item
                if time.perf_counter() - drawn > 1 / self.fps:
                    self.draw()
                    drawn = time.perf_counter()
        finally:
            self.playing = False
            self.draw()
            self.end()

    def log(self, /, **values: Any) -> None:
        """Record values of the present step; what is not given stays as it was.

        All that is logged for one item of `live` is one step, in however many calls. Logging a
        name again starts the next step, which also counts the steps of any other loop.
        """
        self.run.log(values)

    async def _play(self) -> None:
        with contextlib.suppress(Exception):  # `fail` has shown it
            await self._loop()

    async def _loop(self, until: float = math.inf, flat_out: bool = False) -> None:
        self._looping = True
        try:
            while self.playing and not self.run.done and self.run.t < until:
                begun = time.perf_counter()
                speed = math.inf if flat_out else self.speed
                await self._advance(until, speed)
                self.draw()
                pause = 0 if speed == math.inf else 1 / self.fps / min(speed, 1)
                await asyncio.sleep(max(0.002, begun + pause - time.perf_counter()))
        except Exception as error:
            self.fail(error)
            raise
        finally:
            self.playing = self._looping = False
            self.draw()

    async def _advance(self, until: float, speed: float) -> None:
        """The steps up to the next picture."""
        if speed < math.inf:
            self._step(max(1, round(speed)), PATIENCE)
            return
        deadline = time.perf_counter() + 1 / self.fps
        while self.playing and not self.run.done and time.perf_counter() < deadline:
            if self.run.t >= until:
                break
            self._step(until - self.run.t, SLICE)
            await asyncio.sleep(0)

    def _step(self, n: float, seconds: float) -> None:
        with breakable(self.pause):
            self.run.step(n, seconds)

    def _take_over(self) -> None:
        """Play alone, as small machines have few cores; a run that has ended starts again."""
        for other in list(Player._all.values()):
            if other is not self:
                other.pause()
        if self.run.done:
            self.run.restart()
        self.playing = True

    def _choose(self, params: Mapping[str, Any]) -> None:
        self.run.choose(**params)
        if self.structural & params.keys():
            self.run.restart()

    def _settle(self) -> None:
        if not self.playing:
            self.draw()

    # ---- for the subclass

    def draw(self) -> None:
        """Show the present state."""

    def fail(self, error: Exception) -> None:
        """Pause and show what went wrong."""
        self.pause()

    def begin(self) -> None:
        """A cell starts to play."""

    def end(self) -> None:
        """A cell has played."""
