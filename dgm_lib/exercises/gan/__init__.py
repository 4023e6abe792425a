"""Exercises of lecture 07a: the game of generator and discriminator, and how to score it."""

from dgm_lib.exercises.gan import (  # noqa: F401  (their order is the lecture's)
    discriminator_loss,
    optimal_discriminator,
    generator_losses,
    adversarial_step,
    coverage,
)
from dgm_lib.exercises.gan.friends import four_steps  # noqa: F401

LECTURE = "07a GANs"
