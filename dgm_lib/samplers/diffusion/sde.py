"""The stochastic differential equations of a path: noising, and back against time by the score."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from torch import Generator, Tensor

from dgm_lib.nets.inputs import require_beside, require_time
from dgm_lib.samplers.diffusion.state import State, checked, draw, nonnegative, walk
from dgm_lib.samplers.fields import Field, Function, Times, falling, monotone, points


def noising(
    path: object, x: Tensor, times: Times, generator: Generator | None = None
) -> Iterator[State]:
    """dx = f dt + g dW from data to noise, without an error: each step is its exact transition.

    x `(*batch, d)` has its law at times[0], which is 0 for data; the states at each of the rising
    `times` have the path's law there, together that of the process.
    """
    x, generator = points("x", x), checked(generator)
    if (times := monotone(times, x))[0] > times[1]:
        raise ValueError(f"times must rise, from data (0) to noise (1), got {times}")

    def move(x: Tensor, t: Tensor, s: Tensor) -> tuple[Tensor, None]:
        scale, sigma = path.transition(t, s)
        return scale * x + sigma * draw(x, generator), None

    return walk(x, times, move)


def reverse_step(
    path: object, x: Tensor, t: Tensor, s: Tensor, score: Tensor, noise: Tensor, eta: float = 1.0
) -> Tensor:
    """One step of Euler and Maruyama for the reverse of dx = f dt + g dW, with h = t - s:

        x_s = x_t - h f + h (1 + eta²)/2 g² score + eta g √h noise.

    eta = 1 is the reverse SDE, eta = 0 the probability-flow ODE: all have the same laws at all
    times. x `(*batch, d)`, t, s `(*batch, 1)`, score and a draw `noise` of N(0, I) like x. Anderson
    (1982); Song et al., "Score-based generative modeling through SDEs" (2021), (6) and (13).
    """
    require_time(x, t), require_beside(x, score, "score"), require_beside(x, noise, "noise")
    h, g = t - s, path.diffusion(t)
    pull = (1 + eta**2) / 2 * g**2 * score
    return x + h * (pull - path.drift(x, t)) + eta * g * h.sqrt() * noise


def reverse_sde(
    score: Function,
    path: object,
    x: Tensor,
    times: Times,
    generator: Generator | None = None,
    eta: float = 1.0,
    step: Callable[..., Tensor] = reverse_step,
) -> Iterator[State]:
    """The reverse SDE by Euler and Maruyama, for paths that preserve variance or let it explode.

    The states at each of the falling `times`, the start first. It errs by O(h) in law, and a step
    must be so short that f and g hardly change: near t = 1 a few long ones explode. The path must
    have drift(x, t) and diffusion(t); `step` is called as `reverse_step`.
    """
    score, x, eta = Field("score", score), points("x", x), nonnegative("eta", eta)
    times, generator = falling(times, x), checked(generator)

    def move(x: Tensor, t: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
        pull = score(x, t)
        moved = step(path, x, t, s, pull, draw(x, generator, eta), eta)
        return moved, tweedie(path, x, t, pull)

    return walk(x, times, move, score)


def tweedie(path: object, x: Tensor, t: Tensor, score: Tensor) -> Tensor:
    """E[x_0 | x_t] = (x_t + sigma² score) / alpha. Robbins (1956)."""
    return (x + path.sigma(t) ** 2 * score) / path.alpha(t)
