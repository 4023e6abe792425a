"""Ordinary differential equations x' = v(x, t): one step of each method, whole paths, densities.

for state in ode.solve(velocity, x, torch.linspace(1, 0, 21), ode.heun): ...

`velocity(x, t)` takes x `(*batch, d)` and t `(*batch, 1)`. Times may rise (data to noise) or fall
(noise to data): the sign of dt is all that changes.
"""

from dgm_lib.samplers.fields import last
from dgm_lib.samplers.ode.flow import Flow, augmented, exact_divergence, hutchinson, transport
from dgm_lib.samplers.ode.solve import State, adaptive, solve
from dgm_lib.samplers.ode.steps import (
    Pair,
    bogacki_shampine,
    dormand_prince,
    euler,
    heun,
    midpoint,
    rk4,
)

__all__ = [
    "Flow",
    "Pair",
    "State",
    "adaptive",
    "augmented",
    "bogacki_shampine",
    "dormand_prince",
    "euler",
    "exact_divergence",
    "heun",
    "hutchinson",
    "last",
    "midpoint",
    "rk4",
    "solve",
    "transport",
]
