"""Exercises to try the engine on: a function, a randomised one, a class."""

from typing import NamedTuple

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Fail, Mistake
from dgm_lib.exercises.engine.exercise import REGISTER


def squash(x: Tensor, sigma: Tensor) -> Tensor:
    """Sum over d of x² / sigma, (batch, d) -> (batch,)."""
    return (x**2 / sigma).sum(dim=-1)


def _squash_cases(generator, dtype):
    def draw(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)

    return [(draw(*shape), draw(*shape).exp()) for shape in [(6, 3), (1, 2), (4, 1)]]


def _even(fn, generator):
    """even in x"""
    x, sigma = torch.randn(5, 2, generator=generator), torch.ones(5, 2)
    if not torch.equal(fn(x, sigma), fn(-x, sigma)):
        raise Fail("your function must give the same for x and -x")


SQUASH = Exercise(
    squash,
    name="toy.squash",
    title="A toy",
    minutes=5,
    difficulty=1,
    returns="(batch,)",
    cases=_squash_cases,
    properties=[_even],
    grad_wrt=("x", "sigma"),
    mistakes=[
        Mistake("mean", lambda x, s: squash(x, s).mean(), "you average over the batch"),
        Mistake("times", lambda x, s: (x**2 * s).sum(-1), "divide by sigma"),
        Mistake("mean d", lambda x, s: (x**2 / s).mean(-1), "sum over d, do not average"),
        Mistake("detached", lambda x, s: squash(x.detach(), s), "you detach x"),
        Mistake("no sum", lambda x, s: x**2 / s, "the sum over d is missing"),
        Mistake("written", lambda x, s: squash(x.mul_(1), s), "you write into x"),
        Mistake("seeded", lambda x, s: torch.manual_seed(0) and squash(x, s), "do not seed"),
    ],
    hints=["square x", "divide"],
)


class Mean(NamedTuple):
    """A mean and its error."""

    value: float
    stderr: float


def mean_of(sampler, n: int, generator: torch.Generator) -> Mean:
    """Monte Carlo."""
    x = sampler(n, generator)
    return Mean(x.mean().item(), (x.std() / n**0.5).item())


def _sample(n, generator):
    return 3 + torch.randn(n, generator=generator)


def _within_error(out, expected, args):
    far = abs(out.value - expected.value) > 6 * expected.stderr
    if far or not 0.5 < out.stderr / expected.stderr < 2:
        return f"yours {out.value:.2f} ± {out.stderr:.2f}, expected about 3.00 ± 0.05"
    return None


def _zero_error(fn, generator):
    return fn(_sample, 400, generator).stderr == 0


def _reversed(sampler, n, generator):
    x = torch.cat([sampler(n // 2, generator), sampler(n // 2, generator)])
    return Mean(float(x.mean()), float((x.var() / n).sqrt()))


MEAN_OF = Exercise(
    mean_of,
    name="toy.mean_of",
    title="A random toy",
    minutes=5,
    difficulty=2,
    cases=lambda _, dtype: [(_sample, n, torch.Generator().manual_seed(n)) for n in (400, 800)],
    compare=_within_error,
    mistakes=[
        Mistake("std", lambda s, n, g: Mean(3.0, s(n, g).std().item()), "divide by the root of n"),
        Mistake("sum", lambda s, n, g: Mean(3.0 * n, 0.05), "you forgot to divide the sum by n"),
        Mistake("none", lambda s, n, g: Mean(3.0, 0.0), "your error is 0", _zero_error),
        Mistake("no names", lambda s, n, g: (3.0, 0.05), "return a Mean, with its names"),
        Mistake(
            "global",
            lambda s, n, g: mean_of(s, n, torch.default_generator),
            "hand the generator on",
        ),
    ],
    accepts=[_reversed],
)


class Shift:
    """y = x + t."""

    def __init__(self, t: Tensor) -> None:
        self.t = t

    def forward(self, x: Tensor) -> Tensor:
        """x -> y."""
        return x + self.t

    def inverse(self, y: Tensor) -> Tensor:
        """y -> x."""
        return y - self.t


def _goes_back(cls, generator):
    """inverse undoes forward"""
    x, t = torch.randn(2, 5, generator=generator)
    if not torch.allclose(cls(t).inverse(cls(t).forward(x)), x):
        raise Fail("inverse(forward(x)) is not x")


SHIFT = Exercise(
    Shift, name="toy.shift", title="A class", minutes=5, difficulty=3, properties=[_goes_back]
)
TOYS = [SQUASH, MEAN_OF, SHIFT]
for _toy in TOYS:
    del REGISTER[_toy.name]
