"""What friends wrote for the "break it" cells of lecture 13b: who is right?"""

from collections.abc import Callable

from dgm_lib.exercises.engine.friends import versions


def four_noisings() -> dict[str, Callable]:
    """Four versions of `forward_noising`: which are wrong, and what do they make of the data?"""
    return versions(
        "diffusion.forward_noising",
        {"Ada": "beta for alpha_bar", "Ben": "", "Cyd": "no roots", "Dee": ""},
    )


def four_steps() -> dict[str, Callable]:
    """Four versions of `ddpm_step`: which are wrong, and what do they sample?"""
    return versions(
        "diffusion.ddpm_step",
        {"Ada": "", "Ben": "noise at the last step", "Cyd": "", "Dee": "level for step"},
    )
