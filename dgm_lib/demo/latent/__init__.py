"""The latent plane explorer: a VAE with two latents learns a law of the plane, seen from both."""

from dgm_lib.demo.latent.explorer import latent_explorer

__all__ = ["latent_explorer"]
