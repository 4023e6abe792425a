"""Exercises of lecture 05b: masks, sampling, two ways to meet discrete data, a reversible block."""

from collections.abc import Callable

from dgm_lib.exercises.autoregressive_flows import (  # noqa: F401  (the lecture's order)
    masks,
    sampling,
    dequantisation,
    bins,
    reversible,
)

LECTURE = "05b Autoregressive flows"


def three_friends() -> dict[str, Callable]:
    """Three versions of `made_masks` for the "break it" cell: which are wrong, and how?"""
    wrong = {mistake.name: mistake.function for mistake in masks.MISTAKES}
    return {
        "Ada": wrong["sees itself"],
        "Ben": wrong["order ignored"],
        "Cyd": masks.made_masks,
    }
