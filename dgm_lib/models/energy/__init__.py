"""Energy-based models: laws known up to a constant, p(x) = exp(-E(x)) / Z.

An energy is cheap and free of constraints; Z is the price. A model has `energy`, and no `log_prob`:
that belongs to a law whose Z has been found, by `OnGrid` in the plane or by enumeration.

>>> import torch
>>> from dgm_lib.core import Grid
>>> from dgm_lib.models import energy
>>> from dgm_lib.nets import MLP
>>> model = energy.EnergyModel(MLP(2, 1), scale=2.0)
>>> judge = energy.OnGrid(model, Grid([[-10, 10], [-10, 10]]))
>>> x = judge.sample((5,))
>>> torch.allclose(judge.log_prob(x), -model.energy(x.float()).double() - judge.log_Z)
True
"""

from dgm_lib.models.energy.exponential import ExponentialFamily, MomentStep, polynomial
from dgm_lib.models.energy.model import EnergyModel
from dgm_lib.models.energy.on_grid import OnGrid
from dgm_lib.models.energy.rbm import RBM, Enumerated

__all__ = [
    "RBM",
    "EnergyModel",
    "Enumerated",
    "ExponentialFamily",
    "MomentStep",
    "OnGrid",
    "polynomial",
]
