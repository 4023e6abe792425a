"""Small faults, one at a time, put into the source of a function or class: are all noticed?"""

import ast
import copy
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
from itertools import permutations

OPERATORS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
}
CALLS = {
    "sum": "mean",
    "mean": "sum",
    "exp": "log1p",
    "log": "exp",
    "sqrt": "square",
    "square": "sqrt",
    "std": "var",
    "var": "std",
    "softmax": "sigmoid",
    "tanh": "sigmoid",
    "sigmoid": "tanh",
    "logsumexp": "sum",
}
UNARY = {"exp", "log", "sqrt", "square", "abs", "tanh", "sigmoid", "clamp", "pow", "sum", "mean"}


def mutants(function: Callable) -> Iterator[tuple[str, Callable]]:
    """Every version of the function with one fault, after the words "before → after"."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    seen: dict[str, int] = {}
    for faulty, words in _faulty_trees(tree):
        code = ast.unparse(faulty)
        namespace = dict(vars(sys.modules[function.__module__]))
        exec(compile(code, f"<mutant {words}>", "exec"), namespace)
        seen[words] = seen.get(words, 0) + 1
        number = f" ({seen[words]})" if seen[words] > 1 else ""
        yield words + number, namespace[function.__name__]


def _faulty_trees(tree: ast.Module) -> Iterator[tuple[ast.Module, str]]:
    for number, node in enumerate(ast.walk(tree)):
        for replacement in _replacements(node):
            words = f"{ast.unparse(node)} → {ast.unparse(replacement)}"
            yield _replaced(tree, number, replacement), words
    definition = tree.body[0]
    whole = definition.body if isinstance(definition, ast.ClassDef) else [definition]
    for number, node in enumerate(ast.walk(tree)):
        if isinstance(node, ast.FunctionDef) and node in whole:
            for old, new in permutations([argument.arg for argument in node.args.args], 2):
                yield _renamed(tree, number, old, new), f"{new} instead of {old}"


def _replaced(tree: ast.Module, number: int, replacement: ast.AST) -> ast.Module:
    """A copy of the tree with another node in the place of the one with this number."""
    tree = copy.deepcopy(tree)
    nodes = list(ast.walk(tree))
    for parent in nodes:
        for name, value in ast.iter_fields(parent):
            if value is nodes[number]:
                setattr(parent, name, replacement)
            elif isinstance(value, list) and any(item is nodes[number] for item in value):
                new = [replacement if item is nodes[number] else item for item in value]
                setattr(parent, name, new)
    return ast.fix_missing_locations(tree)


def _renamed(tree: ast.Module, number: int, old: str, new: str) -> ast.Module:
    """A copy of the tree whose function with this number reads another argument."""
    tree = copy.deepcopy(tree)
    for node in ast.walk(list(ast.walk(tree))[number]):
        if isinstance(node, ast.Name) and node.id == old:
            node.id = new
    return tree


def _replacements(node: ast.AST) -> Iterator[ast.AST]:
    """What a node may be replaced by."""
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        yield ast.BinOp(node.left, OPERATORS[type(node.op)](), node.right)
        yield node.left
        yield node.right
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield node.operand
    elif isinstance(node, ast.Compare) and type(node.ops[0]) in OPERATORS:
        swapped = OPERATORS[type(node.ops[0])]()
        yield ast.Compare(node.left, [swapped, *node.ops[1:]], node.comparators)
    elif isinstance(node, ast.Constant):
        yield from _constants(node.value)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        yield from _calls(node)
    elif isinstance(node, ast.AugAssign):
        yield ast.Pass()


def _constants(value: object) -> Iterator[ast.AST]:
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, (int, float)):
        for other in dict.fromkeys([value + 1, value - 1, 2 * value]):
            if other != value:
                yield ast.Constant(other)


def _calls(node: ast.Call) -> Iterator[ast.AST]:
    method = node.func.attr
    is_module = isinstance(node.func.value, ast.Name) and node.func.value.id in ("torch", "math")
    subject = node.args[0] if is_module and node.args else node.func.value
    if method in CALLS:
        func = ast.Attribute(node.func.value, CALLS[method], ast.Load())
        yield ast.Call(func, node.args, node.keywords)
    if method in UNARY:
        yield subject
    for number in range(len(node.keywords)):
        yield ast.Call(node.func, node.args, node.keywords[:number] + node.keywords[number + 1 :])
    if not is_module and len(node.args) == 1 and method in ("sum", "mean", "logsumexp"):
        yield ast.Call(node.func, [], node.keywords)
