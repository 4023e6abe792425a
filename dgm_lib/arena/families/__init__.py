"""The recipes of the arena: one function for each family, from a seed to a fresh contender.

A recipe takes, by keyword, what an exercise of an earlier lecture asks for, and races the course's
own if it is not given.
"""

from dgm_lib.arena.families.adversarial import gan, wgan_gp
from dgm_lib.arena.families.diffusion import diffusion, flow_matching
from dgm_lib.arena.families.energy import energy
from dgm_lib.arena.families.explicit import (
    autoregressive_flow,
    coupling_flow,
    mixture,
    spline_flow,
)
from dgm_lib.arena.families.latent import vae

__all__ = [
    "autoregressive_flow",
    "coupling_flow",
    "diffusion",
    "energy",
    "flow_matching",
    "gan",
    "mixture",
    "spline_flow",
    "vae",
    "wgan_gp",
]
