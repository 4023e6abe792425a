"""How an exercise is declared, and the register of all that are."""

import difflib
import importlib
import importlib.util
import inspect
import pkgutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch

PACKAGE = "dgm_lib.exercises"
REGISTER: dict[str, "Exercise"] = {}


class Fail(Exception):
    """A failed check; its text is written for the learner."""


class Tolerance(NamedTuple):
    """How far an output may be from the expected one: atol + rtol · |expected|."""

    rtol: float
    atol: float


TOLERANCES = {torch.float32: Tolerance(1e-4, 1e-5), torch.float64: Tolerance(1e-8, 1e-9)}

Cases = Callable[[torch.Generator, torch.dtype], Sequence[tuple]]
Property = Callable[[Callable, torch.Generator], None]
Compare = Callable[[Any, Any, tuple], str | None]


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that learners really write, and the words that name what is wrong with it.

    An answer is taken for this mistake if it gives the same wrong output, or the same complaint
    of a property; or, where that cannot tell, if `recognise(fn, generator)` says so.
    """

    name: str
    function: Callable
    hint: str
    recognise: Callable[[Callable, torch.Generator], bool] | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Exercise:
    """One exercise, declared once; declaring it enters it in the register.

    reference: the course's own answer, a function or a class. Arguments go by position.
    cases: `cases(generator, dtype)` lists argument tuples, away from symmetric points, of several
        shapes; the smallest one that fails is shown. They may hold tensors, generators, numbers,
        callables and densities; each call gets fresh copies. None: the properties alone decide.
    compare: `compare(out, expected, args)` gives None if `out` is as good as `expected`, else
        words for the difference; by default they are equal within the tolerance of the dtype.
    properties: `prop(fn, generator)` raises Fail(text); its docstring says what is tested.
    grad_wrt: names of the reference's arguments whose gradients must match too.
    returns: what comes back, in words: "(batch,), one number per example".
    accepts: right answers written differently; only the tests use them.
    hints: asked for one at a time; the source of the reference follows as the last.
    """

    reference: Callable = field(kw_only=False)
    title: str
    minutes: int
    difficulty: int
    returns: str = ""
    cases: Cases | None = None
    compare: Compare | None = None
    properties: Sequence[Property] = ()
    grad_wrt: Sequence[str] = ()
    tolerances: Mapping[torch.dtype, Tolerance] = field(default_factory=dict)
    seconds: float = 10.0
    mistakes: Sequence[Mistake] = ()
    accepts: Sequence[Callable] = ()
    hints: Sequence[str] = ()
    name: str = ""

    def __post_init__(self) -> None:
        if self.difficulty not in (1, 2, 3):
            raise ValueError(f"difficulty must be 1, 2 or 3, got {self.difficulty!r}")
        if not self.cases and not self.properties:
            raise ValueError("cases or properties must be given: nothing would be tested")
        unknown = set(self.grad_wrt) - set(self.parameters)
        if unknown:
            raise ValueError(f"grad_wrt must name arguments of the reference, got {unknown}")
        if not self.name:
            lecture = self.reference.__module__.removeprefix(f"{PACKAGE}.").partition(".")[0]
            object.__setattr__(self, "name", f"{lecture}.{self.reference.__name__}")
        REGISTER[self.name] = self

    @property
    def parameters(self) -> list[str]:
        """Names of the reference's arguments."""
        return list(inspect.signature(self.reference).parameters)

    @property
    def lecture(self) -> str:
        """The module or package next to the engine that declares the exercise."""
        return self.name.partition(".")[0]

    def tolerance(self, dtype: torch.dtype) -> Tolerance:
        """The tolerance for inputs of this dtype."""
        return {**TOLERANCES, **self.tolerances}[dtype]


def find(name: str) -> Exercise:
    """The exercise called `name`, "lecture.function"; its lecture is imported when first asked."""
    if not isinstance(name, str):
        raise ValueError(f'name must be a string like "foundations.mmd2", got {name!r:.60}')
    lecture = name.partition(".")[0]
    if name not in REGISTER and lecture.isidentifier():
        if importlib.util.find_spec(f"{PACKAGE}.{lecture}"):
            importlib.import_module(f"{PACKAGE}.{lecture}")
    if name not in REGISTER:
        raise ValueError(f"there is no exercise {name!r}; {_near(name)}")
    return REGISTER[name]


def _near(name: str) -> str:
    """Words that name the exercises one may have meant."""
    known = [exercise.name for group in lectures().values() for exercise in group]
    by_key = {key: full for full in known for key in (full, full.rpartition(".")[2])}
    near = difflib.get_close_matches(name, by_key, n=5, cutoff=0.5)
    near += difflib.get_close_matches(name.rpartition(".")[2], by_key, n=5, cutoff=0.5)
    names = list(dict.fromkeys(by_key[key] for key in near)) or sorted(known)
    return ("did you mean " if near else "there are ") + ", ".join(names)


def lectures() -> dict[str, list[Exercise]]:
    """All exercises by lecture, in order; a lecture's module names itself by LECTURE."""
    package = importlib.import_module(PACKAGE)
    for module in pkgutil.iter_modules(package.__path__, f"{PACKAGE}."):
        importlib.import_module(module.name)
    groups: dict[str, list[Exercise]] = {}
    for exercise in REGISTER.values():
        groups.setdefault(_title(exercise.lecture), []).append(exercise)
    return dict(sorted(groups.items()))


def _title(lecture: str) -> str:
    module = sys.modules.get(f"{PACKAGE}.{lecture}")
    return getattr(module, "LECTURE", lecture)
