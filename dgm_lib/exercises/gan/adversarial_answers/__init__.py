"""Answers to the alternating step, right and wrong."""

from dgm_lib.exercises.gan.adversarial_answers import gradients, losses, order
from dgm_lib.exercises.gan.adversarial_answers.right import ACCEPTS  # noqa: F401

NOTHING_MOVES = gradients.NOTHING_MOVES
WRONG = (*gradients.WRONG, *losses.WRONG, *order.WRONG)
