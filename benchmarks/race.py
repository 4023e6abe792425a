"""The harness of the benchmarks: models take turns, each is charged for the time that it uses.

    python -m benchmarks.NAME [--targets moons,ring] [--models a,b] [--budget 10,30,60]
                              [--seeds 0,1,2] [--device cpu] [--json FILE] [--markdown FILE]

Every budget is a run of its own. The models of one target, seed and budget take turns in slices of
one second and are charged CPU seconds, for the drawing of data too, so that a busy neighbour slows
all alike. They see the same batches of 512 fresh exact samples, and are judged on exact samples
that none has seen.

`--models` takes the benchmark's own names, and `package.module:factory` for a model from outside:
`factory(seed)` must return a `Racer`. `--json FILE` keeps the rows and the commands that made them;
rows that are there already are not run again, so the same command continues a race that was
killed, and several may share a file. `--markdown FILE` keeps the table. A bar on stderr counts the
CPU seconds.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import inspect
import itertools
import math
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor
from tqdm import tqdm

from benchmarks.book import Book, Row, table
from dgm_lib import core, metrics
from dgm_lib.targets import GALLERY, Target

BATCH, SLICE, WARM_UP = 512, 1.0, 3
HELD_OUT, SAMPLES = 50_000, 10_000
BAR = "{percentage:3.0f}%|{bar}| {n:.0f}/{total:.0f} CPU-s [{elapsed}<{remaining}]"


class Racer(Protocol):
    """A model in training. `log_prob` and `progress` are optional."""

    def step(self, x: Tensor) -> None:
        """One update from a batch of data `(n, d)`."""

    def sample(self, n: int) -> Tensor:
        """n samples of the model, `(n, d)`."""

    def log_prob(self, x: Tensor) -> Tensor:
        """log q(x), `(n, d) -> (n,)`; it is judged by its likelihood gap if it has this."""

    def progress(self, done: float) -> None:
        """Told before each step which share of the budget is spent, for a schedule."""


@dataclass(frozen=True)
class Entry:
    """A model that can be asked for by name."""

    factory: Callable[[int], Racer]
    ours: bool = False


class Lane:
    """One model's run, with random numbers and a clock of its own."""

    def __init__(self, entry: Entry, target: Target, seed: int, device: torch.device) -> None:
        self.target, self.seed, self.device = target, seed, device
        # Of one seed the model's own noise would be made of the numbers that the data are made of.
        self.data = core.generator(seed, device)
        self.stream = core.RandomStream(seed + 2**31, device)
        with core.RandomStream(seed, device):  # what the first steps import and set up is not raced
            spare = entry.factory(seed)
            for _ in range(WARM_UP):
                spare.step(target.sample((BATCH,)))
        with self.stream:
            self.racer = entry.factory(seed)
        self.spent, self.steps = 0.0, 0

    def run(self, seconds: float, budget: float) -> None:
        """Train for so long, or to the end of the budget."""
        progress = getattr(self.racer, "progress", lambda done: None)
        begun, until = now(self.device) - self.spent, min(self.spent + seconds, budget)
        with self.stream:
            while self.spent < until:
                progress(self.spent / budget)
                self.racer.step(self.target.sample((BATCH,), self.data))
                self.steps += 1
                self.spent = now(self.device) - begun

    @torch.no_grad()
    def judged(self) -> Row:
        """The metrics that apply; they take no time from the budget."""
        found = dict(steps_per_s=self.steps / self.spent)
        rng = core.generator(2**31, self.device)
        with self.stream:
            self.racer.sample(SAMPLES)
            begun = now(self.device)
            x = self.racer.sample(SAMPLES)
            found["samples_per_s"] = SAMPLES / (now(self.device) - begun)
            if hasattr(self.racer, "log_prob"):
                found["gap"] = self.gap(rng)
        if not x.isfinite().all():
            return found
        sw2 = metrics.sliced_wasserstein(x, self.target.sample((SAMPLES,), rng), generator=rng)
        found["sw2_ratio"] = sw2.value / exact_sw2(self.target)
        if len(getattr(self.target, "means", ())) == len(self.target.modes):  # they stand apart
            modes, quality = metrics.coverage(x, self.target.modes, self.target.mode_scale)
            found |= dict(modes=modes.value, hq=quality.value)
        return found

    def gap(self, rng: torch.Generator) -> float:
        """The nats lost on exact samples; infinitely many once training has ended in NaN."""
        x = self.target.sample((HELD_OUT,), rng)
        if self.racer.log_prob(x).isnan().any():
            return math.inf
        return metrics.nll_gap(self.racer, self.target, x).value


def now(device: torch.device) -> float:
    """CPU seconds of this process; on an accelerator, wall seconds, once its work is done."""
    if device.type == "cpu":
        return time.process_time()
    torch.accelerator.synchronize()
    return time.perf_counter()


@functools.cache
def exact_sw2(target: Target, pairs: int = 5) -> float:
    """The median distance between two sets of exact samples, as many as a model is judged by."""
    rng = core.generator(2**31 + 1, target.device)
    draws = (target.sample((2, SAMPLES), rng) for _ in range(pairs))
    return statistics.median(
        metrics.sliced_wasserstein(x, y, generator=rng).value for x, y in draws
    )


def race(
    entries: Mapping[str, Entry],
    target: Target,
    seed: int,
    budget: float,
    device: torch.device,
    lane: type[Lane] = Lane,
    tick: Callable[[float], object] = lambda seconds: None,
) -> Iterator[tuple[str, Row]]:
    """Let the models take turns until each has spent its budget; yield their names and metrics.

    `tick` is told the seconds that each turn took.
    """
    lanes = {name: lane(entry, target, seed, device) for name, entry in entries.items()}
    while any(one.spent < budget for one in lanes.values()):
        for one in lanes.values():
            before = min(one.spent, budget)
            one.run(SLICE, budget)
            tick(min(one.spent, budget) - before)
    for name, one in lanes.items():
        yield name, one.judged()


def entry(name: str, known: Mapping[str, Entry]) -> Entry:
    """The model of this name: one of the benchmark's own, or a `package.module:factory`."""
    if name in known:
        return known[name]
    module, colon, factory = name.partition(":")
    if not colon:
        others = "and any package.module:factory"
        raise argparse.ArgumentTypeError(
            f"no model {name!r}; there are {', '.join(known)}, {others}"
        )
    try:
        return Entry(getattr(importlib.import_module(module), factory))
    except (ImportError, AttributeError) as error:
        raise argparse.ArgumentTypeError(f"no model {name!r}: {error}") from error


def main(
    known: Mapping[str, Entry],
    command: str,
    arguments: Sequence[str] | None = None,
    targets: str = "moons,ring,checkerboard",
    budget: str = "10,30,60",
    lane: type[Lane] = Lane,
    shown: Callable[[Sequence[Row]], str] = table,
    about: str | None = None,
) -> Book:
    """Run the race that the arguments ask for, and print the table that shows its rows."""
    arguments = sys.argv[1:] if arguments is None else arguments
    asked = parser(known, command, targets, budget, about).parse_args(arguments)
    torch.set_num_threads(1)
    notes = {name: inspect.getdoc(e.factory) for name, e in asked.models.items()}
    book = Book(asked.json, " ".join([command, *arguments]), machine(), notes)
    try:
        run_all(asked, book, lane)
    except KeyboardInterrupt:
        kept = "the same command goes on" if asked.json else "nothing is kept without --json"
        sys.exit(f"stopped; {kept}")
    print(shown(book.rows))
    if asked.markdown:
        asked.markdown.parent.mkdir(parents=True, exist_ok=True)
        asked.markdown.write_text(shown(book.rows) + "\n", encoding="utf-8")
    return book


def run_all(asked: argparse.Namespace, book: Book, lane: type[Lane]) -> None:
    """Race whatever is not in the book yet, and write it there."""
    whole = sum(key["cpu_s"] * len(to_run(asked, book, key)) for key in runs(asked))
    rounding = 1e-6  # by which a sum of turns may end above the whole
    with tqdm(total=whole + rounding, bar_format=BAR, mininterval=1) as bar:
        for key in runs(asked):
            left = to_run(asked, book, key)
            target = asked.targets[key["target"]].to(asked.device)
            setting = target, key["seed"], key["cpu_s"], asked.device
            for model, found in race(left, *setting, lane, bar.update):
                book.add(dict(key, model=model, ours=left[model].ours) | found)
                bar.write(said(key, model, found), file=sys.stderr)


def parser(
    known: Mapping[str, Entry], command: str, targets: str, budget: str, about: str | None
) -> argparse.ArgumentParser:
    """The command line; all but the files are lists, with commas between."""
    lines = argparse.ArgumentParser(
        command, description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    models = listed(lambda name: entry(name, known))
    for flag, kind, usual, words in (
        ("--targets", listed(target_of), targets, "laws of the gallery"),
        ("--models", models, ",".join(known), "or package.module:factory"),
        ("--budget", listed(seconds), budget, "CPU seconds of training for each"),
        ("--seeds", listed(int), "0,1,2", "the seeds themselves, not how many"),
        ("--device", core.device, "cpu", "where all of it is computed"),
    ):
        lines.add_argument(flag, type=kind, default=usual, help=f"{words} (default: {usual})")
    lines.add_argument("--json", type=Path, help="the rows; what is in it is not run again")
    lines.add_argument("--markdown", type=Path, help="the table")
    return lines


def runs(asked: argparse.Namespace) -> Iterator[Row]:
    """The races that are asked for: target, seed and budget of each."""
    for name, seed, budget in itertools.product(
        asked.targets, asked.seeds.values(), asked.budget.values()
    ):
        yield dict(target=name, seed=seed, cpu_s=budget)


def said(key: Row, model: str, found: Row) -> str:
    """What has become of a model, in a line."""
    run = f"{key['target']}, seed {key['seed']}, {key['cpu_s']:g} s"
    gap = f"gap {found['gap']:.4f}" if "gap" in found else "no likelihood"
    return f"{run}, {model}: {gap}"


def to_run(asked: argparse.Namespace, book: Book, key: Row) -> dict[str, Entry]:
    """The models whose row is not in the book yet."""
    return {name: e for name, e in asked.models.items() if not book.has(model=name, **key)}


def listed(kind: Callable[[str], object]) -> Callable[[str], dict[str, object]]:
    """What reads "a,b" as the things of this kind that a and b stand for, by name."""

    def read(text: str) -> dict[str, object]:
        return {name: kind(name) for name in text.split(",") if name}

    return read


def target_of(name: str) -> Target:
    """The target of this name in the gallery."""
    if name not in GALLERY:
        raise argparse.ArgumentTypeError(f"no target {name!r}; there are {', '.join(GALLERY)}")
    return GALLERY[name]


def seconds(text: str) -> float:
    """A positive number of seconds."""
    if not (number := float(text)) > 0:
        raise argparse.ArgumentTypeError(f"must be positive, got {text}")
    return number


def machine() -> dict[str, object]:
    """What the numbers depend on, besides the code."""
    found = dict(cores=os.cpu_count(), python=platform.python_version(), torch=torch.__version__)
    return found | {"processor": platform.processor() or platform.machine()}
