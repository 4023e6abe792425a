"""Wrong contrastive losses."""

from dgm_lib.exercises.energy_models.contrastive_loss_mistakes import (
    averages,
    functions,
    training,
)

MISTAKES = (*averages.MISTAKES, *functions.MISTAKES, *training.MISTAKES)
