"""Exercises of lecture 02: log p(x), its bound, mixtures, mean fields and gradients."""

from dgm_lib.exercises.variational_inference import (  # noqa: F401  (their order is the lecture's)
    importance,
    elbo,
    em_step,
    mean_field_update,
    score_function_loss,
)
from dgm_lib.exercises.variational_inference.friends import (  # noqa: F401
    four_em_steps,
    four_estimates,
)

LECTURE = "02 Variational inference"
