"""What is done with a learner's code: judge an answer, run the notebook. Only in the sandbox."""

import ast
import linecache
import os
import sys
import tempfile
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dgm_lib import exercises
from dgm_lib.exercises.engine.exercise import Exercise, find
from dgm_lib.exercises.engine.learner import describe
from dgm_lib.exercises.engine.verdict import evaluate
from dgm_lib.grade.evidence import encode, numbers
from dgm_lib.grade.needs import Answer, Cells, Unreadable, answer_to


def prepare(name: str) -> None:
    """Do once, before the first fork, what every judgement needs: the course's own numbers."""
    exercise = find(name)
    if evaluate(exercise, exercise.reference).status == "pass":
        numbers(exercise, exercise.reference)


def judge(name: str, cells: Cells, seconds: float) -> dict[str, Any]:
    """The verdict on the answer to an exercise, as {"status", "message"}; a pass has "numbers".

    seconds: until this process is ended; the check itself gives up before, and says why.
    """
    try:
        answer = answer_to(name, cells)
    except Unreadable as error:
        return _failed(str(error))
    if answer is None:
        return {"status": "todo", "message": f'no check("{name}", ...) in the notebook'}
    if borrowed := answer.borrowed():
        names = ", ".join(f"`{name}`" for name in borrowed)
        return _failed(f"it uses {names}, where the course keeps its own answers")
    exercise = find(name)
    _stand_in_for_the_desk(exercise)
    before = _fingerprint()
    try:
        value = _built(answer, cells)
    except BaseException as error:
        return _failed(f"cell {answer.cell}, or what it needs, raised {describe(error)}")
    if value is exercise.reference:
        return _failed("it is the course's own answer")
    os.environ["DGM_CHECK_SECONDS"] = str(min(exercise.seconds, seconds / 2))
    verdict = evaluate(exercise, value)
    if verdict.status != "pass":
        return {"status": verdict.status, "message": verdict.message}
    if _differ(before, _fingerprint()):
        return _failed("it replaces functions of the course: nothing can be said of it")
    told = [encode(number) for number in numbers(exercise, value)]
    return {"status": "pass", "message": "", "numbers": told}


def _failed(message: str) -> dict[str, Any]:
    return {"status": "fail", "message": message}


def _stand_in_for_the_desk(exercise: Exercise) -> None:
    """Let `check` return what is judged here as it is, and the course's answers to all others."""

    def check(name: str, answer: Any) -> Any:
        return answer if name == exercise.name else find(name).reference

    def mine(name: str) -> Any:
        return check(name, ...)

    exercises.check, exercises.mine = check, mine
    exercises.hint = exercises.progress = lambda *_: None


def _built(answer: Answer, cells: Cells) -> Any:
    """Run the statements that an answer needs, then its expression."""
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    for statement in answer.statements:
        code = compile(ast.Module([statement.node], []), _shown(statement.cell, cells), "exec")
        exec(code, vars(module))
    code = compile(ast.Expression(answer.expression), _shown(answer.cell, cells), "eval")
    return eval(code, vars(module))


def _shown(cell: int, cells: Cells) -> str:
    """A file name for a cell under which its lines can be read, as the engine does."""
    name, source = f"<cell {cell}>", cells[cell - 1]
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    return name


def _fingerprint() -> dict[tuple[str, ...], int]:
    """Which functions the course's modules and classes hold now."""
    found: dict[tuple[str, ...], int] = {}
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "dgm_lib":
            for key, value in list(vars(module).items()):
                _note(found, (name, key), value)
                if isinstance(value, type) and value.__module__ == name:
                    for inner, member in list(vars(value).items()):
                        _note(found, (name, key, inner), member)
    return found


def _note(found: dict, place: tuple[str, ...], value: Any) -> None:
    if callable(value) or isinstance(value, (staticmethod, classmethod, property)):
        found[place] = id(getattr(value, "__code__", value))


def _differ(before: dict, now: dict) -> bool:
    """Whether a place holds another function; modules loaded in between do not count."""
    return any(now.get(place) != value for place, value in before.items())


# ------------------------------------------------------------------------ the whole notebook


def run(cells: Cells, folder: str | None) -> dict[str, Any]:
    """Run all cells in order; {"cell", "error"} of the first that raises something, else {}."""
    work = Path(tempfile.mkdtemp())  # what lies beside the notebook is in it, and it can be written
    for beside in Path(folder).iterdir() if folder else ():
        (work / beside.name).symlink_to(beside)
    os.chdir(work)
    execute = _shell()
    for number, source in enumerate(cells, start=1):
        if source is not None and (error := execute(source)):
            return {"cell": number, "error": describe(error)}
    return {}


def _shell() -> Callable[[str], BaseException | None]:
    """What runs a cell as a notebook does, without a front end; returns what the cell raised."""
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    shell.history_manager.enabled = False
    shell.showtraceback = shell.showsyntaxerror = lambda *_, **__: None
    shell.ask_exit = lambda: sys.exit("exit()")
    shell.enable_gui = lambda *_, **__: None  # `%matplotlib inline` asks for it

    def execute(source: str) -> BaseException | None:
        result = shell.run_cell(source, store_history=False)
        if "matplotlib.pyplot" in sys.modules:
            sys.modules["matplotlib.pyplot"].close("all")
        return result.error_before_exec or result.error_in_exec

    return execute
