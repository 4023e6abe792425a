"""Sampling along a path from noise to data, by functions (x, t) -> ε, or the score.

for state in diffusion.ddim(model.eps, path, x, torch.linspace(1, 0, 21)): ...

x `(*batch, d)` are draws of the noise, at times[0]; t is `(*batch, 1)`, 1 noise and 0 data; a
`path` is whatever knows alpha(t), sigma(t) and what follows from them, as those of `dgm_lib.paths`.
"""

from dgm_lib.samplers.diffusion.denoise import (
    ancestral,
    ancestral_step,
    ddim,
    ddim_step,
    forward_spread,
    posterior_spread,
)
from dgm_lib.samplers.diffusion.guidance import (
    classifier_free,
    classifier_guided,
    classifier_guided_eps,
    gradient,
)
from dgm_lib.samplers.diffusion.langevin import annealed_langevin, langevin_step
from dgm_lib.samplers.diffusion.sde import noising, reverse_sde, reverse_step
from dgm_lib.samplers.diffusion.state import State
from dgm_lib.samplers.fields import last

__all__ = [
    "State",
    "ancestral",
    "ancestral_step",
    "annealed_langevin",
    "classifier_free",
    "classifier_guided",
    "classifier_guided_eps",
    "ddim",
    "ddim_step",
    "forward_spread",
    "gradient",
    "langevin_step",
    "last",
    "noising",
    "posterior_spread",
    "reverse_sde",
    "reverse_step",
]
