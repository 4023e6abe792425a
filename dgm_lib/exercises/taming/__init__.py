"""Exercises of lecture 07b: what keeps a GAN from collapsing, oscillating and being too sure."""

from dgm_lib.exercises.taming import (  # noqa: F401  (their order is the lecture's)
    feature_matching,
    smoothed_optimum,
    r1_penalty,
    unrolled_loss,
)
from dgm_lib.exercises.taming.friends import four_penalties  # noqa: F401

LECTURE = "07b Taming GANs"
