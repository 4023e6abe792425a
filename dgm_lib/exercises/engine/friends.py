"""What friends wrote, for the "break it" cells of the lectures: who is right, what of the rest?"""

from collections.abc import Callable

from dgm_lib.exercises.engine.exercise import find


def versions(exercise: str, mistakes: dict[str, str]) -> dict[str, Callable]:
    """What friends answered to an exercise: each a mistake by its name, or "" for the reference.

    They are all wrapped alike, so that no name or docstring says who is right.
    """
    asked = find(exercise)
    known = {mistake.name: mistake.function for mistake in asked.mistakes}
    known[""] = asked.reference

    def wrapped(answer: Callable) -> Callable:
        return lambda *arguments: answer(*arguments)

    return {friend: wrapped(known[mistake]) for friend, mistake in mistakes.items()}
