"""Checkpoints: a run that is killed goes on from its file as if nothing had happened."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import torch

from dgm_lib.training import inputs
from dgm_lib.training.step import Step

FORMAT = "dgm_lib training state, version 2"
PARTS = "settings index model optimizer average batches batch_stream update_stream".split()


def checkpoint(run: Iterable[Step], path: str | Path, every: int = 500) -> Iterator[Step]:
    """Pass the steps on, writing the run's state to `path` at every so many and at the last.

    The file is replaced whole, never half written: `train(..., resume=path)` finds the last
    complete one whenever the run is killed. Of several processes, only the first writes.
    """
    return _checkpointed(run, Path(path), inputs.count("every", every))


def _checkpointed(run: Iterable[Step], path: Path, every: int) -> Iterator[Step]:
    def write(step: Step) -> None:
        if step.leads:
            save(step.state(), path)

    step, saved = None, True
    for step in run:
        saved = step.index % every == 0
        if saved:
            write(step)
        yield step
    if not saved:
        write(step)


def save(state: dict, path: Path) -> None:
    """Write the state to a file beside `path`, then put it in its place in one move."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".tmp")
    with beside.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)


def load(path: str | Path) -> dict:
    """The state that `checkpoint` wrote, or a `ValueError` when the file is not such a one.

    Nothing in the file is executed.
    """
    if not Path(path).exists():
        raise FileNotFoundError(f"there is no checkpoint at {path}")
    try:
        with ZipFile(path) as records:
            damaged = records.testzip()  # torch itself does not look at the check sums
        if damaged:
            raise BadZipFile(f"check sum of {damaged}")
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises half a dozen kinds, as the damage has it
        raise ValueError(f"{path} is damaged, cut short or no checkpoint at all") from error
    return _checked(state, str(path))


def state_of(resume: object) -> dict:
    """The state to resume from: this one, or that of a file."""
    if isinstance(resume, (str, Path)):
        return load(resume)
    if isinstance(resume, dict):
        return _checked(resume, "resume")
    raise ValueError(f"resume must be a Step.state() or the path of a checkpoint, got {resume!r}")


def _checked(state: object, name: str) -> dict:
    """The state, once it is known to be a training run's."""
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise ValueError(f"{name} does not hold a training run: it was written by something else")
    if missing := [part for part in PARTS if part not in state]:
        raise ValueError(f"{name} does not hold a whole training run: it lacks {missing}")
    return state
