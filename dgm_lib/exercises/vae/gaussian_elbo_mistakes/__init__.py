"""Wrong bounds of a Gaussian VAE."""

from dgm_lib.exercises.vae.gaussian_elbo_mistakes import decoder, encoder, whole

MISTAKES = (*decoder.MISTAKES, *encoder.MISTAKES, *whole.MISTAKES)
