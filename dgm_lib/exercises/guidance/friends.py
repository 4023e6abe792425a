"""What friends wrote for the "break it" cells of lecture 14: who is right?"""

from collections.abc import Callable

from dgm_lib.exercises.engine.friends import versions


def four_means() -> dict[str, Callable]:
    """Four versions of `guided_mean`: which are wrong, and where do they lead?"""
    return versions(
        "guidance.guided_mean",
        {"Ada": "sigma for its square", "Ben": "", "Cyd": "not scaled", "Dee": ""},
    )


def four_combinations() -> dict[str, Callable]:
    """Four versions of `classifier_free`: which are wrong, and where does it show?"""
    return versions(
        "guidance.classifier_free",
        {"Ada": "", "Ben": "", "Cyd": "one plus w", "Dee": "from the conditional one"},
    )
