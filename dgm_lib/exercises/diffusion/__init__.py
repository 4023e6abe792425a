"""Exercises of lecture 13b: noise put on in one step, and taken off in many."""

from dgm_lib.exercises.diffusion import (  # noqa: F401  (their order is the lecture's)
    forward_noising,
    x0_from_eps,
    eps_from_v,
    posterior_mean_variance,
    ddpm_step,
    ddim_step,
)
from dgm_lib.exercises.diffusion.friends import four_noisings, four_steps  # noqa: F401

LECTURE = "13b Diffusion"
