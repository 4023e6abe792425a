"""What friends wrote for the "break it" cell of lecture 03b: who is right?"""

from collections.abc import Callable

from dgm_lib.exercises.engine.friends import versions


def four_bounds() -> dict[str, Callable]:
    """Four versions of `iwae_bound`: which are wrong, and how?"""
    return versions(
        "bounds.iwae_bound",
        {"Ada": "mean of logs", "Ben": "over the data", "Cyd": "no log k", "Dee": ""},
    )


def four_losses() -> dict[str, Callable]:
    """Four versions of `free_bits_loss`: which are wrong, and how?"""
    return versions(
        "bounds.free_bits_loss",
        {
            "Ada": "clamped after the sum",
            "Ben": "",
            "Cyd": "clamped before the mean",
            "Dee": "clamped at most",
        },
    )
