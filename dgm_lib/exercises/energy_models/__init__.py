"""Exercises of lecture 10b: models known up to a constant, how they learn and what it is."""

from dgm_lib.exercises.energy_models import (  # noqa: F401  (their order is the lecture's)
    moment_gap,
    contrastive_loss,
    persistent,
    ais_log_weights,
)
from dgm_lib.exercises.energy_models.friends import four_samplers  # noqa: F401

LECTURE = "10b Energy-based models"
