"""What friends wrote for the "break it" cell of lecture 17: whose judge can be trusted?"""

from collections.abc import Callable

from dgm_lib.exercises.engine.friends import versions


def four_judges() -> dict[str, Callable]:
    """Four versions of `histogram_jsd`: which are wrong, and what do they overlook?"""
    return versions(
        "arena.histogram_jsd",
        {"Ada": "outside left out", "Ben": "", "Cyd": "small number", "Dee": ""},
    )
