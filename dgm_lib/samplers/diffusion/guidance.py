"""Guidance: combine functions of (x, t) into one that any of the samplers takes.

The weight w is 0 for no condition and 1 for the condition as it is; above 1 it is exaggerated.
With exact functions w = 1 gives the conditional law. Other w do not give p(x) p(y | x)^w at t = 0:
noise and the power do not commute.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from dgm_lib.nets.inputs import network
from dgm_lib.samplers.fields import Field, Function


def gradient(log_prob: Function) -> Function:
    """The gradient in x, `(*batch, d)`, of a function (x, t) -> `(*batch,)`, by autograd.

    >>> g = gradient(lambda x, t: -x.square().sum(-1) / 2)
    >>> g(torch.tensor([[1.0, 2.0]]), torch.zeros(1, 1))
    tensor([[-1., -2.]])
    """
    log_prob = network("log_prob", log_prob)

    def differentiated(x: Tensor, t: Tensor) -> Tensor:
        with torch.inference_mode(False), torch.enable_grad():
            at = x.detach().clone().requires_grad_()
            value = log_prob(at, t)
            if not isinstance(value, Tensor) or value.shape != x.shape[:-1]:
                got = tuple(value.shape) if isinstance(value, Tensor) else repr(value)
                raise ValueError(
                    f"log_prob must return one number per point, {tuple(x.shape[:-1])}, got {got}"
                )
            if not value.requires_grad:
                raise ValueError("log_prob must be differentiable in x")
            (found,) = torch.autograd.grad(value.sum(), at, materialize_grads=True)
        return found

    return differentiated


def classifier_guided(score: Function, guide: Function, w: float | Tensor) -> Function:
    """The score s(x, t) + w ∇ log p(y | x_t): with w = 1 and exact parts, that of p(x_t | y).

    `guide(x, t)` is ∇ log p(y | x_t) for the wanted y, `(*batch, d)`, of a classifier that knows
    noised points; `gradient` makes it of log p(y | x_t). w is a number or `(*batch, 1)`. Dhariwal
    and Nichol, "Diffusion models beat GANs on image synthesis" (2021).
    """
    score, guide, w = Field("score", score), Field("guide", guide), _weight(w)
    return lambda x, t: score(x, t) + w * guide(x, t)


def classifier_guided_eps(
    eps: Function, guide: Function, path: object, w: float | Tensor
) -> Function:
    """The same for ε = -sigma score, as `ddim` wants it: ε(x, t) - w sigma(t) ∇ log p(y | x_t)."""
    eps, guide, w = Field("eps", eps), Field("guide", guide), _weight(w)
    return lambda x, t: eps(x, t) - w * path.sigma(t) * guide(x, t)


def classifier_free(conditional: Function, unconditional: Function, w: float | Tensor) -> Function:
    """ε_u + w (ε_c - ε_u), and so for scores, guesses of x_0 and velocities, all linear in ε.

    w = 0 is the unconditional one, w = 1 the conditional one. (Ho and Salimans write
    (1 + w') ε_c - w' ε_u: their w' is w - 1.) Each evaluation takes one of both. Ho and Salimans,
    "Classifier-free diffusion guidance" (2022).

    >>> eps = classifier_free(lambda x, t: x + 1, lambda x, t: x, w=3.0)
    >>> eps(torch.zeros(1, 1), torch.zeros(1, 1))
    tensor([[3.]])
    """
    conditional, w = Field("conditional", conditional), _weight(w)
    unconditional = Field("unconditional", unconditional)

    def combined(x: Tensor, t: Tensor) -> Tensor:
        free = unconditional(x, t)
        return free + w * (conditional(x, t) - free)

    return combined


def _weight(w: object) -> float | Tensor:
    if isinstance(w, bool) or not isinstance(w, (int, float, Tensor)):
        raise ValueError(f"w must be a number or a tensor (*batch, 1), got {w!r}")
    if not (w.isfinite().all() if isinstance(w, Tensor) else math.isfinite(w)):
        raise ValueError(f"w must be finite, got {w!r}")
    return w
