"""What friends wrote for the "break it" cell of lecture 02: who is right?"""

from collections.abc import Callable

from dgm_lib.exercises.engine.friends import versions


def four_em_steps() -> dict[str, Callable]:
    """Four versions of `em_step`: which are wrong, and how?"""
    return versions(
        "variational_inference.em_step",
        {"Ada": "hard assignment", "Ben": "no d", "Cyd": "", "Dee": "old sigma"},
    )


def four_estimates() -> dict[str, Callable]:
    """Four versions of `importance_estimate`: which are wrong, and how?"""
    return versions(
        "variational_inference.importance_estimate",
        {"Ada": "", "Ben": "no log k", "Cyd": "mean of logs", "Dee": "no log q"},
    )
