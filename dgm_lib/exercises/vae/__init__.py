"""Exercises of lecture 03: draws that carry a gradient, the bound and its tighter relatives."""

from dgm_lib.exercises.vae import (  # noqa: F401  (their order is the lecture's)
    reparameterise,
    gaussian_kl,
    gaussian_elbo,
    iwae_bound,
    free_bits_loss,
    active_units,
)

LECTURE = "03 Variational autoencoder"
