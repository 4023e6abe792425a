"""Steps per second of the arena's families on the CPU and on the accelerator, by size of batch.

    python -m benchmarks.device [--families "spline flow,VAE"] [--batches 512,65536]
                                [--devices cpu,cuda] [--seconds 3] [--json FILE]

A step is the family's own, on fresh exact samples of `moons` that are drawn where it trains.
Seconds are those of the clock, after a warm-up; an accelerator is waited for only at the end, as
training could. The CPU has the threads that `OMP_NUM_THREADS` gives it: without, all.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from benchmarks.book import Row
from benchmarks.race import listed, machine, seconds
from dgm_lib import arena, core
from dgm_lib.targets import GALLERY

FAMILIES = ("spline flow", "VAE", "GAN", "diffusion")
WARM_UP = 3


def steps_per_second(work: Callable[[], object], device: torch.device, limit: float) -> float:
    """How often `work` is done in a second, from about so many of them."""
    for _ in range(WARM_UP):
        work()
    count, elapsed = 1, 0.0
    while elapsed < limit / 3:  # doubled until it fills more than that, so that few are waited for
        count *= 2
        wait(device)
        begun = time.perf_counter()
        for _ in range(count):
            work()
        wait(device)
        elapsed = time.perf_counter() - begun
    return count / elapsed


def wait(device: torch.device) -> None:
    """Let an accelerator finish what it was told to do."""
    if device.type != "cpu":
        torch.accelerator.synchronize()


def row(name: str, batch: int, device: torch.device, limit: float) -> Row:
    """The rate of a family at a size of batch on a device."""
    target = GALLERY["moons"].to(device)
    with core.RandomStream(0, device):
        contender = arena.FAMILIES[name](0)
        rate = steps_per_second(lambda: contender.step(target.sample((batch,))), device, limit)
    return dict(family=name, batch=batch, device=str(device), steps_per_s=rate)


def table(rows: Sequence[Row]) -> str:
    """Steps per second in Markdown, a column for each device, and how many times the first's."""
    devices = list(dict.fromkeys(str(row["device"]) for row in rows))
    found = {(row["family"], row["batch"], row["device"]): row["steps_per_s"] for row in rows}
    lines = [f"| steps/s | batch | {' | '.join(devices)} | ratio |"]
    lines.append("|---|" + "--:|" * (len(devices) + 2))
    for name, batch in dict.fromkeys((row["family"], row["batch"]) for row in rows):
        each = [found[name, batch, device] for device in devices]
        cells = [f"{rate:,.4g}" for rate in each] + [f"{each[-1] / each[0]:.3g}"]
        lines.append(f"| {name} | {batch:,} | {' | '.join(cells)} |")
    return "\n".join(lines)


def family(name: str) -> str:
    """The name of a family of the arena."""
    if name not in arena.FAMILIES:
        raise argparse.ArgumentTypeError(
            f"no family {name!r}; there are {', '.join(arena.FAMILIES)}"
        )
    return name


def main(arguments: Sequence[str] | None = None) -> list[Row]:
    """Measure what the arguments ask for, print the table, and write it where asked."""
    arguments = sys.argv[1:] if arguments is None else arguments
    here = list(dict.fromkeys(["cpu", core.device().type]))
    parser = argparse.ArgumentParser(prog="python -m benchmarks.device")
    parser.add_argument("--families", type=listed(family), default=",".join(FAMILIES))
    parser.add_argument("--batches", type=listed(int), default="512,65536")
    parser.add_argument("--devices", type=listed(core.device), default=",".join(here))
    parser.add_argument("--seconds", type=seconds, default=3.0, help="for each number")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    cells = itertools.product(asked.families, asked.batches.values(), asked.devices.values())
    rows = [row(*cell, asked.seconds) for cell in cells]
    print(table(rows))
    if asked.json:
        content = dict(command=" ".join([parser.prog, *arguments]), machine=described(), rows=rows)
        asked.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return rows


def described() -> dict[str, object]:
    """The machine, its threads, and its accelerator where torch knows a name for it."""
    found = machine() | dict(threads=torch.get_num_threads())
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    name = getattr(torch.get_device_module(accelerator), "get_device_name", None)
    return found | ({"accelerator": name()} if accelerator and name else {})


if __name__ == "__main__":
    main()
