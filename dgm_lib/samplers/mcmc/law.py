"""The law that a kernel leaves invariant: an unnormalised log-density, checked at every use."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from dgm_lib.core import tensor

Function = Callable[[Tensor], Tensor]


class Law:
    """p(x) known by log p(x) + const, and by its score: the one given, or autograd's."""

    def __init__(self, log_prob: Function, score: Function | None = None) -> None:
        self._log_prob = function("log_prob", log_prob)
        self._score = None if score is None else function("score", score)

    def start(self, x: object) -> Tensor:
        """Points `(*chains, d)` to start from, as a private copy; p must be positive there."""
        x = tensor("x", x)
        if not x.is_floating_point():
            raise ValueError(f"x must hold floating-point numbers, got {x.dtype}")
        if x.ndim == 0 or x.shape[-1] == 0:
            raise ValueError(f"x must have shape (*chains, d), got {tuple(x.shape)}")
        if not x.isfinite().all():
            raise ValueError("x must be finite everywhere, got NaN or infinite values")
        return x.detach().clone()

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x), `(*chains, d) -> (*chains,)`: below +inf, and -inf where x has diverged."""
        log_p = evaluate("log_prob", self._log_prob, x)
        return log_p if _all_finite(x.square(), log_p) else _judged(x, log_p)

    def with_score(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """log p(x) as above, and the score `(*chains, d)`, which is finite wherever log p(x) is."""
        return self.judged(x, *self.gradient(x))

    def gradient(self, x: Tensor) -> tuple[Tensor | None, Tensor]:
        """The score at x as it comes, after log p(x) if that was found on the way.

        Along a path nothing is judged: what goes wrong there shows at its end.
        """
        if self._score is not None:
            return None, evaluate("score", self._score, x)
        with torch.inference_mode(False), torch.enable_grad():
            at = x.clone().requires_grad_()
            log_p = evaluate("log_prob", self._log_prob, at)
            if not log_p.requires_grad:
                raise ValueError("log_prob must be differentiable in x, or come with a score")
            (score,) = torch.autograd.grad(log_p, at, torch.ones_like(log_p))
        return log_p.detach(), score

    def judged(self, x: Tensor, log_p: Tensor | None, score: Tensor) -> tuple[Tensor, Tensor]:
        """log p(x) and the score, once what `gradient` found has been checked."""
        if log_p is None:
            log_p = evaluate("log_prob", self._log_prob, x)
        if not _all_finite(x.square(), log_p, score):
            log_p = _judged(x, log_p)
            wrong = log_p.isfinite() & ~score.isfinite().all(dim=-1)
            _refuse("score must be finite where log_prob is", x, score, wrong)
        return log_p, score


def evaluate(name: str, function: Function, x: Tensor) -> Tensor:
    """function(x), checked to have one number per point, or for a score one vector per point."""
    before = _version(x)
    try:
        value = function(x)
    except Exception as error:
        if (lost := _diverged(x)).any():  # such points shall be rejected, not end the run
            return _but_for(lost, name, function, x)
        error.add_note(f"{name} was called with x of shape {tuple(x.shape)}")
        raise
    shape = x.shape if name == "score" else x.shape[:-1]
    if not isinstance(value, Tensor) or value.shape != shape:
        got = tuple(value.shape) if isinstance(value, Tensor) else repr(value)
        raise ValueError(
            f"{name} must return a tensor of shape {tuple(shape)} "
            f"for x of shape {tuple(x.shape)}, got {got}"
        )
    if value.is_complex():
        raise ValueError(f"{name} must return real numbers, got {value.dtype}")
    if _version(x) != before:
        raise ValueError(f"{name} must not change x in place")
    return value.to(x.dtype)


def _but_for(lost: Tensor, name: str, function: Function, x: Tensor) -> Tensor:
    """function(x) with a sound point in the place of those that are lost, which do not count."""
    if lost.all():
        nothing = x * math.nan
        return nothing if name == "score" else nothing.sum(dim=-1)
    # Detached, for the sound point's own score must not hear of it.
    return evaluate(name, function, torch.where(lost[..., None], x[~lost][0].detach(), x))


def _version(x: Tensor) -> int:
    """How often x has been changed in place."""
    return 0 if x.is_inference() else x._version


def function(name: str, value: object) -> Callable:
    """The argument `name`, something to call."""
    if not callable(value):
        raise ValueError(f"{name} must be a function, got {value!r}")
    return value


def _all_finite(*values: Tensor) -> bool:
    """Whether nothing can be wrong, seen in one glance: the usual case."""
    return math.isfinite(sum(value.sum() for value in values))


def _judged(x: Tensor, log_p: Tensor) -> Tensor:
    diverged = _diverged(x)
    wrong = (log_p.isnan() | (log_p == math.inf)) & ~diverged
    _refuse("log_prob must be a number or -inf", x, log_p, wrong)
    return log_p.masked_fill(diverged, -math.inf)


def _diverged(x: Tensor) -> Tensor:
    """Which points are not finite, or so large that their squares are not."""
    return ~x.square().sum(dim=-1).isfinite()


def _refuse(rule: str, x: Tensor, values: Tensor, wrong: Tensor) -> None:
    if wrong.any():
        point, value = x[wrong][0].tolist(), values[wrong][0].tolist()
        count = f"{int(wrong.sum())} of {wrong.numel()} points"
        raise ValueError(f"{rule}, got {value} at x = {point} ({count})")
