"""Exercises of lecture 05a: densities through invertible maps, and the two divergences."""

from torch import nn

from dgm_lib.exercises.flows import (  # noqa: F401  (their order is the lecture's)
    change_of_variables,
    planar,
    coupling,
    forward_kl,
    reverse_kl,
)

LECTURE = "05a Normalizing flows"


def four_friends() -> dict[str, type[nn.Module]]:
    """Four versions of `AffineCoupling` for the "break it" cell: which are wrong, and how?"""
    wrong = {mistake.name: mistake.function for mistake in coupling.MISTAKES}
    return {
        "Ada": wrong["log-determinant zero"],
        "Ben": wrong["sign"],
        "Cyd": coupling.AffineCoupling,
        "Dee": wrong["net sees everything"],
    }
