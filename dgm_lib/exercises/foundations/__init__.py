"""Exercises of lecture 00: Bayes' rule, three divergences, a fit, a two-sample test."""

from collections.abc import Callable

from dgm_lib.exercises.foundations import (  # noqa: F401  (their order is the lecture's)
    bayes,
    monte_carlo,
    gaussian,
    fit,
    jensen_shannon,
    mmd,
    permutation,
)

LECTURE = "00 Foundations"


def three_friends() -> dict[str, Callable]:
    """Three versions of `monte_carlo_kl` for the lecture's "break it" cell: which are wrong?"""
    wrong = {mistake.name: mistake.function for mistake in monte_carlo.MISTAKES}
    return {
        "Ada": wrong["samples from q"],
        "Ben": monte_carlo.monte_carlo_kl,
        "Cyd": wrong["deviation of one term"],
    }
