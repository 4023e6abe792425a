"""Exercises of lecture 10a: chains on finite sets, acceptance, Langevin, Hamilton, tempering."""

from dgm_lib.exercises.mcmc import (  # noqa: F401  (their order is the lecture's)
    stationary,
    metropolis,
    langevin,
    leapfrog,
    swap,
)
from dgm_lib.exercises.mcmc.friends import four_walkers  # noqa: F401

LECTURE = "10a MCMC"
