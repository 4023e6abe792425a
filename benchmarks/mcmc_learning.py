"""How well contrastive divergence teaches an energy model: the part `--learning` of
`benchmarks.mcmc`.

E(x) is a perceptron (64, 64) and a confining |x|² / 18. Its negatives come from k steps of MALA,
from the data (CD-k) or from kept chains (PCD-k), as many as there are data in a batch. Everybody
has the same CPU seconds, for Adam with a cosine schedule, and is judged by KL(p ‖ q) on a grid over
the target's box, on which alone q is normalised. Of learning rates 3e-3 and 1e-2 and steps h 0.005
and 0.02 those were taken that were best for most at 4 CPU-s on moons and ring with seed 0.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from benchmarks import race
from benchmarks.book import Row
from benchmarks.race import Entry
from dgm_lib import metrics, objectives
from dgm_lib.core import Grid
from dgm_lib.models import energy
from dgm_lib.nets import MLP
from dgm_lib.samplers import mcmc, persistent
from dgm_lib.targets import Target
from dgm_lib.training import cosine

LR, H = 1e-2, 0.02


class Learner:
    """An energy model in training by contrastive divergence with k steps of MALA."""

    def __init__(self, k: int, keep: bool = False, share: float = 0.0) -> None:
        self.model = energy.EnergyModel(MLP(2, 1), scale=3.0)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=LR, fused=True)
        self.k, self.keep, self.share = k, keep, share
        self.negatives = None

    def progress(self, done: float) -> None:
        """The share of the budget that is spent, for the schedule."""
        self.optimizer.param_groups[0]["lr"] = LR * cosine(done)

    def step(self, x: Tensor) -> None:
        """One step of Adam on mean E(x) - mean E(x⁻)."""
        if self.negatives is None:
            self.model.to(x.device)
            kept = persistent.Persistent(x, self.walk, share=self.share)
            self.negatives = kept if self.keep else persistent.FromData(self.walk)
        objectives.contrastive(self.model, x, self.negatives).backward()
        self.optimizer.step()
        self.optimizer.zero_grad()

    def walk(self, model: energy.EnergyModel, x: Tensor, generator: object) -> Tensor:
        """Where k steps of MALA lead."""
        kernel = mcmc.mala(lambda x: -model.energy(x), H)
        states = mcmc.chain(kernel, x, generator)
        return next(itertools.islice(states, self.k - 1, None)).x


def cd_1(seed: int) -> Learner:
    """CD-1: one step of MALA from the data."""
    return Learner(k=1)


def cd_10(seed: int) -> Learner:
    """CD-10: ten steps of MALA from the data."""
    return Learner(k=10)


def pcd_1(seed: int) -> Learner:
    """PCD-1: one step of MALA from where the chains were."""
    return Learner(k=1, keep=True)


def pcd_10(seed: int) -> Learner:
    """PCD-10: ten steps of MALA from where the chains were."""
    return Learner(k=10, keep=True)


def pcd_10_anew(seed: int) -> Learner:
    """PCD-10 of which 5 % of the chains start anew from the data at each step."""
    return Learner(k=10, keep=True, share=0.05)


MODELS = {
    "cd-1": Entry(cd_1, ours=True),
    "cd-10": Entry(cd_10, ours=True),
    "pcd-1": Entry(pcd_1, ours=True),
    "pcd-10": Entry(pcd_10, ours=True),
    "pcd-10-anew": Entry(pcd_10_anew, ours=True),
}


def run(
    entries: Mapping[str, Entry], target: Target, seed: int, budget: float, device: torch.device
) -> Iterator[tuple[str, Row]]:
    """Let the learners take turns until each has spent its budget; yield their names and KL."""
    lanes = {name: race.Lane(entry, target, seed, device) for name, entry in entries.items()}
    while any(lane.spent < budget for lane in lanes.values()):
        for lane in lanes.values():
            lane.run(race.SLICE, budget)
    grid = Grid(target.box, n=200)
    for name, lane in lanes.items():
        kl = metrics.kl(target.to("cpu"), energy.OnGrid(lane.racer.model.cpu(), grid), grid)
        yield name, dict(kl=kl.value, steps_per_s=lane.steps / lane.spent)
