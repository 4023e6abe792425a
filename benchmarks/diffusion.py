"""Diffusion models and flow matching side by side with flow_matching and torchcfm.

    python -m benchmarks.diffusion [--targets ring,checkerboard] [--models diffusion,torchcfm]
                                   [--budget 10,30,60] [--seeds 0,1,2] [--json FILE]
    python -m benchmarks.diffusion --solvers [--budget 10] [--json FILE]    # evaluations, error

The race is that of `benchmarks.race`. Every model is in the end a velocity that carries noise to
data, and is judged by the probability-flow ODE: `gap` from its likelihood with the exact
divergence, the samples by running it from noise. Both by Dormand and Prince's adaptive method at
`diffusion_models.TOLERANCE`; `--solvers` shows what ten and a hundred times tighter ones change.
The gap is an integral over a grid here, and not a mean over samples: it has no sampling error.
Modes and high quality are counted on `ring`, where they are defined.

The peers are not in the extra `bench`, as torchcfm would bring much that only its examples need:
`pip install --no-deps torchcfm flow_matching pot torchdiffeq` is enough. Each has its 2-D example
as it is (`-recipe`, raced only when asked for) and the best of what was tried at 10 CPU-s.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence

import torch

from benchmarks import diffusion_models as models
from benchmarks import diffusion_solvers, race
from benchmarks.race import Entry, Lane
from dgm_lib.core import Grid

COMMAND = "python -m benchmarks.diffusion"
TARGETS = "ring,checkerboard"
MODELS = {
    "diffusion": Entry(models.Diffusion, ours=True),
    "plain": Entry(models.Plain, ours=True),
    "flow-matching": Entry(models.FlowMatching),
    "flow-matching-recipe": Entry(models.FlowMatchingRecipe),
    "torchcfm": Entry(models.Torchcfm),
    "torchcfm-recipe": Entry(models.TorchcfmRecipe),
}


class OnGrid(Lane):
    """A lane whose gap is the integral of p (log p - log q), by the mid-point rule."""

    cells = dict(ring=60, checkerboard=120)  # per axis: as fine as the finest detail, or finer

    def gap(self, rng: torch.Generator) -> float:
        """The nats lost, infinitely many once training has ended in NaN."""
        grid = Grid(self.target.box, self.cells.get(self.target.name, 200))
        x = grid.points.reshape(-1, 2)
        log_p = self.target.log_prob(x)
        held = log_p > log_p.max() - 18  # what lies outside holds less than a millionth
        log_q = self.racer.log_prob(x[held].float().to(self.device)).cpu().double()
        if log_q.isnan().any():
            return math.inf
        return (log_p[held].exp() * (log_p[held] - log_q)).sum().item() * grid.cell


def main(arguments: Sequence[str] | None = None) -> None:
    """Race, or compare the solvers."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if "--solvers" in arguments:
        diffusion_solvers.main(COMMAND, arguments)
        return
    known = {n: e for n, e in MODELS.items() if not n.endswith("-recipe")}
    asked = any(word.startswith("--models") for word in arguments)
    race.main(MODELS if asked else known, COMMAND, arguments, TARGETS, lane=OnGrid)


if __name__ == "__main__":
    main()
