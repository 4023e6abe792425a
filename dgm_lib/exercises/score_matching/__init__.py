"""Exercises of lecture 13a: the score of a mixture, how to learn one, and a walk along it."""

from dgm_lib.exercises.score_matching import (  # noqa: F401  (their order is the lecture's)
    mixture_score,
    implicit_loss,
    sliced_loss,
    denoising_loss,
    langevin_step,
)
from dgm_lib.exercises.score_matching.friends import four_losses, four_steps  # noqa: F401

LECTURE = "13a Score matching"
