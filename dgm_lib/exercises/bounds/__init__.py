"""Exercises of lecture 03b: tighter bounds, what a VAE leaves unused, and a deeper one."""

from dgm_lib.exercises.bounds import (  # noqa: F401  (their order is the lecture's)
    active_units,
    free_bits_loss,
    iwae_bound,
    hierarchical_elbo,
)
from dgm_lib.exercises.bounds.friends import four_bounds, four_losses  # noqa: F401

LECTURE = "03b Bounds and collapse"
