"""The arguments of a call: fresh copies of them, traces of changes, and their text."""

import copy
import types
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

READABLE = 12  # numbers that one can take in at a glance


def fresh(value: Any) -> Any:
    """A copy that shares no memory and no random state with the original."""
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, torch.Generator):
        return torch.Generator(value.device).set_state(value.get_state())
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(fresh, value))
    if isinstance(value, (list, tuple)):
        return type(value)(map(fresh, value))
    return copy.deepcopy(value)


def to_device(value: Any, device: str) -> Any:
    """The argument with its tensors moved."""
    if isinstance(value, Tensor):
        return value.to(device)
    if type(value) in (list, tuple):
        return type(value)(to_device(part, device) for part in value)
    return value


def tensors(value: Any) -> list[Tensor]:
    """All tensors in an argument or output, whatever its class says of itself."""
    if issubclass(type(value), Tensor):
        return [value]
    return [t for part in value for t in tensors(part)] if type(value) in (list, tuple) else []


def size(args: Sequence[Any]) -> int:
    """How many numbers the arguments hold."""
    return sum(tensor.numel() for tensor in tensors(list(args)))


def changed(args: Sequence[Any], originals: Sequence[Any]) -> list[int]:
    """Positions of the arguments in which a tensor was written to."""
    return [
        position
        for position, (now, before) in enumerate(zip(args, originals))
        if any(map(_was_written, tensors(now), tensors(before)))
        or len(tensors(now)) != len(tensors(before))
    ]


def _was_written(now: Tensor, before: Tensor) -> bool:
    # The counter misses writes through numpy or .data; the values miss `x += 0`.
    same = now.shape == before.shape and now.dtype == before.dtype
    return now._version > 0 or not same or not torch.allclose(now, before, 0, 0, equal_nan=True)


def show_inputs(names: Sequence[str], args: Sequence[Any]) -> str:
    """The arguments as "mu = [0.5, 1.2], n = 5": values where they are few, else shapes."""
    readable = size(args) <= READABLE
    parts = [f"{n} = {show_input(a, readable)}" for n, a in zip(names, args) if _is_worth_it(a)]
    return ", ".join(parts)


def _is_worth_it(value: Any) -> bool:
    return not isinstance(value, torch.Generator)


def show_input(value: Any, readable: bool = True) -> str:
    """One argument, short."""
    if isinstance(value, Tensor):
        text = show_numbers(value) if readable else f"a tensor of shape {tuple(value.shape)}"
        return text if value.numel() else f"an empty tensor of shape {tuple(value.shape)}"
    if isinstance(value, (bool, int, float, str)) or value is None:
        return f"{value:.6g}" if isinstance(value, float) else repr(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(show_input(part, readable) for part in value) + "]"
    if isinstance(value, (types.FunctionType, types.BuiltinFunctionType)):
        return "a function"
    return getattr(value, "name", None) or type(value).__name__


def show_numbers(value: Tensor, digits: int = 4) -> str:
    """A small tensor as nested lists with a few digits."""
    if value.dim():
        return "[" + ", ".join(show_numbers(row, digits) for row in value) + "]"
    number = value.item()
    return f"{number:.{digits}g}" if isinstance(number, float) else str(number)
