"""Samplers: Markov chains over points (`mcmc`) and over finitely many states (`finite`)."""

from dgm_lib.samplers import finite, mcmc

__all__ = ["finite", "mcmc"]
