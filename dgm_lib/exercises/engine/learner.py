"""What can be known of a learner's function without running it, and of what it raised."""

import dis
import functools
import inspect
import linecache
import math
import os
import re
from collections.abc import Iterator
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType, TracebackType
from typing import Any

import numpy as np
import torch

from dgm_lib.training.memory import out_of_memory

CONTAINERS = (list, dict, set, bytearray)
DATA = (torch.Tensor, torch.Generator, torch.nn.Module, np.ndarray, np.random.Generator)
PLAIN = (bool, int, float, complex, str, bytes, tuple, torch.dtype, torch.device)
CODE = (ModuleType, type, FunctionType, BuiltinFunctionType, MethodType)
MATHS = ("pi", "e", "tau", "inf")
NOTHING = {"RESUME", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST", "NOP"}


def functions(answer: Any) -> list[FunctionType]:
    """The Python functions behind a function, partial, method, class or callable object."""
    kind = type(answer)
    if issubclass(kind, FunctionType):
        return [inspect.unwrap(answer)]
    if issubclass(kind, MethodType):
        return functions(answer.__func__)
    if issubclass(kind, functools.partial):
        return functions(answer.func)
    members = vars(answer if issubclass(kind, type) else kind).values()
    unwrapped = [inspect.unwrap(v) for v in members if issubclass(type(v), FunctionType)]
    return [function for function in unwrapped if issubclass(type(function), FunctionType)]


class Learner:
    """The learner's answer, seen from outside."""

    def __init__(self, answer: Any) -> None:
        self.functions = functions(answer)
        self.namespace = self.functions[0].__globals__ if self.functions else None

    def is_blank(self) -> bool:
        """Whether the body is nothing but a docstring, `...` or `pass`."""
        if len(self.functions) != 1:
            return False
        code = self.functions[0].__code__
        return {instruction.opname for instruction in dis.get_instructions(code)} <= NOTHING

    def borrowed(self) -> list[str]:
        """Notebook variables that the answer, or a helper of the learner's, reads: data only."""
        names: dict[str, None] = {}
        seen: set[CodeType] = set()
        queue = list(self.functions)
        while queue:
            function = queue.pop(0)
            if function.__code__ in seen or function.__globals__ is not self.namespace:
                continue
            seen.add(function.__code__)
            for name in global_names(function.__code__):
                value = self.namespace.get(name)
                if is_data(name, value):
                    names[name] = None
                elif callable(value):
                    queue += functions(value)
        return list(names)

    def line(self, error: BaseException) -> str:
        """Where in the learner's own code the error came from; empty if it never was there."""
        for trace in reversed(list(_traces(error.__traceback__))):
            if trace.tb_frame.f_globals is self.namespace:
                return self._place(trace)
        return ""

    def raised(self, error: BaseException) -> bool:
        """Whether the error was raised by the learner's own code, not by what it calls."""
        *_, last = _traces(error.__traceback__)
        return last.tb_frame.f_globals is self.namespace

    def _place(self, trace: TracebackType) -> str:
        code = trace.tb_frame.f_code
        where = "your cell"
        if self.namespace.get("__name__") != "__main__":
            where = os.path.basename(code.co_filename)
        elif code.co_filename != self.functions[0].__code__.co_filename:
            where = f"the cell of `{code.co_name}`"
        source = shorten(linecache.getline(code.co_filename, trace.tb_lineno), 70)
        return f"line {trace.tb_lineno} of {where}" + (f":  {source}" if source else "")


def _traces(trace: TracebackType | None) -> Iterator[TracebackType]:
    while trace is not None:
        yield trace
        trace = trace.tb_next


def global_names(code: CodeType) -> Iterator[str]:
    """Names that the code, and functions defined within it, look up in the global namespace."""
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield instruction.argval
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from global_names(constant)


def is_data(name: str, value: Any) -> bool:
    """Whether a global is data that should be an argument; CONSTANTS and `pi` may be read."""
    kind = type(value)
    if value is None or issubclass(kind, CODE):
        return False
    if issubclass(kind, PLAIN):
        return not name.isupper() and (name not in MATHS or value != getattr(math, name))
    is_density = hasattr(kind, "log_prob") or hasattr(kind, "sample")
    return issubclass(kind, DATA + CONTAINERS) or is_density


def describe(error: BaseException) -> str:
    """An error in words: its type and the beginning of its text, the same in every run."""
    try:
        text = out_of_memory(error) or str(error)
    except BaseException:  # a learner's __str__ may do anything
        text = ""
    text = shorten(without_addresses(text), 300)
    return type(error).__name__ + (f": {text}" if text else "")


def without_addresses(text: str) -> str:
    """The text with "<object at 0x7f...>" made the same in every run."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", text)


def shorten(text: str, width: int) -> str:
    """One line of at most so many characters."""
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 1] + "…"
