"""Data that a kernel density is tried on, and the story of what it makes of them."""

import functools
from collections.abc import Callable

import torch
from torch import Tensor

from dgm_lib.core import RandomStream
from dgm_lib.exercises.engine.compare import differs, kind_differs
from dgm_lib.exercises.engine.exercise import Tolerance

NEAR = {torch.float32: Tolerance(1e-4, 1e-4), torch.float64: Tolerance(1e-7, 1e-8)}


def data(n: int, d: int, dtype: torch.dtype = torch.float64, shift: int = 0) -> Tensor:
    """A batch of n points that are all different, other ones for each shift."""
    k = torch.arange(n * d, dtype=torch.float64) + 17.0 * shift
    return (1.3 * (k * 1.37 - 1.1).sin() + 0.2).reshape(n, d).to(dtype)


def where(n: int, d: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Points at which densities are asked for."""
    k = torch.arange(n * d, dtype=torch.float64)
    return (1.1 * (k * 2.11 + 0.4).cos() - 0.1).reshape(n, d).to(dtype)


def differ(out: object, expected: Tensor) -> str:
    """Words if an output is not as expected, else ""."""
    return kind_differs(out, expected) or differs(out, expected, NEAR[expected.dtype])


@functools.lru_cache(maxsize=256)
def story(cls: Callable) -> tuple:
    """All that a density does in some calls, in numbers to compare; errors are part of it."""
    told = []
    with RandomStream(7, "cpu"):
        for h, most, d in ((0.5, 20, 2), (0.9, 6, 3), (0.3, 3, 1)):
            try:
                _tell(cls, h, most, d, told)
            except Exception as error:
                told.append(type(error).__name__)
    return tuple(told)


def _tell(cls: Callable, h: float, most: int, d: int, told: list) -> None:
    made, x = cls(h, most), where(4, d)
    far, batch = where(2, d) + 60, data(4, d)
    for step in (batch, data(3, d, shift=2), data(4, d, shift=5)):
        made.step(step)
        told += [_told(made.log_prob(x)), _told(made.log_prob(far))]
    told += [_told(made.sample(2)), _told(made.sample(6))]
    batch.mul_(2)
    told.append(_told(made.log_prob(x)))


def _told(x: object) -> object:
    if not isinstance(x, Tensor):
        return type(x).__name__
    return tuple(x.shape), tuple(round(v, 7) for v in x.flatten().tolist())
