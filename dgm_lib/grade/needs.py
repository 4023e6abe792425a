"""The statements of a notebook that an answer needs, and nothing else of it."""

import ast
import dis
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import CodeType

from dgm_lib.exercises.engine.learner import global_names

CHECKS_ARE_IN = "dgm_lib.exercises"
DESK = {"check", "hint", "mine", "progress"}  # what learners need of that package
DEFINITE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom,
            ast.Assign, ast.AnnAssign)
Cells = Sequence[str | None]  # the sources of all cells of a notebook, None for one without code
TIMED = re.compile(r"\A\s*%%(time|capture|prun)\b.*")  # magics of a cell that is run as it is
ANYTHING = "*"  # what `from module import *` makes


@dataclass(frozen=True)
class Statement:
    """A statement outside all functions, and the names it makes and uses.

    cell: the number of its cell, from 1, among all cells of the notebook.
    later: names that it uses within functions, so that they may be made after it.
    """

    node: ast.stmt
    cell: int
    makes: frozenset[str]
    uses: frozenset[str]
    later: frozenset[str]

    @property
    def is_definite(self) -> bool:
        """Whether what a name was before does not matter after it."""
        return isinstance(self.node, DEFINITE) and not _altered(self.node)


@dataclass(frozen=True)
class Answer:
    """What a notebook hands to a check: an expression, and the statements it needs in order."""

    expression: ast.expr
    cell: int
    statements: tuple[Statement, ...]

    def borrowed(self) -> list[str]:
        """Names by which it uses the package of the exercises, where the course's answers are."""
        now, later = _names(_alone(self.expression))
        used = now.union(later, *(s.uses | s.later for s in self.statements))
        found: set[str] = set()
        packages: set[str] = set()
        for node in [*(statement.node for statement in self.statements), self.expression]:
            parts = list(ast.walk(node))
            for part in parts:
                bound, whole = _from_exercises(part)
                found |= bound & used if part is node else bound
                packages |= whole
            found |= {part.attr for part in parts if _reaches_into(part, packages)}
        return sorted(found)


class Unreadable(Exception):
    """An answer is where it cannot be read: the text says where."""


def answer_to(exercise: str, cells: Cells) -> Answer | None:
    """The answer to an exercise; None if there is none."""
    statements, broken = _read(cells)
    found, inner = None, set()
    for place, statement in enumerate(statements):
        for expression in _handed_in(statement.node, exercise):
            names, later = _names(_alone(expression))
            # Within a compound statement, what the answer needs may be made by that statement.
            before = place + (not isinstance(statement.node, (ast.Assign, ast.Expr)))
            needed = _needed(statements, names | later, before)
            found = Answer(expression, statement.cell, tuple(needed))
            inner = _local(statement.node) & (names | later)
    last = found.cell if found else 0
    call = re.compile(rf"check\(\s*[\"']{re.escape(exercise)}[\"']")
    for cell, error in broken.items():
        if cell > last and call.search(cells[cell - 1]):
            raise Unreadable(f"its cell is not Python: {error}")
    if inner:
        raise Unreadable(f"its check is in a function, and uses {', '.join(sorted(inner))} of it: "
                         f"call `check` outside of all functions (cell {last})")
    return found


def _read(cells: Cells) -> tuple[list[Statement], dict[int, str]]:
    """The statements of all cells, and for each cell that is not Python what is wrong there."""
    statements, broken = [], {}
    for number, source in enumerate(cells, start=1):
        try:
            found = []
            for node in parse(source or "").body:
                found.append(Statement(node, number, _made(node), *_names(node)))
            statements += found
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            line = f"line {error.lineno}: " if getattr(error, "lineno", None) else ""
            broken[number] = f"{line}{getattr(error, 'msg', None) or type(error).__name__}"
    return statements, broken


def parse(source: str) -> ast.Module:
    """A cell as Python, its magics (`%time`, `!ls`) made into calls."""
    source = TIMED.sub("", source)
    try:
        return ast.parse(source)
    except SyntaxError:
        from IPython.core.inputtransformer2 import TransformerManager  # slow to import

        return ast.parse(TransformerManager().transform_cell(source))


# ------------------------------------------------------------------------ which statements


def _needed(statements: list[Statement], names: Iterable[str], end: int) -> list[Statement]:
    """The statements before `end` that make these names, and what these need in their turn."""
    chosen: set[int] = set()
    queue, seen = [(name, end) for name in names], set()
    while queue:
        name, before = queue.pop()
        if (name, before) in seen:
            continue
        seen.add((name, before))
        for place in range(before - 1, -1, -1):
            statement = statements[place]
            if not statement.makes & {name, ANYTHING}:
                continue
            if place not in chosen:
                chosen.add(place)
                queue += [(used, place) for used in statement.uses | statement.later]
                queue += [(used, end) for used in statement.later]
            if name in statement.makes and statement.is_definite:
                break
    return [statements[place] for place in sorted(chosen)]


def _handed_in(node: ast.stmt, exercise: str) -> list[ast.expr]:
    """The answers to an exercise that a statement hands in."""
    calls = [part for part in ast.walk(node) if isinstance(part, ast.Call)]
    given = [
        [*call.args, *(k.value for k in call.keywords if k.arg in ("name", "answer"))]
        for call in calls
        if getattr(call.func, "id", getattr(call.func, "attr", "")) == "check"
    ]
    return [
        both[1]
        for both in given
        if len(both) == 2 and isinstance(both[0], ast.Constant) and both[0].value == exercise
    ]


# ------------------------------------------------------------------------ which names


def _names(node: ast.stmt) -> tuple[frozenset[str], frozenset[str]]:
    """The global names that a statement uses: by itself, and within its functions and classes."""
    code = _code(node)
    now = {step.argval for step in dis.get_instructions(code) if step.opname == "LOAD_NAME"}
    inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    later = {name for constant in inner for name in global_names(constant)}
    return frozenset(now | _altered(node)), frozenset(later)


def _made(node: ast.stmt) -> frozenset[str]:
    """The names that a statement binds, unbinds or alters."""
    if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
        return frozenset({ANYTHING})
    steps = dis.get_instructions(_code(node))
    made = {step.argval for step in steps if step.opname in ("STORE_NAME", "DELETE_NAME")}
    return frozenset(made | _altered(node))


def _alone(expression: ast.expr) -> ast.stmt:
    """An expression as a statement."""
    return ast.copy_location(ast.Expr(expression), expression)


def _code(node: ast.stmt) -> CodeType:
    """A statement compiled; it may wait for something, as statements of a notebook may."""
    module = ast.Module([node], [])
    return compile(module, "cell", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)


def _local(node: ast.stmt) -> set[str]:
    """The local names of a function, none of other statements."""
    is_function = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    inner = [c for c in _code(node).co_consts if isinstance(c, CodeType)] if is_function else []
    return {name for code in inner for name in code.co_varnames + code.co_cellvars}


def _altered(node: ast.stmt) -> set[str]:
    """The names of objects into which a statement writes: `settings["n"] = 3`, `f.name = "f"`."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return set()
    stores = (ast.Attribute, ast.Subscript)
    roots = [p for p in ast.walk(node) if isinstance(p, stores) and isinstance(p.ctx, ast.Store)]
    found = set()
    for root in roots:
        while isinstance(root, stores):
            root = root.value
        found |= {root.id} if isinstance(root, ast.Name) else set()
    return found


def _from_exercises(node: ast.AST) -> tuple[set[str], set[str]]:
    """Names that an import binds to the inside of the exercises' package, and to the package."""
    names = getattr(node, "names", []) if isinstance(node, (ast.Import, ast.ImportFrom)) else []
    bound, whole = set(), set()
    for alias in names:
        path = f"{node.module}.{alias.name}" if isinstance(node, ast.ImportFrom) else alias.name
        name = alias.asname or alias.name
        if path == CHECKS_ARE_IN:
            whole.add(name)
        elif path.startswith(f"{CHECKS_ARE_IN}.") and alias.name not in DESK | {ANYTHING}:
            bound.add(name)
    return bound, whole


def _reaches_into(node: ast.AST, packages: set[str]) -> bool:
    """Whether this is `package.name` with the exercises' package and a name not for learners."""
    if not isinstance(node, ast.Attribute) or node.attr in DESK:
        return False
    value = node.value
    if isinstance(value, ast.Attribute):
        return value.attr == CHECKS_ARE_IN.rpartition(".")[2]
    return isinstance(value, ast.Name) and value.id in packages
