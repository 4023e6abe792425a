"""Objectives of a score s(x), a function `(*batch, d) -> (*batch, d)` that should be ∇ log p.

All are, up to a constant, Fisher's divergence ½ E‖s(x) - ∇ log p(x)‖², and ask for less and less:
the true score, second derivatives of the model, a product with them, or nothing but noise. A score
is a network or the `score` method of a model, `lambda model, x: implicit(model.score, x)`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from dgm_lib.core import whole
from dgm_lib.nets.inputs import between, drawing_device
from dgm_lib.objectives.inputs import function, points

Function = Callable[[Tensor], Tensor]


def explicit_score(score: Function, x: Tensor, target_score: Function) -> Tensor:
    """½ mean ‖s(x) - ∇ log p(x)‖², half of Fisher's divergence, where p's score is known."""
    error = _answer("score", score, x) - _answer("target_score", target_score, x)
    return error.square().sum(dim=-1).mean() / 2


def implicit_score(score: Function, x: Tensor) -> Tensor:
    """mean ½‖s(x)‖² + tr ∇s(x): the explicit objective less ½ E‖∇ log p‖², from data alone.

    The trace takes d backward passes. It is found for each point by itself, so that s must not
    mix the points of a batch. Hyvärinen (2005).
    """
    s, at = _differentiable(score, x)
    axes = torch.eye(x.shape[-1], dtype=x.dtype, device=x.device)
    trace = sum(_curvature(s, at, axis.expand_as(x)) for axis in axes)
    return (s.square().sum(dim=-1) / 2 + trace).mean()


def sliced_score(
    score: Function, x: Tensor, projections: int = 1, generator: torch.Generator | None = None
) -> Tensor:
    """mean ½‖s(x)‖² + vᵀ ∇s(x) v for random signs v: an unbiased estimate of the implicit one.

    One backward pass for each of the projections, whatever d is: E[v vᵀ] = I makes the trace of
    the product. Song, Garg, Shi & Ermon, "Sliced score matching" (2019); Hutchinson (1989).
    """
    s, at = _differentiable(score, x)
    trace = 0.0
    for _ in range(whole("projections", projections)):
        trace = trace + _curvature(s, at, _signs(x, generator)) / projections
    return (s.square().sum(dim=-1) / 2 + trace).mean()


def denoising_score(
    score: Function, x: Tensor, sigma: float, generator: torch.Generator | None = None
) -> Tensor:
    """½ mean ‖s(x + sigma ε) + ε / sigma‖², one ε ~ N(0, I) for each datum.

    Up to a constant the explicit objective for the law of x + sigma ε, the data's law smoothed,
    whose score is at the optimum. Vincent (2011).
    """
    x = points("x", x)
    if not between("sigma", sigma, 0, math.inf):
        raise ValueError(f"sigma must be positive, got {sigma!r}")
    device = drawing_device(generator, x.device)
    eps = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=device).to(x.device)
    error = _answer("score", score, x + sigma * eps) + eps / sigma
    return error.square().sum(dim=-1).mean() / 2


def _differentiable(score: Function, x: Tensor) -> tuple[Tensor, Tensor]:
    """s(x), and the points it is to be differentiated by."""
    at = points("x", x).detach().requires_grad_()
    with torch.enable_grad():
        return _answer("score", score, at), at


def _curvature(s: Tensor, at: Tensor, v: Tensor) -> Tensor:
    """vᵀ ∇s v at each point, `(*batch,)`, which can be differentiated again."""
    if not s.requires_grad:  # a score that is constant in x, and has no parameters
        return torch.zeros_like(s[..., 0])
    (pulled,) = torch.autograd.grad(s, at, v, create_graph=True, materialize_grads=True)
    return (pulled * v).sum(dim=-1)


def _signs(x: Tensor, generator: torch.Generator | None) -> Tensor:
    """+1 or -1 with equal probability, `(*batch, d)`."""
    device = drawing_device(generator, x.device)
    bits = torch.randint(0, 2, x.shape, generator=generator, device=device)
    return (2 * bits - 1).to(x)


def _answer(name: str, score: Function, x: Tensor) -> Tensor:
    """score(x), which must have the shape of x."""
    s = function(name, score)(points("x", x))
    if not isinstance(s, Tensor) or s.shape != x.shape:
        got = tuple(s.shape) if isinstance(s, Tensor) else repr(s)
        raise ValueError(f"{name} must return the shape of x, {tuple(x.shape)}, got {got}")
    return s
