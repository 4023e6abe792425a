"""Exercises: `check` an answer, ask for a `hint`, see your `progress`, use what is `mine`.

Every module next to this one holds the exercises of one lecture; the engine that runs them is in
`engine/`.
"""

from dgm_lib.exercises.engine.desk import check, hint, mine
from dgm_lib.exercises.engine.exercise import Exercise, Fail, Mistake, Tolerance
from dgm_lib.exercises.engine.overview import progress
from dgm_lib.exercises.engine.verdict import evaluate

__all__ = [
    "Exercise", "Fail", "Mistake", "Tolerance", "check", "evaluate", "hint", "mine", "progress",
]
