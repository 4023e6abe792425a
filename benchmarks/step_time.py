"""Where the time of a spline flow's training step goes, and what the matrix products alone take."""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import nn

from dgm_lib.models import flow
from dgm_lib.models.flow import columns
from dgm_lib.targets import GALLERY

BATCH = 512


def microseconds(work: Callable[[], object], repeats: int = 200) -> float:
    """The median CPU time of `work` on this thread."""
    times = []
    for k in range(repeats + 5):
        begun = time.thread_time()
        work()
        if k >= 5:
            times.append(time.thread_time() - begun)
    return 1e6 * statistics.median(times)


def profile() -> dict[str, float]:
    """CPU microseconds of a step of `flow.spline(2)` and of its parts."""
    torch.manual_seed(0)
    target = GALLERY["moons"]
    x = target.sample((BATCH,))
    model = flow.spline(2, data=x)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)

    def step() -> None:
        loss = -model.log_prob(target.sample((BATCH,))).mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    for _ in range(200):  # away from the start, where much is 0
        step()
    nets = [layer.net for layer in model.modules() if isinstance(layer, flow.Coupling)]
    flops, rate = matmul_flops(nets), matmul_rate()
    found = {"whole step": microseconds(step)}
    found["drawing the data"] = microseconds(lambda: target.sample((BATCH,)))
    found["log q, forward"] = microseconds(lambda: model.log_prob(x))
    model.log_prob(x).mean().backward()
    found["Adam"] = microseconds(optimizer.step)
    found["backward, and all else"] = found["whole step"] - sum(list(found.values())[1:])
    found |= {f"of these: {name}": us for name, us in _parts(nets).items()}
    found["matrix products at the measured rate"] = 1e6 * flops / rate
    found["matmul rate, GFLOP/s"] = rate / 1e9
    found["steps/s"] = 1e6 / found["whole step"]
    found["steps/s if there were only the matrix products"] = rate / flops
    return found


@torch.no_grad()
def _parts(nets: list[nn.Sequential]) -> dict[str, float]:
    """All perceptrons and all splines, forward and backward, each by itself in a hot cache."""
    columns_in, weights = torch.randn(1, BATCH), columns.weights_of(nets[0])
    rows, pull_net = columns.fast(columns_in, *weights)
    law = flow.Spline((len(rows) + 1) // 3)
    rows = rows.unsqueeze(1)
    (z, ladj), pull_law = law.fast(columns_in, rows)
    once = {
        "perceptrons": lambda: (columns.fast(columns_in, *weights), pull_net(rows.squeeze(1))),
        "splines": lambda: (law.fast(columns_in, rows), pull_law(z, ladj)),
    }
    return {name: len(nets) * microseconds(work) for name, work in once.items()}


def matmul_flops(nets: list[nn.Sequential]) -> float:
    """Of a step: each weight is used once forward and twice backward, at 2 FLOPs for a point."""
    weights = [layer.weight for net in nets for layer in net if isinstance(layer, nn.Linear)]
    return 6.0 * BATCH * sum(weight.numel() for weight in weights)


@torch.no_grad()
def matmul_rate() -> float:
    """FLOP/s of a product of the size that the perceptrons have."""
    a, b = torch.randn(64, 64), torch.randn(64, BATCH)
    return 2.0 * 64 * 64 * BATCH / (1e-6 * microseconds(lambda: a @ b, 1000))


def main(command: str, arguments: Sequence[str]) -> None:
    """Measure, print a table, and write it where asked."""
    parser = argparse.ArgumentParser(prog=command)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    torch.set_num_threads(1)
    found = profile()
    print("| a step of flow.spline(2), batch 512 | CPU µs |\n|---|--:|")
    for name, value in found.items():
        print(f"| {name} | {value:,.0f} |")
    if asked.json:
        content = dict(command=" ".join([command, *arguments]), rows=found)
        text = json.dumps(content, indent=2, ensure_ascii=False)
        asked.json.write_text(text + "\n", encoding="utf-8")
