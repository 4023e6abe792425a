"""The numbers that an answer returns: gathered where it runs, and judged where it does not.

They travel as JSON, which can hold nothing but numbers.
"""

import base64
import functools
import itertools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Tolerance
from dgm_lib.exercises.engine.cases import cases, gradients
from dgm_lib.exercises.engine.compare import differs, form_differs, kind_differs
from dgm_lib.exercises.engine.examine import DTYPES, Examination
from dgm_lib.exercises.engine.inputs import fresh
from dgm_lib.grade import plays

PLAIN = ("float32", "float64", "int64", "int32", "bool")  # dtypes


def numbers(exercise: Exercise, answer: Callable) -> list:
    """What the answer returns on every case, its gradients there, and more where that says more."""
    with torch.enable_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        told = [answer(*fresh(case.args)) for dtype in DTYPES for case in cases(exercise, dtype)]
        if exercise.grad_wrt:
            for case in cases(exercise, torch.float64):
                names = exercise.parameters[: len(case.args)]
                places = [names.index(name) for name in exercise.grad_wrt if name in names]
                told.append(tuple(gradients(answer, case.args, places) or ()))
        return told + plays.of(exercise.name, answer)


@functools.cache
def _expected(exercise: Exercise) -> list:
    return numbers(exercise, exercise.reference)


def complaint(exercise: Exercise, told: Any) -> str:
    """Words if these numbers, as `encode` gave them, are not those of a right answer, else ""."""
    expected = _expected(exercise)
    if type(told) is not list or len(told) != len(expected):
        return "there are no numbers for every case"
    for compare, text, right in zip(_comparisons(exercise), told, expected):
        try:
            value = _like(decode(text), right)
            words = kind_differs(value, right) or form_differs(value, right, "")
            words = words or compare(value, right)
        except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
            words = f"they cannot be compared ({type(error).__name__})"
        if words:
            return words
    return ""


def _comparisons(exercise: Exercise) -> Iterator[Callable[[Any, Any], str]]:
    """How each of the numbers is compared."""
    examination = Examination(exercise, exercise.reference, (), seconds=60)
    for dtype in DTYPES:
        for case in cases(exercise, dtype):
            yield functools.partial(examination.value_differs, case)
    rtol, atol = exercise.tolerance(torch.float64)
    tolerance = Tolerance(10 * rtol, 10 * atol)  # as the engine has it for gradients
    yield from itertools.repeat(functools.partial(differs, tolerance=tolerance))


# ------------------------------------------------------------------------ on their way


def encode(value: Any) -> Any:
    """A tensor, a number or a tuple of these, ready for JSON."""
    if isinstance(value, Tensor):
        array = value.detach().cpu().contiguous().numpy()
        data = base64.b64encode(array.tobytes()).decode()
        return {"dtype": str(array.dtype), "shape": list(array.shape), "data": data}
    if isinstance(value, (tuple, list)):
        return [encode(part) for part in value]
    return float(value) if isinstance(value, (float, np.floating)) else value


def decode(text: Any) -> Any:
    """What `encode` was given; sequences come back as tuples. ValueError if it is not that."""
    if type(text) is list:
        return tuple(map(decode, text))
    if type(text) is dict:
        if text["dtype"] not in PLAIN:
            raise ValueError("not a dtype")
        array = np.frombuffer(base64.b64decode(text["data"]), dtype=text["dtype"])
        return torch.from_numpy(array.reshape([int(n) for n in text["shape"]]).copy())
    if text is None or type(text) in (bool, int, float):
        return text
    raise ValueError("not a number")


def _like(value: Any, right: Any) -> Any:
    """The tuple as a NamedTuple where that is expected."""
    if type(value) is tuple and hasattr(right, "_fields") and len(value) == len(right):
        return type(right)(*value)
    return value
