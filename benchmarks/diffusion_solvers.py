"""Evaluations against error: what each solver of the probability-flow ODE makes of them.

The same starts from N(0, I) are carried to data on `ring` by the exact field, and by our model of
the race after a short training. `error` is the root of the mean squared distance, in the units of
the data, from where Dormand and Prince get at a tolerance of 1e-9 in double precision: that of
the solver alone. `gap` is the likelihood gap, a mean over 2000 samples, at tighter and tighter
tolerances: what it changes by is the solver's share.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.book import Row, written
from benchmarks.diffusion_models import TOLERANCE, Carrier, Diffusion
from benchmarks.race import Entry, Lane, machine, seconds
from dgm_lib import core, paths
from dgm_lib.models.diffusion import DiffusionModel, Exact
from dgm_lib.samplers import diffusion, ode
from dgm_lib.targets import GALLERY, Target

BUDGET, SEED, POINTS = 10.0, 100, 2000
EVALUATIONS = (8, 16, 32, 64, 128, 256)
TOLERANCES = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
STEPS = dict(euler=(ode.euler, 1), heun=(ode.heun, 2), midpoint=(ode.midpoint, 2), rk4=(ode.rk4, 4))
PAIRS = {"bogacki-shampine": ode.bogacki_shampine, "dormand-prince": ode.dormand_prince}
START = 1 - 1e-3  # where DDIM can begin: at t = 1 an ε does not tell x_0


def solver_rows(field: str, model: DiffusionModel, x: Tensor, scale: float) -> Iterator[Row]:
    """The error of each solver at each number of evaluations, from the starts x `(n, d)`.

    `scale` is the size of the model's unit in those of the data.
    """
    truth = ode.last(ode.adaptive(model.velocity, x, [START, 0], rtol=1e-9, atol=1e-9)).x

    def row(solver: str, state) -> Row:
        error = (state.x - truth).square().sum(dim=-1).mean().sqrt().item()
        return dict(field=field, solver=solver, evaluations=state.nfe, error=scale * error)

    for evaluations in EVALUATIONS:
        for name, (step, each) in STEPS.items():
            times = torch.linspace(START, 0, evaluations // each + 1)
            yield row(name, ode.last(ode.solve(model.velocity, x, times, step)))
        times = torch.linspace(START, 0, evaluations + 1)
        yield row("ddim", ode.last(diffusion.ddim(model.eps, model.path, x, times)))
    for name, pair in PAIRS.items():
        for tolerance in TOLERANCES:
            states = ode.adaptive(
                model.velocity, x, [START, 0], rtol=tolerance, atol=tolerance, pair=pair
            )
            yield row(f"{name}, adaptive", ode.last(states)) | dict(tolerance=tolerance)


class Known(Carrier):
    """The exact law, through its own probability flow."""

    def __init__(self, model: Exact) -> None:
        self.velocity = model.velocity


def gap_rows(field: str, model: Carrier, target: Target, x: Tensor) -> Iterator[Row]:
    """The likelihood gap on data x `(n, d)` at the race's tolerance, and at tighter ones."""
    log_p = target.log_prob(x)
    for tolerance in (TOLERANCE, TOLERANCE / 10, TOLERANCE / 100):
        gap = (log_p - model.likelihood(x, tolerance)).mean().item()
        yield dict(field=field, solver="gap", tolerance=tolerance, gap=gap)


def trained(target: Target, seconds: float) -> Diffusion:
    """Our model of the race after so many CPU seconds, in double precision from then on."""
    lane = Lane(Entry(Diffusion), target, SEED, torch.device("cpu"))
    lane.run(seconds, seconds)
    ours = lane.racer
    ours.net.double()
    ours.mean, ours.scale = ours.mean.double(), ours.scale.double()
    return ours


def measured(seconds: float = BUDGET) -> list[Row]:
    """All rows, those of the exact field and those of our model."""
    target, rng = GALLERY["ring"], core.generator(SEED)
    ours, exact = trained(target, seconds), Exact(paths.cosine(), target)
    z = torch.randn(POINTS, 2, generator=rng, dtype=torch.float64)
    x = target.sample((POINTS,), rng).double()
    with torch.no_grad():
        rows = [*solver_rows("exact", exact, z, 1.0)]
        rows += solver_rows("ours", ours.net, z, ours.scale.item())
        rows += gap_rows("exact", Known(exact), target, x)
        rows += gap_rows("ours", ours, target, x)
    return rows


def table(rows: Sequence[Row]) -> str:
    """The errors by evaluations, and those of adaptive methods and the gaps by tolerance."""
    errors: dict[tuple, dict[int, str]] = {}
    for row in rows:
        if "tolerance" not in row:
            by_count = errors.setdefault((row["field"], row["solver"]), {})
            by_count[row["evaluations"]] = f"{row['error']:.2g}"
    counts = sorted({n for by_count in errors.values() for n in by_count})
    lines = [line("field", "solver", *(f"{n} evaluations" for n in counts))]
    lines.append("|---|---|" + "--:|" * len(counts))
    lines += [line(*key, *(found.get(n, "") for n in counts)) for key, found in errors.items()]
    lines += ["", line("field", "solver", "tolerance", "evaluations", "error", "gap")]
    lines.append("|---|---|--:|--:|--:|--:|")
    shown = {"tolerance": "{:.0e}", "evaluations": "{}", "error": "{:.2g}", "gap": "{:.5f}"}
    for row in rows:
        if "tolerance" in row:
            cells = [form.format(row[name]) if name in row else "" for name, form in shown.items()]
            lines.append(line(row["field"], row["solver"], *cells))
    return "\n".join(lines)


def line(*cells: str) -> str:
    """A line of a table in Markdown."""
    return "| " + " | ".join(cells) + " |"


def main(command: str, arguments: Sequence[str]) -> None:
    """Measure, print the tables, and write them where asked."""
    parser = argparse.ArgumentParser(prog=command)
    parser.add_argument("--solvers", action="store_true")
    parser.add_argument("--budget", type=seconds, default=BUDGET, help="CPU seconds of training")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    torch.set_num_threads(1)
    rows = measured(asked.budget)
    print(table(rows))
    if asked.json:
        content = dict(command=" ".join([command, *arguments]), machine=machine(), rows=rows)
        asked.json.write_text(written(content), encoding="utf-8")
