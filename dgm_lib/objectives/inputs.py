"""What objectives ask of their arguments, and of the functions they are given."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def per_point(log_prob: Tensor, x: Tensor, name: str) -> Tensor:
    """`log_prob`, once it is known to hold one number per point: a mean would hide a mistake."""
    if log_prob.shape != x.shape[:-1]:
        raise ValueError(
            f"{name} must return one number per point, shape {tuple(x.shape[:-1])} "
            f"for x of shape {tuple(x.shape)}, got {tuple(log_prob.shape)}"
        )
    return log_prob


def at_least_0(name: str, value: float) -> float:
    """The argument `name`, a finite number of at least 0."""
    if not 0 <= value < math.inf:
        raise ValueError(f"{name} must be a number of at least 0, got {value}")
    return value


def slopes(judge, x: Tensor, name: str) -> Tensor:
    """The gradient of each of a judge's answers in the points that it judged, `(answers, d)`.

    It can be differentiated once more, for the judge's parameters; x counts as fixed. A judge of
    packs gives one answer for each m points of x `(*batch, d)`, and its gradient is `(m d,)`.
    """
    x = x.detach().requires_grad_()
    with torch.enable_grad():
        answers = judge(x)
        points = x.shape[:-1].numel()
        if answers.numel() == 0 or points % answers.numel():
            raise ValueError(
                f"{name} must return one number for each point (or pack) of x of shape "
                f"{tuple(x.shape)}, got shape {tuple(answers.shape)}"
            )
        (slope,) = torch.autograd.grad(answers.sum(), x, create_graph=True, materialize_grads=True)
    return slope.reshape(answers.numel(), -1)
