"""Annealed Langevin dynamics: walk on the law of one noise level, then on that of a lower one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from torch import Generator, Tensor

from dgm_lib.core import whole
from dgm_lib.nets.inputs import require_beside
from dgm_lib.samplers.diffusion.sde import tweedie
from dgm_lib.samplers.diffusion.state import State, checked, draw, nonnegative
from dgm_lib.samplers.fields import Field, Function, Times, column, falling, free, points


def langevin_step(x: Tensor, score: Tensor, h: float | Tensor, noise: Tensor) -> Tensor:
    """x + h score + √(2h) noise: x `(*batch, d)`, h a number or `(*batch, 1)`, noise ~ N(0, I)."""
    require_beside(x, score, "score"), require_beside(x, noise, "noise")
    h = h if isinstance(h, Tensor) else nonnegative("h", h)
    return x + h * score + (2 * h) ** 0.5 * noise


def annealed_langevin(
    score: Function,
    path: object,
    x: Tensor,
    times: Times,
    n: int = 20,
    step_size: float = 0.1,
    generator: Generator | None = None,
    step: Callable[..., Tensor] = langevin_step,
) -> Iterator[State]:
    """n steps of Langevin's dynamics at each of the falling `times`: the start, then every state.

    The step at noise sigma is h = step_size · sigma²; unadjusted, it widens each level by about
    step_size / 4 of its noise's standard deviation. Meant for paths with alpha = 1, whose laws
    are the data's with noise added. `step` is called as `langevin_step`. Song and Ermon,
    "Generative modeling by estimating gradients of the data distribution" (2019), algorithm 1,
    where the step is x + a/2 score + √a noise, so that a = 2h.
    """
    score, x, n = Field("score", score), points("x", x), whole("n", n)
    times, generator = falling(times, x), checked(generator)
    if nonnegative("step_size", step_size) == 0:
        raise ValueError(f"step_size must be positive, got {step_size}")

    @free
    def move(x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        pull, h = score(x, t), step_size * path.sigma(t) ** 2
        moved = step(x, pull, h, draw(x, generator))
        return moved, tweedie(path, x, t, pull)

    def states(x: Tensor) -> Iterator[State]:
        yield State(x, column(times[0], x))
        for time in times:
            t = column(time, x)
            for _ in range(n):
                x, x0 = move(x, t)
                yield State(x, t, x0, score.calls)

    return states(x)
