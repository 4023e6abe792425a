"""What objectives ask of their arguments, and of the functions they are given."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from dgm_lib.nets.inputs import between, require_floats


def points(name: str, x: Tensor) -> Tensor:
    """The argument `name`, floating-point points `(*batch, d)`."""
    if not require_floats(x, name).ndim:
        raise ValueError(f"{name} must have shape (*batch, d), got {tuple(x.shape)}")
    return x


def data(name: str, x: Tensor) -> Tensor:
    """The argument `name`, points `(*batch, d)`, or whole numbers in their place, as of pixels."""
    if not isinstance(x, Tensor) or not x.ndim or x.is_complex():
        raise ValueError(f"{name} must be a tensor of real numbers, (*batch, d), got {x!r}")
    return x


def able(name: str, model, *methods: str):
    """The argument `name`, once it is known to have these methods."""
    if isinstance(model, type) or not all(hasattr(model, method) for method in methods):
        raise ValueError(f"{name} must have {' and '.join(methods)}, got {model!r}")
    return model


def function(name: str, value: Callable) -> Callable:
    """The argument `name`, once it is known to be something to call."""
    if not callable(value):
        raise ValueError(f"{name} must be a function, got {value!r}")
    return value


def per_point(log_prob: Tensor, x: Tensor, name: str) -> Tensor:
    """`log_prob`, once it is known to hold one number per point: a mean would hide a mistake."""
    if not isinstance(log_prob, Tensor) or log_prob.shape != x.shape[:-1]:
        got = tuple(log_prob.shape) if isinstance(log_prob, Tensor) else repr(log_prob)
        raise ValueError(
            f"{name} must return one number per point, shape {tuple(x.shape[:-1])} "
            f"for x of shape {tuple(x.shape)}, got {got}"
        )
    return log_prob


def at_least_0(name: str, value: float) -> float:
    """The argument `name`, a finite number of at least 0."""
    return between(name, value, 0, math.inf)


def slopes(judge, x: Tensor, name: str) -> Tensor:
    """The gradient of each of a judge's answers in the points that it judged, `(answers, d)`.

    It can be differentiated once more, for the judge's parameters; x counts as fixed. A judge of
    packs gives one answer for each m points of x `(*batch, d)`, and its gradient is `(m d,)`.
    """
    function(name, judge)
    x = points("x", x).detach().requires_grad_()
    with torch.enable_grad():
        answers, n = judge(x), x.shape[:-1].numel()
        is_tensor = isinstance(answers, Tensor)
        if not is_tensor or answers.numel() == 0 or n % answers.numel():
            got = f"shape {tuple(answers.shape)}" if is_tensor else repr(answers)
            raise ValueError(
                f"{name} must return one number for each point (or pack) of x of shape "
                f"{tuple(x.shape)}, got {got}"
            )
        (slope,) = torch.autograd.grad(answers.sum(), x, create_graph=True, materialize_grads=True)
    return slope.reshape(answers.numel(), -1)
