"""What a learner asks of the exercises."""

from __future__ import annotations

from dgm_lib import exercises
from tests.inputs.several import Text
from tests.inputs.verdict import Case

NAME = Text("diffusion.x0_from_eps")


def checked(name: str) -> None:
    exercises.check(name, None)


TABLE = [
    Case("check", checked, dict(name=NAME), also=("exercise",)),
    Case("hint", exercises.hint, dict(name=NAME), also=("exercise",)),
    Case("mine", lambda name: exercises.mine(name) and None, dict(name=NAME), also=("exercise",)),
    Case(
        "evaluate",
        lambda exercise: exercises.evaluate(exercise, None) and None,
        dict(exercise=NAME),
        also=("name",),
    ),
]
