"""Exercises of lecture 14: a classifier of noisy data, and how far to follow what it says."""

from dgm_lib.exercises.guidance import (  # noqa: F401  (their order is the lecture's)
    noisy_classifier_loss,
    guided_mean,
    tilted_log_density,
    guided_ddim,
    classifier_free,
)
from dgm_lib.exercises.guidance.friends import four_combinations, four_means  # noqa: F401

LECTURE = "14 Guidance"
