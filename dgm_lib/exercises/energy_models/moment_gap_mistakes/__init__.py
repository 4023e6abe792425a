"""Wrong gaps between moments."""

from dgm_lib.exercises.energy_models.moment_gap_mistakes import (
    data_means,
    gaps,
    model_means,
)

MISTAKES = (*gaps.MISTAKES, *model_means.MISTAKES, *data_means.MISTAKES)
