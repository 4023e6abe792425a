"""Wrong weights of annealed importance sampling."""

from dgm_lib.exercises.energy_models.ais_mistakes import points, sums, use

MISTAKES = (*points.MISTAKES, *sums.MISTAKES, *use.MISTAKES)
