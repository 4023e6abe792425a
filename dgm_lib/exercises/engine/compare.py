"""Compares what the learner's function returned with what was expected, and says how it differs."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dgm_lib.exercises.engine.exercise import Tolerance
from dgm_lib.exercises.engine.inputs import show_numbers

FEW = 4  # values that are shown in full
GOT = {
    type(None): "your function returns nothing: is the `return` missing?",
    np.ndarray: "expected a torch.Tensor, got a numpy array: stay in torch",
    float: "expected a torch.Tensor, got a float: no `.item()`, no `float(...)`",
    int: "expected a torch.Tensor, got an int: no `.item()`, no `int(...)`",
}


def differs(out: Any, expected: Any, tolerance: Tolerance) -> str:
    """Words if two outputs are not the same, else ""."""
    return (
        kind_differs(out, expected)
        or form_differs(out, expected, "")
        or value_differs(out, expected, tolerance)
    )


def kind_differs(out: Any, expected: Any) -> str:
    """Words if `out` is not the kind of thing that `expected` is, else ""."""
    kind = type(out)
    if kind is type(None) and expected is not None:
        return GOT[kind]
    if isinstance(expected, Tensor):
        return "" if kind in (Tensor, torch.nn.Parameter) else GOT.get(kind, _expected_tensor(kind))
    if isinstance(expected, tuple):
        return _tuple_differs(out, expected)
    if isinstance(expected, bool):
        return "" if kind is bool else f"expected True or False, got {a(kind)}"
    if isinstance(expected, (int, float)):
        right = _is_number(out, type(expected))
        return "" if right else _expected_number(out, type(expected))
    right = issubclass(kind, type(expected))
    return "" if right else f"expected {a(type(expected))}, got {a(kind)}"


def _is_number(out: Any, expected: type) -> bool:
    """Whether it can stand for a Python number; for a float, a tensor without dimensions can."""
    kind = type(out)
    if kind is Tensor and issubclass(expected, float):
        return out.ndim == 0 and not out.is_complex() and out.dtype != torch.bool
    allowed = (int, float, np.floating) if issubclass(expected, float) else int
    return issubclass(kind, allowed) and kind is not bool


def _expected_number(out: Any, expected: type) -> str:
    words = f"expected {a(expected)}, got {a(type(out))}"
    if not issubclass(type(out), Tensor):
        return words
    if out.ndim == 0:
        return f"{words}: `.item()` makes it a number"
    return f"expected one number, got a tensor of shape {tuple(out.shape)}"


def _expected_tensor(kind: type) -> str:
    cure = ": use `return`, not `yield`" if kind.__name__ == "generator" else ""
    return f"expected a torch.Tensor, got {a(kind)}{cure}"


def a(kind: type) -> str:
    """The name of a type with its article."""
    name = kind.__name__
    return f"{'an' if name[:1].lower() in 'aeio' else 'a'} {name}"


def _tuple_differs(out: Any, expected: tuple) -> str:
    kind, fields = type(out), getattr(expected, "_fields", ())
    asked = f"a tuple of {len(expected)}"
    if fields:
        asked = f"{type(expected).__name__}({', '.join(fields)})"
    if not issubclass(kind, (tuple, list)):
        return f"expected {asked}, got {a(kind)}"
    values = parts(out)
    if len(values) != len(expected):
        return f"expected {asked}, got {len(values)} value{'s' if len(values) != 1 else ''}"
    if fields and getattr(kind, "_fields", ()) != fields:
        return f"expected {asked}, got {a(kind)} without these names"
    return next(filter(None, map(_labelled(kind_differs, expected), values, expected)), "")


def parts(out: Any) -> list[Any]:
    """The values of a tuple or list, past whatever a subclass has made of its methods."""
    base = tuple if issubclass(type(out), tuple) else list
    return [base.__getitem__(out, i) for i in range(base.__len__(out))]


def _labelled(differs: Callable, expected: tuple, *more: Any) -> Callable:
    """The comparison of one value of a tuple, with the value's place or name in its words."""
    places = iter(getattr(expected, "_fields", None) or range(1, len(expected) + 1))

    def differs_here(value: Any, target: Any) -> str:
        place, words = next(places), differs(value, target, *more)
        name = f"value {place}" if isinstance(place, int) else f"`{place}`"
        return words and f"{name} of {len(expected)}: {words}"

    return differs_here


def form_differs(out: Any, expected: Any, returns: str) -> str:
    """Words if shape, dtype, device or layout differ, else ""; the kinds are the same."""
    if isinstance(expected, tuple):
        form = _labelled(form_differs, expected, "")
        return next(filter(None, map(form, parts(out), expected)), "")
    if not isinstance(expected, Tensor):
        return ""
    if out.shape != expected.shape:
        return _shape_differs(tuple(out.shape), tuple(expected.shape), returns)
    if out.dtype != expected.dtype:
        return (f"the result has dtype {_short(out.dtype)}, expected {_short(expected.dtype)}: "
                f"does a constant or a new tensor have a fixed dtype?")
    if out.device != expected.device:
        return f"the result is on {out.device}, expected {expected.device}"
    if out.layout != expected.layout:
        return f"the result is {_short(out.layout)}, expected {_short(expected.layout)}"
    return ""


def _shape_differs(out: tuple, expected: tuple, returns: str) -> str:
    words = f"the shape is {out}, expected {expected}"
    if returns:
        words += f" = {returns}"
    if out == (*expected, 1) or out == (1, *expected):
        words += "; drop the dimension of size 1 (no `keepdim=True`)"
    return words


def _short(kind: torch.dtype | torch.layout) -> str:
    return str(kind).removeprefix("torch.")


def value_differs(out: Any, expected: Any, tolerance: Tolerance) -> str:
    """Words if the values differ by more than the tolerance, else ""; the forms are the same."""
    if isinstance(expected, tuple):
        values = _labelled(value_differs, expected, tolerance)
        return next(filter(None, map(values, parts(out), expected)), "")
    if isinstance(expected, (bool, int)):
        return "" if out == expected else f"yours {out}, expected {expected}"
    if isinstance(expected, float):
        number = torch.tensor(_plain(out), dtype=torch.float64)
        return value_differs(number, torch.tensor(expected, dtype=torch.float64), tolerance)
    if not isinstance(expected, Tensor):
        return ""
    out, expected = out.detach(), expected.detach()
    if not (expected.is_floating_point() or expected.is_complex()):
        tolerance = Tolerance(0, 0)
    close = torch.isclose(out, expected, *tolerance, equal_nan=True)
    return "" if close.all() else _show_difference(out, expected, close)


def _plain(number: float | int | Tensor) -> float:
    """A Python float, past whatever a subclass has made of its methods."""
    if issubclass(type(number), (Tensor, np.floating)):
        return number.item()
    return float.__add__(number, 0.0) if issubclass(type(number), float) else int.__float__(number)


def _show_difference(out: Tensor, expected: Tensor, close: Tensor) -> str:
    if out.is_floating_point() and not out.isfinite().all() and expected.isfinite().all():
        return f"{_both(out, expected, ~out.isfinite())}: the result must be finite here"
    return _both(out, expected, ~close)


def _both(out: Tensor, expected: Tensor, which: Tensor) -> str:
    where = ""
    if out.numel() > FEW:
        index = tuple(which.nonzero()[0].tolist())
        out, expected = out[index], expected[index]
        where = f" at index {index[0] if len(index) == 1 else index}"
    for digits in (4, 8, 17):
        texts = show_numbers(out, digits), show_numbers(expected, digits)
        if texts[0] != texts[1]:
            break
    return f"yours{where} {texts[0]}, expected {texts[1]}"
