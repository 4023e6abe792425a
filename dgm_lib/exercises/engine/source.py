"""Takes an answer's source out of the notebook, with all it needs to run again elsewhere."""

import ast
import builtins
import importlib
import linecache
import symtable
import sys
import textwrap
from types import FunctionType, ModuleType
from typing import Any

from dgm_lib.exercises.engine.learner import functions

MODULES = ("torch", "torch.nn.functional", "torch.nn", "math", "numpy", "typing", "collections.abc")
CONSTANTS = (bool, int, float, complex, str, bytes, type(None))


class Unsavable(Exception):
    """The answer cannot be kept; the text says why."""


def standalone(answer: Any) -> tuple[str, str]:
    """Source that defines the answer on its own, and the name it gives to the answer."""
    if not isinstance(answer, (FunctionType, type)):
        raise Unsavable(f"only functions and classes can be, this is {type(answer).__name__}")
    own = functions(answer)
    if not own:
        raise Unsavable("it has no source of its own")
    collector = _Collector(own[0].__globals__)
    entry = collector.define(answer)
    blocks = ["\n".join(collector.imports), *collector.texts]
    return "\n\n\n".join(filter(None, blocks)) + "\n", entry


def rebuild(source: str, entry: str, name: str) -> Any:
    """Run saved source in a module of its own and return the answer; `name` names the module."""
    module = ModuleType(f"your answer to {name}")
    filename = f"<{module.__name__}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    sys.modules[module.__name__] = module
    exec(compile(source, filename, "exec"), module.__dict__)
    return vars(module)[entry]


class _Collector:
    """Gathers definitions in the order in which they must run."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        self.namespace = namespace
        self.imports: list[str] = []
        self.texts: list[str] = []
        self.known: dict[int, str] = {}  # by id: functions and classes that are taken care of

    def define(self, thing: Any) -> str:
        """Add the source of a function or class, after what it needs; returns its name."""
        if id(thing) in self.known:
            return self.known[id(thing)]
        if any(function.__closure__ and not _is_method(thing) for function in functions(thing)):
            raise Unsavable(f"`{thing.__name__}` uses variables of a function around it")
        text, name = source_of(thing)
        self.known[id(thing)] = name
        for needed in _globals_of(text):
            if needed in self.namespace:
                self._add(needed, self.namespace[needed])
            elif not hasattr(builtins, needed):
                raise Unsavable(f"`{needed}` is not defined")
        self.texts.append(text)
        return name

    def _add(self, name: str, value: Any) -> None:
        if isinstance(value, ModuleType):
            line = f"import {value.__name__}"
            self._import(line if value.__name__ == name else f"{line} as {name}")
        elif self._is_own(value):
            defined = self.define(value)
            if defined != name:
                self.texts.append(f"{name} = {defined}")
        elif _is_constant(value):
            if (text := f"{name} = {value!r}") not in self.texts:
                self.texts.append(text)
        else:
            self._import(_import_line(name, value))

    def _import(self, line: str) -> None:
        if line not in self.imports:
            self.imports.append(line)

    def _is_own(self, value: Any) -> bool:
        if isinstance(value, type):
            return value.__module__ == self.namespace.get("__name__")
        own = functions(value) if isinstance(value, FunctionType) else []
        return any(function.__globals__ is self.namespace for function in own)


def _is_method(thing: Any) -> bool:
    # `super()` gives methods a closure that comes back with their class.
    return isinstance(thing, type)


def _is_constant(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_constant, value))
    return type(value) in CONSTANTS and (not isinstance(value, float) or value - value == 0)


def _import_line(name: str, value: Any) -> str:
    """The import that gives this value this name."""
    for module in (*MODULES, getattr(value, "__module__", None) or ""):
        for attribute in dict.fromkeys([name, getattr(value, "__name__", name)]):
            if _holds(module, attribute, value):
                alias = "" if attribute == name else f" as {name}"
                return f"from {module} import {attribute}{alias}"
    raise Unsavable(f"it needs `{name}` from the notebook")


def _holds(module: str, attribute: str, value: Any) -> bool:
    if not module or module == "__main__" or module not in sys.modules:
        return False
    return getattr(importlib.import_module(module), attribute, None) is value


def _globals_of(text: str) -> list[str]:
    """Names that a definition looks up around it, in its body, defaults, decorators and hints."""
    names: dict[str, None] = {}
    top = symtable.symtable(text, "answer", "exec")
    own = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_assigned()}
    tables = [top]
    while tables:
        table = tables.pop(0)
        tables += table.get_children()
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (table is top or symbol.is_global()):
                names[symbol.get_name()] = None
    return [name for name in names if name not in own]


def source_of(thing: Any) -> tuple[str, str]:
    """The text that defines a function or class, and the name that it gets there."""
    code = functions(thing)[0].__code__
    text = "".join(linecache.getlines(code.co_filename))
    try:
        tree = ast.parse(text)
    except SyntaxError:
        raise Unsavable("its source cannot be read") from None
    nodes = [node for node in ast.walk(tree) if _defines(node, thing, code.co_firstlineno)]
    if len(nodes) != 1:
        raise Unsavable("its source is not known" if not nodes else "two functions share its line")
    node = nodes[0]
    if isinstance(node, ast.Lambda):
        return f"answer = {ast.get_source_segment(text, node)}", "answer"
    lines = text.splitlines()[_first_line(node) - 1 : node.end_lineno]
    return textwrap.dedent("\n".join(lines)), node.name


def _first_line(node: ast.AST) -> int:
    return min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])


def _defines(node: ast.AST, thing: Any, line: int) -> bool:
    if isinstance(thing, type):
        inside = isinstance(node, ast.ClassDef) and node.name == thing.__name__
        return inside and node.lineno <= line <= node.end_lineno
    if isinstance(node, ast.Lambda):
        return thing.__name__ == "<lambda>" and node.lineno == line
    is_function = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    return is_function and _first_line(node) == line
