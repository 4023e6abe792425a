"""The family that says only how much likelier one point is than another: an energy."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from dgm_lib import objectives
from dgm_lib.arena.families.trained import Trained, WithDensity, seeded
from dgm_lib.core import Grid
from dgm_lib.models.energy import EnergyModel, OnGrid
from dgm_lib.nets import MLP
from dgm_lib.samplers import mcmc
from dgm_lib.samplers.persistent import Persistent

CHAINS, STEPS, LAST = 512, 5, 100
STEP_SIZE = 0.03


class Energy(Trained, WithDensity):
    """E(x) by contrast with chains that are kept, which Langevin steps move: persistent CD.

    To sample, copies of the kept chains take `LAST` more steps. Z comes from a grid. Tried with
    seed 100: with SiLU the energy of the ring stands still at a gap of 0.6, with ReLU it does not.
    At the rate 2e-3 that of the checkerboard ran away from its chains in two runs of three.
    """

    likelihood = "on a grid"
    at_once = 100_000  # points: Z is found anew for each part

    def __init__(self, contrastive: Callable, log_q: Callable) -> None:
        net = MLP(2, 1, (64, 64, 64), nn.ReLU)
        super().__init__(EnergyModel(net, scale=2.0), self.contrast, lr=1e-3)
        self.contrastive, self.log_q = contrastive, log_q
        self.chains = Persistent(2 * torch.randn(CHAINS, 2), self.walk)

    def contrast(self, model: EnergyModel, x: Tensor) -> Tensor:
        """The energy of data against that of the chains."""
        self.chains.x = self.chains.x.to(x)
        return self.contrastive(model, x, self.chains(model, x))

    def walk(self, model: EnergyModel, x: Tensor, generator=None, steps: int = STEPS) -> Tensor:
        """Where so many Langevin steps, adjusted by Metropolis, lead."""
        kernel = mcmc.mala(lambda x: -model.energy(x), STEP_SIZE, log_q=self.log_q)
        return mcmc.draws(kernel, x, 1, burn_in=steps - 1)[-1]

    def draw(self, n: int) -> Tensor:
        """n draws: copies of kept chains, walked on."""
        starts = self.chains.x[torch.randint(CHAINS, (n,), device=self.chains.x.device)]
        return self.walk(self.model, starts, steps=LAST)

    def density(self, x: Tensor) -> Tensor:
        """log q(x), -inf beyond 6 standard deviations of the data."""
        return OnGrid(self.model, Grid([[-6, 6], [-6, 6]], 300)).log_prob(x)


@seeded
def energy(
    seed: int,
    contrastive_loss: Callable = objectives.contrastive,
    log_q: Callable = mcmc.langevin_log_q,
) -> Energy:
    """A perceptron (64, 64, 64) as E, learned by 512 persistent chains of MALA, 5 steps each."""
    return Energy(contrastive_loss, log_q)
