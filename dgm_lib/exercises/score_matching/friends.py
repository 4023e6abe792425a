"""What friends wrote for the "break it" cells of lecture 13a: who is right?"""

from collections.abc import Callable

from dgm_lib.exercises.engine.friends import versions


def four_losses() -> dict[str, Callable]:
    """Four versions of `denoising_loss`: which are wrong, and how?"""
    return versions(
        "score_matching.denoising_loss",
        {"Ada": "", "Ben": "not divided by sigma", "Cyd": "sign of the noise", "Dee": ""},
    )


def four_steps() -> dict[str, Callable]:
    """Four versions of `langevin_step`: which are wrong, and what do they sample?"""
    return versions(
        "score_matching.langevin_step",
        {"Ada": "half a drift", "Ben": "", "Cyd": "", "Dee": "root of h"},
    )
