"""The demo on the page: its live view, its stored picture, and what the user does to it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from IPython import get_ipython
from IPython.display import display

from dgm_lib.demo import figures, still
from dgm_lib.demo.errors import as_text, explain, trimmed
from dgm_lib.demo.interrupt import breakable
from dgm_lib.demo.layers import Layer
from dgm_lib.demo.player import Player
from dgm_lib.demo.run import Sim
from dgm_lib.demo.scene import Scene
from dgm_lib.demo.widgets import View


class Demo(Player):
    """A simulation that can be played, and steered while it plays.

    `sim(p, rng)` yields frames; `scene` draws them; `params` maps the names of the live
    parameters to controls. A change of a `structural` parameter restarts the simulation. As
    the last line of a cell a demo shows itself; everything also works without a screen. The
    stored picture shows a fresh run at the steps of `poster`.

    >>> from dgm_lib.demo import Curve, Demo, Scene
    >>> def halving(p, rng):
    ...     x = p.start
    ...     while True:
    ...         yield dict(x=x)
    ...         x = x / 2
    >>> demo = Demo(halving, Scene([Curve("x")]), dict(start=(0.0, 10.0, 8.0)))
    >>> demo.steps(3)
    {'x': 1.0}
    >>> demo
    <Demo halving>
    """

    def __init__(
        self,
        sim: Sim | None,
        scene: Scene,
        params: Mapping[str, Any] | None = None,
        *,
        poster: Sequence[int] = (0, 20, 100),
        **settings: Any,
    ) -> None:
        super().__init__(sim, scene, params, **settings)
        self.poster = poster
        self.error: str | None = None
        self.view: View | None = None
        self._shown = False
        self._id = uuid.uuid4().hex
        self._origin = _cell()
        self._supersede()

    def __repr__(self) -> str:
        return f"<Demo {self.name}>"

    @property
    def css(self) -> str:
        """The name as a class of CSS."""
        return "dgm-demo-" + re.sub(r"\W+", "-", self.name).strip("-")

    # ---- the live view

    def widget(self) -> Any:
        """The live view, made at the first call."""
        if self.view is None:
            self.view = View(self)
            self.draw()
        return self.view.box

    def draw(self) -> None:
        """Bring the view up to date, if there is one."""
        if self.view is None:
            return
        try:
            with breakable(self.pause):
                self.view.picture(still.jpeg(self.image()))
            if not self.run.failed:
                self.error = None
                self.view.error(None)
        except Exception as error:
            self.fail(error)
        self.view.follow(self.run.p.__dict__)
        self.view.buttons(self.playing)

    def fail(self, error: Exception) -> None:
        """Pause and show what went wrong."""
        self.pause()
        explain(error)
        self.error = as_text(error)
        if self.view is not None:
            self.view.error(error)

    def close(self) -> None:
        """Pause, and free the widgets."""
        self.pause()
        if self.view is not None:
            self.view.close()
            self.view = None

    # ---- what the user does (on any thread: only flags and posts)

    def on_play(self) -> None:
        """The Play / Pause button."""
        if self.playing:
            self.pause()
            self._mail.post(lambda: None)  # the button changes with the next picture
        else:
            self._mail.post(self.play)

    def on_step(self) -> None:
        """The Step button."""
        self.pause()
        self._mail.post(self._one_step)

    def on_reset(self) -> None:
        """The Reset button."""
        self._mail.post(self._reset)

    def on_value(self, key: str, value: Any) -> None:
        """A control of a parameter."""
        self._mail.post(lambda: self._chosen(key, value))

    def on_speed(self, speed: float) -> None:
        """The choice of the speed."""
        self.speed = speed

    def on_layer(self, layer: Layer, visible: bool) -> None:
        """The check box of a layer."""
        self._mail.post(lambda: self.scene.show(layer, visible))

    def set(self, /, **params: Any) -> None:
        """Choose parameters as a user does; structural ones restart the simulation."""
        super().set(**params)
        self._follow_at_once()

    def _one_step(self) -> None:
        if self.run.done:
            self.run.restart()
        try:
            with breakable(self.pause):
                self.steps(1)
        except Exception as error:
            self.fail(error)

    def _reset(self) -> None:
        self.run.restart()
        self._follow_at_once()

    def _chosen(self, key: str, value: Any) -> None:
        self._choose({key: value})
        if self.controls[key].plays:
            self.play()

    def _choose(self, params: Mapping[str, Any]) -> None:
        changed = [control for key, control in self.controls.items() if key in params]
        implied = {key: value for control in changed for key, value in control.chooses.items()}
        super()._choose(implied | dict(params))

    def _follow_at_once(self) -> None:
        if self.view is not None:
            self.view.follow(self.run.p.__dict__, grace=0)

    # ---- the stored picture

    def _ipython_display_(self) -> None:
        self._shown = True
        figures.keep_apart()
        pictures, problem = self.pictures()
        picture = still.strip(pictures, self.scene.size[0])
        still.show(picture, repr(self), self.widget(), self._id)
        if problem is not None:
            self.fail(problem)
            _report(problem)

    def pictures(self) -> tuple[list[np.ndarray], Exception | None]:
        """A fresh run at the steps of the poster, up to the first exception."""
        run = self.run.copy() if self.run.sim else self.run
        pictures: list[np.ndarray] = []
        try:
            for t in self.poster if run.sim else [run.t]:
                with breakable(self.pause):
                    run.start()
                    run.step(t - run.t)
                    pictures.append(self.scene.render(run))
        except Exception as error:
            width, height = self.scene.size
            return pictures or [np.full((height, width, 3), 255, np.uint8)], error
        return pictures, None

    def begin(self) -> None:
        """Show the demo if no cell has done so."""
        if not self._shown and get_ipython() is not None:
            display(self)

    def end(self) -> None:
        """Store what the run has come to."""
        if self._shown:
            picture = still.png(self.image(), self.scene.size[0])
            still.refresh(picture, repr(self), self._id)

    def _supersede(self) -> None:
        """A cell that runs again must leave neither a loop nor widgets of its last time behind."""
        older = Player._all.get(self.name)
        if isinstance(older, Demo):
            older.pause()
            (cell, count), (older_cell, older_count) = self._origin, older._origin
            if cell is not None and cell == older_cell and count != older_count:
                older.close()
        Player._all[self.name] = self


def _cell() -> tuple[str | None, int]:
    """The cell that is being executed and the number of its execution, in a notebook."""
    shell = get_ipython()
    parent = getattr(shell, "get_parent", dict)() or {}
    return parent.get("metadata", {}).get("cellId"), getattr(shell, "execution_count", 0)


def _report(error: Exception) -> None:
    """Let the cell fail: what is raised while a result is displayed would go unnoticed."""
    shell = get_ipython()
    if shell is None:
        raise error
    shell.showtraceback((type(error), error, trimmed(error)))
