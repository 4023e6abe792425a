"""How long a demo takes from a slider to new pixels, and how many pictures a second it plays.

    python -m benchmarks.demo_latency [--points 2000] [--repeats 100] [--browser] [--json FILE]

Without `--browser` everything but the browser is timed: the event of a widget, the step of the
simulation, the drawing, the encoding. With it, a real JupyterLab in a headless Chromium is timed
as well, from the key press to the picture on the page (needs the extra `test`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from dgm_lib import targets
from dgm_lib.demo import Curve, Demo, Density, Points, Scene, Slider, still

GOALS = {"slider to new pixels, ms": 60.0, "playing, pictures/s": 20.0}


def langevin(p, rng):
    """Langevin dynamics on the ring."""
    law = targets.ring()
    x = torch.randn(p.n, 2, generator=rng)
    while True:
        yield dict(x=x, log_p=law.log_prob(x).mean())
        noise = torch.randn(x.shape, generator=rng)
        x = x + p.step * law.score(x) + (2 * p.step) ** 0.5 * noise


def demo(points: int) -> Demo:
    """Particles on an exact density, and a curve."""
    scene = Scene([Density(targets.ring()), Points("x")], [Curve("log_p")])
    n = Slider(points // 2, 2 * points, points)
    return Demo(langevin, scene, dict(n=n, step=(0.001, 0.5, 0.02)), structural=("n",), fps=1000)


def milliseconds(work: Callable[[], object], repeats: int) -> float:
    """The median time of `work`."""
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return 1000 * statistics.median(times)


def in_process(points: int, repeats: int) -> dict[str, float]:
    """Times of the parts, without a browser."""
    board = demo(points)
    board.image()
    picture = board.image()
    return {
        "one step, ms": milliseconds(lambda: board.steps(1), repeats),
        "drawing, ms": milliseconds(board.image, repeats),
        "drawing all anew, ms": milliseconds(
            lambda: (board.scene.show(board.scene.layers[0], True), board.image()), repeats // 4
        ),
        "JPEG, ms": milliseconds(lambda: still.jpeg(picture), repeats),
        "JPEG, kB": len(still.jpeg(picture)) / 1000,
        **asyncio.run(_widgets(points, repeats)),
    }


async def _widgets(points: int, repeats: int) -> dict[str, float]:
    board = demo(points)
    board.widget()
    image, slider = board.view.image, board.view.inputs["n"]
    times = []
    for k in range(repeats):
        before, begun = image.value, time.perf_counter()
        slider.value = points + 1 + k
        while image.value is before:
            await asyncio.sleep(0)
        times.append(time.perf_counter() - begun)
    shown = []
    image.observe(lambda _: shown.append(time.perf_counter()), "value")
    board.play()
    await asyncio.sleep(2)
    board.pause()
    return {
        "widget event to new bytes, ms": 1000 * statistics.median(times),
        "playing flat out, pictures/s": (len(shown) - 1) / (shown[-1] - shown[0]),
    }


def in_browser(points: int, repeats: int) -> dict[str, float]:
    """From a key press to the picture on the page, and pictures a second on the page."""
    from tests.browser import lab

    lines = ["from benchmarks.demo_latency import demo", f"board = demo({points})"]
    cell = "\n".join([*lines, "board.fps = 25", "board"])
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / "notebooks"
        folder.mkdir()
        with lab.lab(folder) as server, lab.page() as page:
            lab.Notebook.write(server, "latency.ipynb", [cell])
            notebook = lab.Notebook.open(page, server, "latency.ipynb")
            notebook.run_all()
            live = notebook.demo("langevin")
            latencies = sorted(live.latencies(repeats))
            live.play_button().click()
            rate = live.frames_per_second(5)
    return {
        "slider to new pixels, ms": statistics.median(latencies),
        "slider to new pixels, 90 % below, ms": latencies[int(0.9 * len(latencies))],
        "playing, pictures/s": rate,
    }


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Measure, print a table, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=100)
    parser.add_argument("--browser", action="store_true")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    torch.set_num_threads(1)
    found = in_process(asked.points, asked.repeats)
    if asked.browser:
        found |= in_browser(asked.points, min(asked.repeats, 40))
    print(f"| {asked.points} points on a density | measured | goal |\n|---|---|---|")
    for name, value in found.items():
        print(f"| {name} | {value:.1f} | {GOALS.get(name, '')} |")
    if asked.json:
        command = " ".join(["python -m benchmarks.demo_latency", *(arguments or sys.argv[1:])])
        asked.json.write_text(json.dumps(dict(command=command, rows=found), indent=2) + "\n")
    return found


if __name__ == "__main__":
    main()
