"""The cases of an exercise, with what the reference makes of them."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from dgm_lib.exercises.engine.exercise import Exercise
from dgm_lib.exercises.engine.guard import Guard
from dgm_lib.exercises.engine.inputs import fresh, show_inputs, size, tensors


class Case(NamedTuple):
    """Arguments, their dtype and what the reference returns for them."""

    args: tuple
    dtype: torch.dtype
    expected: Any


@functools.cache
def cases(exercise: Exercise, dtype: torch.dtype) -> list[Case]:
    """The cases of an exercise, smallest first."""
    if exercise.cases is None:
        return []
    generator = torch.Generator().manual_seed(2024)
    arguments = course_call(exercise.cases, generator, dtype)
    return [
        Case(args, dtype, course_call(exercise.reference, *fresh(args)))
        for args in sorted(arguments, key=size)
    ]


def course_call(function: Callable, *args: Any) -> Any:
    """A call of the course's own code: no hurry, but the global state stays as it was."""
    return Guard(seconds=3600).call(function, *args)


def with_inputs(exercise: Exercise, case: Case, words: str) -> str:
    """The words, after the inputs that show what they say."""
    dtype = " in float64 (float32 is right)" if case.dtype == torch.float64 else ""
    inputs = show_inputs(exercise.parameters, case.args)
    return f"for {inputs}{dtype}:\n{words}" if inputs else f"{words}{dtype}"


def gradients(function: Callable, args: tuple, places: Sequence[int]) -> list[Tensor] | None:
    """Gradients of the outputs in the arguments at `places`; None if nothing depends on them."""
    args = list(fresh(args))
    for place in places:
        args[place].requires_grad_()
    out, generator, total = function(*args), torch.Generator().manual_seed(7), torch.zeros(())
    # Random weights: in a plain sum, errors of different outputs could cancel.
    for tensor in tensors(out):
        if tensor.is_floating_point():
            weights = torch.randn(tensor.shape, generator=generator, dtype=tensor.dtype)
            total = total + (weights * tensor).sum()
    if not total.requires_grad:
        return None
    leaves = [args[place] for place in places]
    return list(torch.autograd.grad(total, leaves, allow_unused=True, materialize_grads=True))
