"""Examines an answer: runs it on every case and property, and says what is wrong with it."""

import inspect
import re
from collections.abc import Callable, Sequence
from types import CoroutineType
from typing import Any, NoReturn

import torch

from dgm_lib.exercises.engine.cases import Case, cases, course_call, gradients, with_inputs
from dgm_lib.exercises.engine.compare import a, differs, form_differs, kind_differs, value_differs
from dgm_lib.exercises.engine.exercise import Exercise, Fail, Tolerance
from dgm_lib.exercises.engine.guard import Guard
from dgm_lib.exercises.engine.inputs import changed, fresh, tensors, to_device
from dgm_lib.exercises.engine.learner import Learner, describe
from dgm_lib.exercises.engine.timelimit import Timeout

DTYPES = (torch.float32, torch.float64)
ELSEWHERE = re.compile(r"same device|expected device|two devices|on device meta|device type")
ON_CPU = (
    "a tensor is created on the CPU wherever the inputs are: make it from an input x, as "
    "`torch.zeros_like(x)`, `torch.eye(3).to(x)` or `device=x.device` do"
)
CUT = (
    "no gradient reaches the inputs: a `.detach()`, `.item()`, `no_grad()`, `torch.tensor(...)` "
    "or numpy cuts the graph"
)
FORGETFUL = (
    "two calls with the same inputs give different results: does your function keep something "
    "from one call to the next?"
)


class Unattempted(Exception):
    """There is no answer yet."""


class Mismatch(Fail):
    """A wrong output, as against a complaint of another kind."""

    def __init__(self, text: str, case: Case, out: Any) -> None:
        super().__init__(text)
        self.case, self.out = case, out


class Examination:
    """One answer on its way through everything that is asked of it.

    allowed: deeds of the guard's list that are no fault here, since the reference does them too.
    """

    def __init__(
        self, exercise: Exercise, answer: Any, allowed: Sequence[str], seconds: float
    ) -> None:
        self.exercise, self.answer, self.allowed = exercise, answer, allowed
        self.learner, self.guard, self.seconds = Learner(answer), Guard(seconds), seconds

    def complaint(self) -> Fail | None:
        """The first thing that is wrong, None if nothing is; raises Unattempted."""
        try:
            self.run()
        except Fail as fail:
            return fail
        return Fail("\n".join(self.remarks())) if self.remarks() else None

    def remarks(self) -> list[str]:
        """What the answer reads or changes that is none of its business."""
        names = ", ".join(f"`{name}`" for name in self.learner.borrowed())
        deeds = [deed for deed in self.guard.deeds if deed not in self.allowed]
        remarks = [f"your function {deed} (this was put back): {_cure(deed)}" for deed in deeds]
        if names:
            words = f"your function reads {names} from the notebook: everything it needs must "
            remarks.insert(0, words + "come in as an argument")
        return remarks

    def run(self) -> None:
        """Everything that is asked, in order; raises Fail or Unattempted."""
        self._interface()
        for dtype in DTYPES:
            for case in cases(self.exercise, dtype):
                self._case(case)
        for case in cases(self.exercise, torch.float64):
            self._gradients(case)
        for prop in self.exercise.properties:
            self._property(prop)
        for case in cases(self.exercise, torch.float32)[-1:]:
            self._device(case)

    # ------------------------------------------------------------------ what is asked

    def _interface(self) -> None:
        reference, answer = self.exercise.reference, self.answer
        if not callable(answer):
            words = f"expected a function, got {a(type(answer))}"
            if tensors(answer):
                name = reference.__name__
                words += f": hand over `{name}` itself, not `{name}(...)`"
            raise Fail(words)
        if isinstance(reference, type):
            if not issubclass(type(answer), type):
                raise Fail(f"expected a class like `{reference.__name__}`, got {a(type(answer))}")
            for name, member in vars(reference).items():
                if inspect.isfunction(member) and not hasattr(answer, name):
                    raise Fail(f"your class has no method `{name}`")
        self._arity(sum(p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD
                        for p in inspect.signature(reference).parameters.values()))

    def _arity(self, count: int) -> None:
        try:
            signature = inspect.signature(self.answer)
        except (TypeError, ValueError):  # builtins have none
            return
        try:
            signature.bind(*range(count))
        except TypeError:
            asked = inspect.signature(self.exercise.reference)
            words = f"your function takes {_names(signature)}, expected {_names(asked)}"
            raise Fail(words) from None

    def _case(self, case: Case) -> None:
        self._arity(len(case.args))
        args = fresh(case.args)
        out = self.call(case, self.answer, *args)
        if self._is_blank(out):
            raise Unattempted
        for position in changed(args, case.args):
            name = self.exercise.parameters[position]
            raise Fail(f"your function changes its input `{name}` in place: an operation whose "
                       f"name ends in `_`, or `{name} += ...`, or `{name}[...] = ...`")
        self._compare(case, out)
        again = self.call(case, self.answer, *fresh(case.args))
        if differs(again, out, self.exercise.tolerance(case.dtype)):
            raise Fail(FORGETFUL)

    def _is_blank(self, out: Any) -> bool:
        if type(out) is tuple:
            return any(part is Ellipsis for part in out)
        return out is Ellipsis or out is None and self.learner.is_blank()

    def _compare(self, case: Case, out: Any) -> None:
        if words := kind_differs(out, case.expected):
            raise Fail(words)
        words = form_differs(out, case.expected, self.exercise.returns)
        if words := words or self.value_differs(case, out, case.expected):
            raise Mismatch(with_inputs(self.exercise, case, words), case, out)

    def value_differs(self, case: Case, out: Any, expected: Any) -> str:
        """Words if the output is not as good as the expected one of the same form, else ""."""
        if self.exercise.compare is None:
            return value_differs(out, expected, self.exercise.tolerance(case.dtype))
        return self.exercise.compare(out, expected, fresh(case.args)) or ""

    def _gradients(self, case: Case) -> None:
        names = self.exercise.parameters[: len(case.args)]
        places = [names.index(name) for name in self.exercise.grad_wrt if name in names]
        if not places:
            return
        expected = course_call(gradients, self.exercise.reference, case.args, places)
        mine = self.call(case, gradients, self.answer, case.args, places)
        if mine is None:
            raise Fail(CUT)
        rtol, atol = self.exercise.tolerance(case.dtype)
        for place, gradient, right in zip(places, mine, expected):
            if words := value_differs(gradient, right, Tolerance(10 * rtol, 10 * atol)):
                words = (f"the values are right, but the gradient with respect to "
                         f"`{names[place]}` is not: {words}")
                raise Fail(with_inputs(self.exercise, case._replace(dtype=None), words))

    def _property(self, prop: Callable) -> None:
        try:
            self.guard.call(prop, self.answer, torch.Generator().manual_seed(99))
        except Fail:
            raise
        except BaseException as error:
            if self.learner.line(error) or not isinstance(error, Exception):
                self._blame(error)
            raise Fail(f"the test “{title(prop)}” cannot use what it gets from your code: "
                       f"{describe(error)}") from None

    def _device(self, case: Case) -> None:
        """Run on the meta device, which stands for an accelerator: the CPU does not mix with it."""
        args = to_device(case.args, "meta")
        try:
            expected = course_call(self.exercise.reference, *fresh(args))
        except Exception:  # the reference needs values
            return
        try:
            out = self.guard.call(self.answer, *fresh(args))
        except Exception as error:
            if ELSEWHERE.search(describe(error)):
                raise Fail(f"{ON_CPU}\n{self.learner.line(error)}".strip()) from None
            return
        except BaseException as error:
            self._blame(error)
        places = [tensor.device for tensor in tensors(expected)]
        if places and places != [tensor.device for tensor in tensors(out)]:  # numbers have none
            raise Fail(ON_CPU)

    # ------------------------------------------------------------------ whose fault it is

    def call(self, case: Case, function: Callable, *args: Any) -> Any:
        """Run the learner's code; what it raises becomes a Fail for the learner."""
        try:
            out = self.guard.call(function, *args)
        except BaseException as error:
            self._blame(error, " (with float64 inputs)" if case.dtype == torch.float64 else "")
        if type(out) is CoroutineType:
            out.close()
        return out

    def _blame(self, error: BaseException, when: str = "") -> NoReturn:
        line = self.learner.line(error)
        if isinstance(error, KeyboardInterrupt):
            raise error
        if isinstance(error, NotImplementedError) and self.learner.raised(error):
            raise Unattempted from None
        if line and "ellipsis" in describe(error):  # a `...` that was to be filled in
            raise Unattempted from None
        if isinstance(error, Timeout):
            line = ""
            words = f"no answer within {self.seconds:g} s on small inputs: does a loop never end?"
        elif isinstance(error, SystemExit):
            words = "your code ends Python (`exit()`): remove that"
        elif isinstance(error, RecursionError):
            words = "your function calls itself without end"
        else:
            words = f"your code raised {describe(error)}{when}"
        raise Fail("\n".join(filter(None, [words, line]))) from None


def _cure(deed: str) -> str:
    if "random" in deed:
        return "use the noise, or the torch.Generator, that you are given, and set no seed"
    return "leave it as you found it"


def _names(signature: inspect.Signature) -> str:
    bare = [p.replace(annotation=p.empty, default=p.empty) for p in signature.parameters.values()]
    return str(signature.replace(parameters=bare, return_annotation=signature.empty))


def title(prop: Callable) -> str:
    """What a property tests, in words: the first line of its docstring."""
    return (prop.__doc__ or prop.__name__.replace("_", " ")).strip().splitlines()[0].rstrip(".")
