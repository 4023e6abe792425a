"""Exercises of lecture 17: to judge samples in cells, to judge seeds, and a family of one's own."""

from dgm_lib.exercises.arena import (  # noqa: F401  (their order is the lecture's)
    histogram_jsd,
    seed_interval,
    kernel_density,
)
from dgm_lib.exercises.arena.friends import four_judges  # noqa: F401

LECTURE = "17 The arena"
