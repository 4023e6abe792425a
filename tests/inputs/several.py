"""More kinds of arguments: orders, masks, lists of things, and names."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from hypothesis import strategies as st
from torch import Tensor

from tests.inputs.arguments import Argument
from tests.inputs.spoilt import Same, Spoilt


@dataclass(frozen=True)
class Order(Argument):
    """A permutation of so many coordinates; of another number too unless `fixed`."""

    d: int = 2
    fixed: bool = True
    optional: bool = False

    def good(self, rng: torch.Generator, n: int) -> Tensor:
        return torch.arange(self.d).flip(0)

    def mistakes(self, good: Tensor) -> st.SearchStrategy[Spoilt]:
        wrong = [
            Spoilt("one twice", torch.zeros_like(good)),
            Spoilt("from 1", good + 1),
            Spoilt("negative", good - self.d),
            Spoilt("floating", good.double()),
            Spoilt("complex", good + 1j),
            Spoilt("bool", good > 0),
            Spoilt("a rank more", good[None]),
            Spoilt("a number", torch.tensor(1)),
            Spoilt("ragged", [[0, 1], [2]]),
            Spoilt("list", good.tolist(), Same(good)),
            Spoilt("array", good.numpy(), Same(good)),
            Spoilt("int32", good.int(), Same(good)),
        ]
        wrong += [Spoilt("one more", torch.arange(self.d + 1))] * self.fixed
        return st.one_of(super().mistakes(good), st.sampled_from(wrong))


@dataclass(frozen=True)
class Mask(Argument):
    """Which of so many coordinates, not all and not none, pass unchanged."""

    d: int = 2
    optional: bool = False

    def good(self, rng: torch.Generator, n: int) -> Tensor:
        return torch.arange(self.d) == 1

    def mistakes(self, good: Tensor) -> st.SearchStrategy[Spoilt]:
        wrong = [
            Spoilt("all", torch.ones_like(good)),
            Spoilt("none", torch.zeros_like(good)),
            Spoilt("numbers", good.long()),
            Spoilt("a rank more", good[None]),
            Spoilt("one more", torch.cat([good, good])),
            Spoilt("a bool", True),
            Spoilt("ragged", [[True, False], [True]]),
            Spoilt("list", good.tolist(), Same(good)),
            Spoilt("array", good.numpy(), Same(good)),
        ]
        return st.one_of(super().mistakes(good), st.sampled_from(wrong))


@dataclass(frozen=True)
class Several(Argument):
    """Things in a list, at least one unless `empty`, and no others unless they may be `odd`."""

    value: tuple
    empty: bool = False
    odd: bool = False
    optional: bool = False

    def good(self, rng: torch.Generator, n: int) -> list:
        return list(self.value)

    def mistakes(self, good: list) -> st.SearchStrategy[Spoilt]:
        wrong = [
            Spoilt("a number", 3.0),
            Spoilt("tuple", tuple(good), Same(good)),
        ]
        wrong += [
            Spoilt("a tensor", torch.zeros(3)),
            Spoilt("a number among them", [*good, 3.0]),
            Spoilt("None among them", [None, *good]),
            Spoilt("text among them", [*good, "text"]),
        ] * (not self.odd)
        wrong += [Spoilt("none", [])] * (not self.empty)
        others = super().mistakes(good)
        if self.empty:  # as a mapping of nothing is too
            others = others.filter(lambda spoilt: spoilt.kind != "mapping")
        return st.one_of(others, st.sampled_from(wrong))


@dataclass(frozen=True)
class Named(Argument):
    """Things by name, in a mapping; of other kinds too if they may be `odd`."""

    value: dict
    odd: bool = False
    optional: bool = False

    def good(self, rng: torch.Generator, n: int) -> dict:
        return dict(self.value)

    def mistakes(self, good: dict) -> st.SearchStrategy[Spoilt]:
        wrong = [
            Spoilt("a list", list(good.values())),
            Spoilt("a number", 3.0),
            Spoilt("a tensor", torch.zeros(3)),
        ]
        wrong += [
            Spoilt("None in it", dict.fromkeys(good)),
            Spoilt("numbers in it", dict.fromkeys(good, 3.0)),
        ] * (not self.odd)
        return st.one_of(super().mistakes(good), st.sampled_from(wrong))


@dataclass(frozen=True)
class Text(Argument):
    """A name, or words: any text, or only what is `known`."""

    value: str
    known: bool = True

    optional = False

    def good(self, rng: torch.Generator, n: int) -> str:
        return self.value

    def mistakes(self, good: str) -> st.SearchStrategy[Spoilt]:
        wrong = [
            Spoilt("None", None),
            Spoilt("bytes", good.encode()),
            Spoilt("a list", [good]),
            Spoilt("a number", 3.0),
            Spoilt("a mapping", {}),
            Spoilt("numpy's", np.str_(good), Same(good)),
        ]
        if not self.known:
            return st.sampled_from(wrong)
        others = st.text(max_size=20).filter(lambda text: text != good)
        others = st.one_of(others, others.map(lambda text: f"{good.partition('.')[0]}.{text}"))
        return st.one_of(st.sampled_from(wrong), others.map(lambda text: Spoilt("unknown", text)))


@dataclass(frozen=True)
class Box(Argument):
    """The box of a law, `(d, 2)`."""

    d: int = 2
    optional: bool = False

    def good(self, rng: torch.Generator, n: int) -> Tensor:
        return torch.tensor([[-3.0, 3.0]] * self.d).double()

    def mistakes(self, good: Tensor) -> st.SearchStrategy[Spoilt]:
        wrong = [
            Spoilt("a side more", torch.cat([good, good, good])),
            Spoilt("flat", good.flatten()),
            Spoilt("a number", 3.0),
            Spoilt("upside down", good.flip(1)),
            Spoilt("empty sides", 0 * good),
            Spoilt("NaN", good * torch.nan),
            Spoilt("inf", good * torch.inf),
            Spoilt("complex", good + 1j),
            Spoilt("ragged", [[0, 1], [2]]),
            Spoilt("list", good.tolist(), Same(good)),
            Spoilt("array", good.numpy(), Same(good)),
            Spoilt("integers", good.long(), Same(good)),
        ]
        return st.one_of(super().mistakes(good), st.sampled_from(wrong))


class Truth(Argument):
    """Whether something holds: one truth value; nothing is false."""

    optional = True

    def good(self, rng: torch.Generator, n: int) -> bool:
        return True

    def mistakes(self, good: bool) -> st.SearchStrategy[Spoilt]:
        wrong = [
            Spoilt("several", torch.tensor([True, False])),
            Spoilt("the word", "False"),
            Spoilt("none", []),
            Spoilt("numpy's", np.bool_(True), Same(True)),
            Spoilt("torch's", torch.tensor(True), Same(True)),
        ]
        return st.one_of(super().mistakes(good), st.sampled_from(wrong))
