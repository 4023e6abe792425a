"""Starts and steps that persistent chains are tried on, and the story of what they do with them."""

import functools
from collections.abc import Callable

import torch
from torch import Tensor

from dgm_lib.exercises.engine.compare import differs
from dgm_lib.exercises.engine.exercise import TOLERANCES


class Step:
    """A step that bends each point, and notes what it was given.

    strength: a number, or a parameter that the new points then hang on.
    seen: copies of the points. graphs: whether they hung on a graph.
    """

    def __init__(self, strength: float | Tensor) -> None:
        self.strength, self.seen, self.graphs = strength, [], []

    def __call__(self, x: Tensor) -> Tensor:
        """x (n, d) -> (n, d); anything but (n, d) is taken too, and noted."""
        self.seen.append(x.detach().clone())
        self.graphs.append(x.grad_fn is not None)
        return 0.6 * x + self.strength * (2 * x + 0.5).sin() + 0.3


def steps() -> list[Step]:
    """Steps of four strengths, as a model that learns would make them."""
    return [Step(strength) for strength in (0.4, 0.9, -0.5, 0.7)]


def example(n: int, d: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Where n chains start, all of them at different points."""
    return (torch.arange(n * d, dtype=torch.float64) * 1.37 - 1.1).sin().reshape(n, d).to(dtype)


def differ(out: Tensor, expected: Tensor) -> str:
    """Words if two sets of chains are not the same, else ""."""
    return differs(out, expected, TOLERANCES[expected.dtype])


def same(x: Tensor, y: Tensor) -> bool:
    """Whether two tensors agree in form and values."""
    return not differ(x, y)


@functools.lru_cache(maxsize=256)
def story(cls: Callable) -> tuple:
    """All that chains do in some calls, in numbers that can be compared; errors are part of it."""
    told = []
    try:
        _tell(cls, told)
    except Exception as error:
        told.append(type(error).__name__)
    return tuple(told)


def _tell(cls: Callable, told: list) -> None:
    theta = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    x0 = example(4, 2)
    chains, other = cls(x0), cls(example(3, 2) + 1)
    kept = []
    for strength, k in ((0.4, 2), (0.9, 1), (theta, 3), (-0.5, 2)):
        for some in (chains, other):
            step = Step(strength)
            out = some.advance(step, k)
            told += [len(step.seen), *step.graphs]
            told += [_told(x) for x in step.seen]
            told.append(_told(out))
            kept.append(out)
    told += [_told(x) for x in (x0, *kept) if isinstance(x, Tensor)]
    x0.zero_()
    told.append(_told(chains.advance(Step(0.4))))


def _told(x: object) -> object:
    """A tensor's values, short of rounding, and whether it hangs on a graph."""
    if not isinstance(x, Tensor):
        return type(x).__name__
    return (
        x.requires_grad,
        x.grad_fn is None,
        tuple(x.shape),
        tuple(round(v, 7) for v in x.flatten().tolist()),
    )
