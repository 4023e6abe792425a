"""Exercises of lecture 03a: draws that carry a gradient, the KL, the bound, and bits for data."""

from dgm_lib.exercises.vae import (  # noqa: F401  (their order is the lecture's)
    reparameterise,
    gaussian_kl,
    gaussian_elbo,
    bernoulli_log_prob,
)
from dgm_lib.exercises.vae.friends import four_draws, four_kls, four_likelihoods  # noqa: F401

LECTURE = "03a Variational autoencoder"
