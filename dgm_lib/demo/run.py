"""The pure part of a demo: a simulation, its live parameters and what it has produced so far."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from dgm_lib.core import Estimate, RandomStream, generator, whole

Frame = dict[str, Any]
Sim = Callable[[SimpleNamespace, torch.Generator], Iterator[Frame]]


class Run:
    """A simulation `sim(p, rng)` that is played step by step.

    `p` holds the live parameters: the user changes them between two steps, and the simulation
    may assign them too. `frame` is the last thing yielded, `t` the number of steps since the
    first frame, `series` the history of every scalar, `times` the steps at which each of its
    values was given, and `recent` the last `memory` frames. Restarting a run gives the same
    frames again.
    """

    def __init__(self, sim: Sim | None, params: Mapping[str, Any], seed: int = 0, memory: int = 1):
        self.sim, self.seed = sim, seed
        self.chosen = dict(params)
        self.p = SimpleNamespace(**params)
        self.recent: deque[Frame] = deque(maxlen=whole("memory", memory))
        self.restarts = -1
        self.restart()

    def restart(self) -> None:
        """Back to before the first frame, with the parameters that the user chose last."""
        self.p.__dict__.update(self.chosen)
        self.restarts += 1
        self.t = -1
        self.done = self.failed = False
        self.frame: Frame = {}
        self.series: dict[str, list[float]] = {}
        self.times: dict[str, list[int]] = {}
        self.recent.clear()
        self._turned = True
        self._randomness = RandomStream(self.seed, device="cpu")
        self._frames = self._play()

    def _play(self) -> Iterator[Frame]:
        # A generator of its own, so that even a `sim` that fails at once fails in `step`.
        if self.sim:
            yield from self.sim(self.p, generator(self.seed))

    def choose(self, /, **params: Any) -> None:
        """Set parameters as the user's choice, which a restart keeps."""
        unknown = params.keys() - self.chosen.keys()
        if unknown:
            raise ValueError(
                f"params must be among {sorted(self.chosen)}, got {', '.join(sorted(unknown))}"
            )
        self.chosen.update(params)
        self.p.__dict__.update(params)

    def step(self, n: float = 1, seconds: float = float("inf")) -> Frame:
        """Play n steps, or fewer once `seconds` have passed or the simulation has ended."""
        deadline = time.perf_counter() + seconds
        while n > 0 and not self.done:
            try:
                with self._randomness:
                    frame = next(self._frames, None)
                if frame is None:
                    self.done = True
                else:
                    self.record(frame)
            except BaseException:
                self.done = self.failed = True
                raise
            n -= 1
            if time.perf_counter() > deadline:
                break
        return self.frame

    def start(self) -> None:
        """Play the first step if that has not happened."""
        if self.t < 0 and self.sim:
            self.step()

    def record(self, frame: Mapping[str, Any]) -> None:
        """Take the frame of a new step in: scalars join the series, arrays are copied."""
        if not isinstance(frame, Mapping):
            raise ValueError(f"sim must yield dicts, got {type(frame).__name__}")
        self.t += 1
        self.recent.append({})
        self.frame = {}
        self._add(frame)

    def log(self, values: Mapping[str, Any]) -> None:
        """Take values in as they come: a part of the present step, or the start of the next.

        The next step starts after `turn`, and with a name that the present step has already.
        """
        if self._turned or values.keys() & self.recent[-1].keys():
            self.t += 1
            self.recent.append({})
            self._turned = False
        self._add(values)

    def turn(self) -> None:
        """Let the next `log` start a new step."""
        self._turned = True

    def _add(self, values: Mapping[str, Any]) -> None:
        new = {name: snapshot(value) for name, value in values.items()}
        self.recent[-1].update(new)
        self.frame = {**self.frame, **new}
        for name, value in new.items():
            if isinstance(value, float):
                self.series.setdefault(name, []).append(value)
                self.times.setdefault(name, []).append(self.t)

    def copy(self) -> Run:
        """A fresh run of the same simulation with the user's parameters."""
        return Run(self.sim, self.chosen, self.seed, self.recent.maxlen)


def snapshot(value: Any) -> Any:
    """Scalars as floats, tensors and arrays detached and copied, also inside of dicts, lists
    and tuples; the rest as it is.
    """
    if isinstance(value, Estimate):
        return float(value.value)
    if isinstance(value, torch.Tensor):
        value = value.detach()
        return float(value) if value.ndim == 0 else value.cpu().clone()
    if isinstance(value, (np.ndarray, np.generic, int, float)):
        return float(value) if np.ndim(value) == 0 else value.copy()
    if isinstance(value, dict):
        return {key: snapshot(item) for key, item in value.items()}
    if type(value) in (tuple, list):
        return type(value)(map(snapshot, value))
    if hasattr(value, "_make"):  # a named tuple
        return value._make(map(snapshot, value))
    return value


def array(value: Any) -> np.ndarray:
    """Anything numeric as an array in double precision: numpy knows no bfloat16, and matplotlib
    does not draw all that numpy knows.
    """
    if isinstance(value, torch.Tensor):
        return value.detach().cpu().double().numpy()
    return np.asarray(value, dtype=float)
