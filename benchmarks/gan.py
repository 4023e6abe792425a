"""GANs and the tricks that are said to keep them from dropping modes: see `benchmarks.race`.

    python -m benchmarks.gan [--targets ring,grid] [--models r1,packing] [--budget 10,30,60]
                             [--seeds 0,1,2] [--device cpu] [--json FILE]

The targets are those of the literature, and not the gallery's wider ones: 8 modes of standard
deviation 0.02 on a circle of radius 2, and 25 of 0.05 on a grid of spacing 2. `modes` counts those
with a sample within 3 standard deviations among 10,000, `hq` is the share of such samples; exact
ones have 0.989.

All play the same game, each with one trick. What they share, and the best, were searched for with
R1, at 10 to 30 CPU-s on both targets, with seeds 100 and 101; no other trick has settings of its
own that were. So the table says what a trick does to this game, and not how far its authors could
bring it. A racer's step is two turns with half a batch each.
"""

from __future__ import annotations

import argparse
import inspect
import itertools
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks import gan_critics as critics
from benchmarks import gan_recipes as recipes
from benchmarks import race
from benchmarks.book import Book, Row, groups, table
from benchmarks.race import Entry
from dgm_lib import core, targets
from dgm_lib.targets import Target

COMMAND = "python -m benchmarks.gan"
TARGETS = {
    "ring": targets.ring(modes=8, radius=2.0, scale=0.02),
    "grid": targets.grid(side=5, spacing=2.0, scale=0.05),
}
MODELS = {
    "best": Entry(recipes.Best, ours=True),
    "best-rejection": Entry(recipes.BestRejection, ours=True),
    "saturating": Entry(recipes.Saturating, ours=True),
    "non-saturating": Entry(recipes.NonSaturating, ours=True),
    "label-smoothing": Entry(recipes.LabelSmoothing, ours=True),
    "feature-matching": Entry(recipes.FeatureMatching, ours=True),
    "historical-averaging": Entry(recipes.HistoricalAveraging, ours=True),
    "virtual-batch-norm": Entry(recipes.VirtualBatchNorm, ours=True),
    "unrolled": Entry(recipes.Unrolled, ours=True),
    "r1": Entry(recipes.R1, ours=True),
    "packing": Entry(recipes.Packing, ours=True),
    "r1-packing": Entry(recipes.R1Packing, ours=True),
    "wgan-clipped": Entry(critics.Clipped, ours=True),
    "wgan-gp": Entry(critics.GradientPenalty, ours=True),
    "spectral-norm": Entry(critics.SpectralNorm, ours=True),
}
LITERATURE = """\
Published: modes found and share of high-quality samples. Lin et al.'s are means of 10 runs, on this
grid and on the ring at half its size, with wider networks for 400 epochs and no budget of time.
Written down without the papers at hand: compare before you quote.

| source | model | ring: modes | hq | grid: modes | hq |
|---|---|--:|--:|--:|--:|
| Lin et al., PacGAN (2018), table 1 | GAN | 6.3 ± 0.5 | 0.982 | 17.3 ± 0.8 | 0.948 |
| | PacGAN2 | 7.9 ± 0.1 | 0.956 | 23.8 ± 0.7 | 0.913 |
| | PacGAN3 | 7.8 ± 0.1 | 0.977 | 24.6 ± 0.4 | 0.942 |
| | PacGAN4 | 7.8 ± 0.1 | 0.959 | 24.8 ± 0.2 | 0.936 |
| Srivastava et al., VEEGAN (2017), table 1 | GAN | 1 | 0.993 | 3.3 | 0.005 |
| | Unrolled GAN | 7.6 | 0.356 | 23.6 | 0.16 |
| | VEEGAN | 8 | 0.529 | 24.6 | 0.40 |
"""


def main(arguments: Sequence[str] | None = None) -> Book:
    """Run the race that the arguments ask for, and print its tables and the literature's."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog=COMMAND)
    parser.add_argument("--targets", type=race.listed(target_of), default=",".join(TARGETS))
    models = race.listed(lambda name: race.entry(name, MODELS))
    parser.add_argument("--models", type=models, default=",".join(MODELS))
    parser.add_argument(
        "--budget", type=race.listed(race.seconds), default="30", help="CPU seconds"
    )
    parser.add_argument("--seeds", type=race.listed(int), default="0,1,2")
    parser.add_argument("--device", type=core.device, default="cpu")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    torch.set_num_threads(1)
    notes = {name: inspect.getdoc(entry.factory) for name, entry in asked.models.items()}
    book = Book(asked.json, " ".join([COMMAND, *arguments]), race.machine(), notes)
    for name, seed, budget in itertools.product(
        asked.targets, asked.seeds.values(), asked.budget.values()
    ):
        key = dict(target=name, seed=seed, cpu_s=budget)
        left = {model: e for model, e in asked.models.items() if not book.has(model=model, **key)}
        for model, found in race.race(
            left, asked.targets[name].to(asked.device), seed, budget, asked.device
        ):
            book.add(dict(key, model=model, ours=left[model].ours) | found)
            print(f"{name}, seed {seed}, {budget:g} s, {model}: {said(found)}", file=sys.stderr)
    print("Medians over the seeds:\n")
    print(table(book.rows))
    print("\nOver the seeds, median (worst):\n")
    print(worst(book.rows))
    print("\n" + LITERATURE)
    return book


def worst(rows: Sequence[Row]) -> str:
    """Modes and share of high-quality samples, the median and the worst of the seeds, Markdown."""
    lines = ["| target | CPU-s | model | seeds | modes | hq |", "|---|--:|---|--:|--:|--:|"]
    for (target, cpu_s, model), group in sorted(groups(rows).items()):
        modes = [row.get("modes", 0.0) for row in group]  # none where training ended in NaN
        hq = [row.get("hq", 0.0) for row in group]
        cells = [
            target,
            f"{cpu_s:g}",
            model,
            str(len(group)),
            f"{statistics.median(modes):g} ({min(modes):g})",
            f"{statistics.median(hq):.3f} ({min(hq):.3f})",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def said(found: Row) -> str:
    """What a model reached, in words."""
    if "hq" not in found:
        return "not finite"
    return f"{found['modes']:g} modes, {found['hq']:.4f} of high quality"


def target_of(name: str) -> Target:
    """The target of this name."""
    if name not in TARGETS:
        raise argparse.ArgumentTypeError(f"no target {name!r}; there are {', '.join(TARGETS)}")
    return TARGETS[name]


if __name__ == "__main__":
    main()
