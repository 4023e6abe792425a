"""What a run asks of its arguments: each comes back as what it must be, or is named."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable
from numbers import Integral, Real

import torch
from torch import Tensor, nn
from torch.distributed import ProcessGroup


def whole(name: str, value: object) -> int:
    """A whole number."""
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise ValueError(f"{name} must be an integer, got {value!r}")
    return int(value)


def count(name: str, value: object) -> int:
    """A whole number above 0."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} must be a positive integer, got {value!r}")
    return int(value)


def positive(name: str, value: object, below: float = math.inf) -> float:
    """A number above 0 and below a bound."""
    if not isinstance(value, Real) or isinstance(value, bool) or not 0 < value < below:
        bound = "finite" if below == math.inf else f"below {below:g}"
        raise ValueError(f"{name} must be a number, positive and {bound}, got {value!r}")
    return float(value)


def function(name: str, value: object) -> Callable:
    """Something to call."""
    if not callable(value):
        raise ValueError(f"{name} must be a function, got {_kind(value)}")
    return value


def iterable(batches: object) -> Iterable:
    """Something to take batches from, one after another."""
    if isinstance(batches, Tensor) or not isinstance(batches, Iterable):
        raise ValueError(
            f"batches must be an iterable of batches, got {_kind(batches)}: "
            f"wrap data as epochs(x, size), a density as draws(p, size)"
        )
    return batches


def trainable(model: object) -> list[nn.Parameter]:
    """The parameters of the model that are there to be trained."""
    if not isinstance(model, nn.Module):
        raise ValueError(f"model must be a torch module, got {_kind(model)}")
    parameters = [p for p in model.parameters() if p.requires_grad]
    if not parameters:
        raise ValueError("model must have parameters that require a gradient, got none")
    return parameters


def optimizer_of(make: object, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    """The optimiser that `make` makes of the parameters, once it is known to step by itself."""
    made = make(parameters) if callable(make) else None
    if not isinstance(made, torch.optim.Optimizer):
        got = f"one that returns {_kind(made)}" if callable(make) else _kind(make)
        raise ValueError(
            f"optimizer must be a function from parameters to an optimiser, such as "
            f"torch.optim.SGD, got {got}"
        )
    try:
        inspect.signature(made.step).bind()
    except TypeError:
        raise ValueError(
            f"optimizer must make a step from one gradient, but {type(made).__name__} needs a "
            f"closure to compute more"
        ) from None
    return made


def precision(value: object) -> torch.dtype | None:
    """A dtype for autocast, or none."""
    if value not in (None, torch.bfloat16, torch.float16):
        raise ValueError(f"precision must be torch.bfloat16, torch.float16 or None, got {value!r}")
    return value


def group(value: object) -> ProcessGroup | None:
    """Processes that this one belongs to, or none."""
    if value is not None and not isinstance(value, ProcessGroup):
        raise ValueError(
            f"group must be a process group of torch.distributed, such as processes() gives, "
            f"or None, got {_kind(value)}"
        )
    return value


def _kind(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__}"
