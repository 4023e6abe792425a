"""Exercises of lecture 08: the cost of transport, the critic and its slope."""

from dgm_lib.exercises.wasserstein import (  # noqa: F401  (their order is the lecture's)
    transport_cost,
    critic_loss,
    critic_step,
    gradient_penalty,
    power_iteration,
)
from dgm_lib.exercises.wasserstein.friends import four_norms  # noqa: F401

LECTURE = "08 Wasserstein GANs"
