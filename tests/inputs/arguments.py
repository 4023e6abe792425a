"""Kinds of arguments: each makes a good value, and knows what may be passed by mistake instead.

A mistake comes with what a function may do about it besides refusing: nothing (`REFUSE`), say that
it is lost (`LOST`, `EMPTY`), stay on the device (`META`), or answer as for a good value (`Same`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from hypothesis import strategies as st
from torch import Tensor

from dgm_lib import core
from tests.inputs.spoilt import (
    EMPTY,
    FLOATS,
    FOREIGN,
    META,
    NOTHING,
    REFUSE,
    Same,
    Spoilt,
    other_numbers,
    other_types,
    with_,
)


class Argument:
    """A kind of argument. `optional` is one that may be None."""

    optional = False

    def good(self, rng: torch.Generator, n: int) -> object:
        """A value as it should be; n is the number of points of those that come in pairs."""
        raise NotImplementedError

    def mistakes(self, good: object) -> st.SearchStrategy[Spoilt]:
        """What may be passed instead of this good value."""
        return st.sampled_from(FOREIGN + [NOTHING] * (not self.optional))


@dataclass(frozen=True)
class Points(Argument):
    """Points `(n, d)`; `tied` to others in n, of a d that is known (`fixed`) to the function."""

    d: int = 2
    tied: bool = False
    fixed: bool = True
    optional: bool = False
    make: Callable[[Tensor], Tensor] = lambda x: x

    def good(self, rng: torch.Generator, n: int) -> Tensor:
        return self.make(torch.randn(n, self.d, generator=rng))

    def mistakes(self, good: Tensor) -> st.SearchStrategy[Spoilt]:
        return st.one_of(
            super().mistakes(good),
            st.sampled_from(self._shapes(good)),
            st.sampled_from(other_types(good)),
            other_numbers(good),
        )

    def _shapes(self, x: Tensor) -> list[Spoilt]:
        shapes = [
            Spoilt("a rank more", x[None], Same(x)),
            Spoilt("a number", x.flatten()[0], REFUSE if self.fixed else Same(x.flatten()[:1])),
            Spoilt("no points", x[:0], EMPTY),
            Spoilt("on meta", x.to("meta"), META),
        ]
        if self.fixed:
            more, flat = torch.cat([x, x[:, :1]], dim=1), x.flatten()
            shapes += [Spoilt("a column more", more), Spoilt("flat", flat)]
            if self.d > 1:
                shapes += [Spoilt("no columns", x[:, :0]), Spoilt("transposed", x.mT)]
        if self.tied:
            shapes += [
                Spoilt("a point less", x[:-1]),
                Spoilt("a point more", torch.cat([x, x])[:-1]),
            ]
        return shapes


@dataclass(frozen=True)
class Times(Points):
    """Times `(n, 1)` within (0, 1), of which one may stand for all."""

    d: int = 1
    tied: bool = True
    make: Callable[[Tensor], Tensor] = lambda x: 0.1 + 0.8 * x.sigmoid()

    def mistakes(self, good: Tensor) -> st.SearchStrategy[Spoilt]:
        outside = FLOATS.filter(lambda t: not -1e-4 <= t <= 1 + 1e-4)
        late = outside.map(lambda t: Spoilt("outside", with_(good, 0, t)))
        return st.one_of(super().mistakes(good), late)


@dataclass(frozen=True)
class Line(Points):
    """Numbers `(n,)` in a row."""

    make: Callable[[Tensor], Tensor] = lambda x: x

    def good(self, rng: torch.Generator, n: int) -> Tensor:
        return self.make(torch.randn(n, generator=rng))

    def _shapes(self, x: Tensor) -> list[Spoilt]:
        shapes = [
            Spoilt("a rank more", x[None]),
            Spoilt("a column", x[:, None]),
            Spoilt("a number", x[0]),
            Spoilt("no numbers", x[:0]),
            Spoilt("on meta", x.to("meta"), META),
        ]
        return shapes + [Spoilt("one less", x[:-1])] * self.tied


@dataclass(frozen=True)
class Labels(Argument):
    """Classes `(n,)` from 0 to k - 1."""

    k: int = 3
    optional: bool = False
    tied: bool = True

    def good(self, rng: torch.Generator, n: int) -> Tensor:
        return torch.randint(self.k, (n,), generator=rng)

    def mistakes(self, good: Tensor) -> st.SearchStrategy[Spoilt]:
        wrong = [
            Spoilt("too large", with_(good, 0, self.k + 1)),
            Spoilt("negative", with_(good, 0, -1)),
            Spoilt("floating", good + 0.5),
            Spoilt("NaN", good * math.nan),
            Spoilt("complex", good + 1j),
            Spoilt("a rank more", good[:, None]),
            Spoilt("one-hot", torch.nn.functional.one_hot(good, self.k)),
            Spoilt("float64", good.double(), Same(good)),
            Spoilt("int32", good.int(), Same(good)),
            Spoilt("array", good.numpy(), Same(good)),
            Spoilt("list", good.tolist(), Same(good)),
        ]
        wrong += [Spoilt("one less", good[:-1]), Spoilt("none", good[:0])] * self.tied
        return st.one_of(super().mistakes(good), st.sampled_from(wrong))


@dataclass(frozen=True)
class Number(Argument):
    """A number between two bounds, exclusively unless `closed`."""

    value: float = 0.5
    low: float = 0.0
    high: float = math.inf
    closed: bool = False
    optional: bool = False

    def good(self, rng: torch.Generator, n: int) -> float:
        return self.value

    def mistakes(self, good: float) -> st.SearchStrategy[Spoilt]:
        outside = st.floats(allow_infinity=True).filter(lambda v: not self._within(v))
        others = [
            Spoilt("complex", 1j),
            Spoilt("text", str(good)),
            Spoilt("two numbers", [good, good]),
            Spoilt("torch's", torch.tensor(good), Same(good)),
            Spoilt("numpy's", np.float64(good), Same(good)),
            Spoilt("bool", True, Same(1.0)),
        ]
        return st.one_of(
            super().mistakes(good),
            st.sampled_from(others),
            outside.map(lambda v: Spoilt("outside", v)),
        )

    def _within(self, v: float) -> bool:
        at_end = self.closed and v in (self.low, self.high)
        return (self.low < v < self.high or at_end) and not math.isinf(v)


@dataclass(frozen=True)
class Whole(Argument):
    """A whole number of at least `low`; `unlimited` where one may wait for as many as that."""

    value: int = 3
    low: int = 1
    unlimited: bool = False
    optional: bool = False

    def good(self, rng: torch.Generator, n: int) -> int:
        return self.value

    def mistakes(self, good: int) -> st.SearchStrategy[Spoilt]:
        few = st.integers(max_value=self.low - 1).map(lambda v: Spoilt("too few", v))
        broken = st.floats().filter(lambda v: not v.is_integer())
        others = [
            Spoilt("text", str(good)),
            Spoilt("three numbers", [good] * 3),
            Spoilt("floating", float(good), Same(good)),
            Spoilt("torch's", torch.tensor(good), Same(good)),
            Spoilt("numpy's", np.int32(good), Same(good)),
        ]
        others += [Spoilt("huge", 10**30)] * (not self.unlimited)
        others += [Spoilt("bool", True, Same(1))] * (self.low <= 1)
        return st.one_of(
            super().mistakes(good),
            st.sampled_from(others),
            few,
            broken.map(lambda v: Spoilt("broken", v)),
        )


@dataclass(frozen=True)
class Function(Argument):
    """A function, a law or a model that is handed over; `same_shape` if its answers are judged."""

    value: object
    judged: bool = False
    optional: bool = False

    def good(self, rng: torch.Generator, n: int) -> object:
        return self.value

    def mistakes(self, good: object) -> st.SearchStrategy[Spoilt]:
        wrong = [Spoilt("a number", 3.0), Spoilt("a tensor", torch.zeros(3))]
        if self.judged:
            wrong += [
                Spoilt("returns None", lambda *x, **y: None),
                Spoilt("returns text", lambda *x, **y: "text"),
                Spoilt("returns one number", lambda *x, **y: good(*x, **y).sum()),
                Spoilt(
                    "returns an axis more", lambda *x, **y: good(*x, **y)[..., None], Same(good)
                ),
                Spoilt("returns a point less", lambda *x, **y: good(*x, **y)[1:]),
            ]
        return st.one_of(super().mistakes(good), st.sampled_from(wrong))


class Rng(Argument):
    """A torch.Generator, or None for torch's global one."""

    optional = True

    def good(self, rng: torch.Generator, n: int) -> torch.Generator:
        return core.generator(0)

    def mistakes(self, good: object) -> st.SearchStrategy[Spoilt]:
        others = [Spoilt("a seed", 3), Spoilt("numpy's", np.random.default_rng(0))]
        return st.one_of(super().mistakes(good), st.sampled_from(others))


@dataclass(frozen=True)
class Shape(Argument):
    """The shape of a sample."""

    value: tuple[int, ...] = (3, 2)
    optional: bool = False

    def good(self, rng: torch.Generator, n: int) -> tuple[int, ...]:
        return self.value

    def mistakes(self, good: tuple[int, ...]) -> st.SearchStrategy[Spoilt]:
        others = [
            Spoilt("negative", (3, -2)),
            Spoilt("broken", (2.5,)),
            Spoilt("NaN", math.nan),
            Spoilt("of text", ("3",)),
            Spoilt("of None", (None,)),
            Spoilt("list", list(good), Same(good)),
            Spoilt("torch.Size", torch.Size(good), Same(good)),
            Spoilt("numpy's", tuple(np.array(good)), Same(good)),
        ]
        return st.one_of(super().mistakes(good), st.sampled_from(others))
