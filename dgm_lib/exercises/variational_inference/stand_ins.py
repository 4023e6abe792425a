"""Small laws that stand for log p(x, z) and log q(z) in the cases of this lecture."""

import math
from collections.abc import Callable

import torch
from torch import Tensor


class Named:
    """A function that a report shows by its formula."""

    def __init__(self, name: str, function: Callable) -> None:
        self.name, self.function = name, function

    def __call__(self, z: Tensor) -> Tensor:
        """The function's value."""
        return self.function(z)


class OfData:
    """A function of z that belongs to data x (*batch, 2): each z (…, *batch, d_z) has its own x."""

    def __init__(self, name: str, x: Tensor, function: Callable) -> None:
        self.name, self.x, self.function = name, x, function

    def __call__(self, z: Tensor) -> Tensor:
        """The function's value, (…, *batch)."""
        return self.function(self.x.to(z), z)


def _joint(z: Tensor) -> Tensor:
    return (-0.6 * (z - 0.7) ** 2 + 0.5 * z.sin()).sum(dim=-1) - 1.3


def _q(z: Tensor) -> Tensor:
    return (-0.5 * ((z - 0.2) / 1.3) ** 2 - math.log(1.3 * math.sqrt(2 * math.pi))).sum(dim=-1)


JOINT = Named("Σ(sin(z)/2 − 0.6·(z − 0.7)²) − 1.3", _joint)
TINY_JOINT = Named("Σ(sin(z)/2 − 0.6·(z − 0.7)²) − 1200", lambda z: _joint(z) - 1198.7)
HUGE_JOINT = Named("Σ(sin(z)/2 − 0.6·(z − 0.7)²) + 1200", lambda z: _joint(z) + 1201.3)
Q = Named("log N(z; 0.2, 1.3²)", _q)


def joint_of(x: Tensor) -> OfData:
    """log p(x, z) for these data."""

    def log_joint(x: Tensor, z: Tensor) -> Tensor:
        return -0.7 * ((z.sum(dim=-1, keepdim=True) - x) ** 2).sum(dim=-1) + _joint(z)

    return OfData("log p(x, z) of several x", x, log_joint)


def q_of(x: Tensor) -> OfData:
    """log q(z | x) for these data."""
    return OfData("log q(z | x)", x, lambda x, z: _q(z - 0.3 * x.sum(dim=-1, keepdim=True)))


def laws_and_draws(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    """Cases (log_joint, log_q, z), z (k, *batch, d_z)."""

    def draw(*shape: int) -> Tensor:
        z = torch.randn(shape, generator=generator, dtype=torch.float64)
        return (1.3 * z + 0.2).to(dtype)

    def of_data(k: int, *batch: int, apart: float = 1.0) -> tuple:
        x = apart * draw(*batch, 2)
        return joint_of(x), q_of(x), draw(k, *batch, 3)

    return [
        (JOINT, Q, draw(4, 2, 1)),
        (JOINT, Q, draw(5, 2)),
        (JOINT, Q, draw(4, 3, 2)),
        of_data(6, 5),
        of_data(2, 3, 4),
        of_data(4, 6, apart=40.0),
        (JOINT, Q, draw(1, 6, 3)),
        (JOINT, Q, draw(7, 2, 3, 2)),
        (TINY_JOINT, Q, draw(5, 4, 2)),
        (HUGE_JOINT, Q, draw(5, 4, 3)),
    ]


def of_weights(combine: Callable) -> Callable:
    """An answer that is made of the log weights (k, *batch)."""
    return lambda log_joint, log_q, z: combine(log_joint(z) - log_q(z))


def keeps_the_draws(fn: Callable, generator: torch.Generator) -> bool:
    """Whether the result still has a number for each draw."""
    return fn(JOINT, Q, torch.randn(4, 3, 2, generator=generator)).shape == (4, 3)


def keeps_one_dimension_less(fn: Callable, generator: torch.Generator) -> bool:
    """Whether the last dimension is gone and the draws are still there."""
    return fn(JOINT, Q, torch.randn(4, 3, 2, generator=generator)).shape == (4,)


def keeps_nothing(fn: Callable, generator: torch.Generator) -> bool:
    """Whether one number is left of a batch."""
    return fn(JOINT, Q, torch.randn(4, 3, 2, generator=generator)).shape == ()


def of_logs(combine: Callable) -> Callable:
    """An answer that is made of log p(x, z) and log q(z), both (k, *batch)."""
    return lambda log_joint, log_q, z: combine(log_joint(z), log_q(z))
