"""The arena: every family on the same targets, under the same budget, before the same judge.

>>> from dgm_lib import arena, targets
>>> contender, target = arena.FAMILIES["mixture"](seed=0), targets.GALLERY["moons"]
>>> for now in arena.rounds(contender, target, arena.Steps(20)):
...     pass
>>> arena.judge(contender, target, samples=2000)["gap"] < 1
True

A family is one line of `FAMILIES`: a function from a seed to a fresh `Contender`. `mine()` are
those that run on your own saved answers.
"""

from dgm_lib.arena.cells import Cells
from dgm_lib.arena.contender import Contender, Exact
from dgm_lib.arena.families import (
    autoregressive_flow,
    coupling_flow,
    diffusion,
    energy,
    flow_matching,
    gan,
    mixture,
    spline_flow,
    vae,
    wgan_gp,
)
from dgm_lib.arena.judge import judge
from dgm_lib.arena.lineup import ANSWERS, FAMILIES, mine
from dgm_lib.arena.results import COLUMNS, stored, table
from dgm_lib.arena.training import BATCH, Round, Seconds, Steps, rounds

__all__ = [
    "ANSWERS",
    "BATCH",
    "COLUMNS",
    "FAMILIES",
    "Cells",
    "Contender",
    "Exact",
    "Round",
    "Seconds",
    "Steps",
    "autoregressive_flow",
    "coupling_flow",
    "diffusion",
    "energy",
    "flow_matching",
    "gan",
    "judge",
    "mine",
    "mixture",
    "rounds",
    "spline_flow",
    "stored",
    "table",
    "vae",
    "wgan_gp",
]
