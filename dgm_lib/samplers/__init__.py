"""Samplers: Markov chains (`mcmc`, `finite`), differential equations, ways from noise to data."""

from dgm_lib.samplers import diffusion, finite, mcmc, ode

__all__ = ["diffusion", "finite", "mcmc", "ode"]
