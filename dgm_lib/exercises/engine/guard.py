"""Runs a learner's code so that nothing it does outlives the call."""

import builtins
import contextlib
import io
import math
import os
import random
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from operator import is_
from typing import Any, NamedTuple

import numpy as np
import torch

from dgm_lib.exercises.engine.timelimit import call_within

PRINTED = 1000  # characters of a learner's printing that are kept


class Setting(NamedTuple):
    """A piece of global state: what a function does that changes it, how to read and restore it."""

    deed: str
    read: Callable[[], Any]
    restore: Callable[[Any], None]


def _set_default_device(device: torch.device) -> None:
    # None, not "cpu": setting the CPU by name would slow down every later call of torch.
    torch.set_default_device(None if device.type == "cpu" else device)


def _set_environment(variables: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(variables)


REPLACES = "replaces functions of torch or Python"
BUILTINS = vars(builtins)
NAMESPACES = (math, torch, torch.nn.functional, torch.Tensor)
INHERITED = vars(torch._C.TensorBase)  # most methods of torch.Tensor


def _namespaces() -> list[dict[str, Any]]:
    return [vars(space).copy() for space in NAMESPACES]


def _functions(namespaces: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each namespace the functions that it shows, those of torch.Tensor with its methods."""
    names = [*namespaces[:-1], {**INHERITED, **namespaces[-1]}]
    return [{k: v for k, v in space.items() if k[0] != "_" and callable(v)} for space in names]


def _set_functions(namespaces: list[dict[str, Any]]) -> None:
    for space, before, now in zip(NAMESPACES, *map(_functions, (namespaces, _namespaces()))):
        for name, value in before.items():
            if now.get(name) is not value:
                setattr(space, name, value)
                if space is torch.Tensor and INHERITED.get(name) is value:
                    delattr(space, name)


def _same_functions(before: list[dict[str, Any]], now: list[dict[str, Any]]) -> bool:
    """Whether all functions that were there are there; more of them do no harm."""
    pairs = list(zip(before, now))
    if all(a.keys() == b.keys() and all(map(is_, a.values(), b.values())) for a, b in pairs):
        return True  # as nearly always, and found in a hundredth of the time
    spaces = zip(_functions(before), _functions(now))
    return all(now_.get(k) is v for then, now_ in spaces for k, v in then.items())


SETTINGS = (
    Setting(REPLACES, _namespaces, _set_functions),
    Setting("uses torch's global random numbers", torch.get_rng_state, torch.set_rng_state),
    Setting("uses numpy's global random numbers", np.random.get_state, np.random.set_state),
    Setting("uses Python's global random numbers", random.getstate, random.setstate),
    Setting("switches gradients on or off", torch.is_grad_enabled, torch.set_grad_enabled),
    Setting("changes torch's default dtype", torch.get_default_dtype, torch.set_default_dtype),
    Setting("changes torch's default device", torch.get_default_device, _set_default_device),
    Setting("changes torch's number of threads", torch.get_num_threads, torch.set_num_threads),
    Setting(
        "changes torch's deterministic mode",
        torch.are_deterministic_algorithms_enabled,
        torch.use_deterministic_algorithms,
    ),
    Setting("changes the recursion limit", sys.getrecursionlimit, sys.setrecursionlimit),
    Setting("changes the working directory", os.getcwd, os.chdir),
    Setting("changes environment variables", lambda: dict(os.environ), _set_environment),
)


def _unchanged(before: Any, now: Any) -> bool:
    if isinstance(before, torch.Tensor):
        return torch.equal(before, now)
    if isinstance(before, np.ndarray):
        return np.array_equal(before, now)
    if isinstance(before, list):
        return _same_functions(before, now)
    if isinstance(before, tuple) and any(isinstance(part, np.ndarray) for part in before):
        return len(before) == len(now) and all(map(_unchanged, before, now))
    return before == now


class _Limited(io.StringIO):
    """Keeps the first characters written to it and forgets the rest."""

    def write(self, text: str) -> int:
        super().write(text[: max(0, PRINTED - self.tell())])
        return len(text)


@contextlib.contextmanager
def _exit_raises() -> Iterator[None]:
    """Let `exit()` raise SystemExit in a notebook too, where it ends the kernel after the cell."""
    ipython = sys.modules.get("IPython")
    shell = ipython and ipython.get_ipython()
    if shell is None:
        yield
        return
    shell.ask_exit = sys.exit
    try:
        yield
    finally:
        del shell.ask_exit


class Guard:
    """Calls functions within a time limit, catches their printing, puts the global state back.

    printed: what the first call printed.
    """

    def __init__(self, seconds: float) -> None:
        self.left = seconds
        self._calls_with: Counter[str] = Counter()
        self.printed: str | None = None

    @property
    def deeds(self) -> list[str]:
        """What the calls did to the global state, in words.

        Only what more than one of them did: torch itself changes some of it once, when it loads
        a part of its own that is needed for the first time.
        """
        return [deed for deed, calls in self._calls_with.items() if calls > 1]

    def call(self, function: Callable, *args: Any) -> Any:
        """`function(*args)`; whatever it raises comes through, Timeout if time is up."""
        before = [setting.read() for setting in SETTINGS]
        output, notice, started = _Limited(), sys.stdout, time.monotonic()
        try:
            with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
                with warnings.catch_warnings(), _exit_raises():
                    warnings.simplefilter("ignore")
                    return call_within(self.left, notice, self._run, function, *args)
        finally:
            self.left -= time.monotonic() - started
            self._restore(before)
            if self.printed is None:
                self.printed = output.getvalue() if not output.closed else ""

    def _run(self, function: Callable, *args: Any) -> Any:
        before = BUILTINS.copy()
        try:
            return function(*args)
        finally:  # at once, and by methods only: every other line here needs the builtins
            now = BUILTINS.copy()
            BUILTINS.update(before)
            if any(now.get(name) is not value for name, value in before.items()):
                self._calls_with[REPLACES] += 1

    def _restore(self, before: list[Any]) -> None:
        for setting, value in zip(SETTINGS, before):
            if not self._is(setting, value):
                setting.restore(value)
                self._calls_with[setting.deed] += 1

    @staticmethod
    def _is(setting: Setting, value: Any) -> bool:
        try:
            return _unchanged(value, setting.read())
        except OSError:  # the working directory is gone
            return False
