"""Right and wrong ways to keep chains between calls."""

from dgm_lib.exercises.energy_models.persistent_answers import memory, moves, returns
from dgm_lib.exercises.energy_models.persistent_answers.memory import NOISE
from dgm_lib.exercises.energy_models.persistent_answers.right import ACCEPTS

WRONG = (*returns.WRONG, *moves.WRONG, *memory.WRONG)

__all__ = ["ACCEPTS", "NOISE", "WRONG"]
