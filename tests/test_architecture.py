"""The house keeps its shape: imports only downward, small files, nothing done at import.

    ground  core, nets                               import only one another
    nouns   targets, data, paths, models             import the ground; no model imports another
    verbs   objectives, samplers, metrics, training  import the ground
    roof    plot, report, demo, exercises,           import anything; pictures and widgets live here
            grade, arena

A new module in dgm_lib needs a place in one of these lines.
"""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

GROUND = {"core", "nets"}
NOUNS = {"targets", "data", "paths", "models"}
VERBS = {"objectives", "samplers", "metrics", "training"}
ROOF = {"plot", "report", "demo", "exercises", "grade", "arena"}
ROOF_ONLY = {"matplotlib", "seaborn", "ipywidgets", "anywidget", "traitlets", "IPython", "PIL"}

FILE_LINES = 300
LINE_LENGTH = 100
NAMELESS = {"utils.py", "util.py", "helpers.py", "misc.py", "common.py"}


def files(root: Path, *folders: str) -> Iterator[tuple[str, Path]]:
    """The Python files under some folders, each with its name relative to the root."""
    for folder in folders:
        for path in sorted((root / folder).rglob("*.py")):
            yield path.relative_to(root).as_posix(), path


def tree(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path: Path, name: str) -> set[str]:
    """The dotted names a file imports, made absolute; `from a import b` counts as a and a.b."""
    package = name.removesuffix(".py").split("/")[:-1]
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *filter(None, [node.module])])
            found |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return found


def room(dotted: str) -> str:
    """The room a dotted name of dgm_lib belongs to: `dgm_lib.models.flow` is in `models`."""
    return dotted.split(".")[1]


def may_import(own: str) -> set[str]:
    """The rooms that a room may import, besides itself."""
    if own in GROUND:
        return GROUND
    if own in NOUNS | VERBS:
        return GROUND | {own}
    return GROUND | NOUNS | VERBS | ROOF


def rooms_without_layer(root: Path) -> list[str]:
    """Modules of dgm_lib that stand in no layer."""
    known = GROUND | NOUNS | VERBS | ROOF | {"__init__"}
    rooms = {name.split("/")[1].removesuffix(".py") for name, _ in files(root, "dgm_lib")}
    return [
        f"dgm_lib/{own}: give it a layer in tests/test_architecture.py (ground, noun, verb, roof)"
        for own in sorted(rooms - known)
    ]


def upward_imports(root: Path) -> list[str]:
    """Imports within dgm_lib from a room that is not below."""
    rooms = GROUND | NOUNS | VERBS | ROOF
    found = []
    for name, path in files(root, "dgm_lib"):
        own = name.split("/")[1].removesuffix(".py")
        allowed = set() if own == "__init__" else may_import(own)
        ours = {dotted for dotted in imported(path, name) if dotted.startswith("dgm_lib.")}
        found += [
            f"{name} imports {dotted}" for dotted in sorted(ours) if room(dotted) in rooms - allowed
        ]
    return found


def sibling_models(root: Path) -> list[str]:
    """Model families that import one another; they meet in the notebook."""
    families = {
        path.stem for path in (root / "dgm_lib" / "models").glob("*") if path.stem != "__init__"
    }
    found = []
    for name, path in files(root, "dgm_lib/models"):
        own = name.split("/")[2].removesuffix(".py")
        parts = [
            dotted.split(".")
            for dotted in imported(path, name)
            if dotted.startswith("dgm_lib.models.")
        ]
        others = {part[2] for part in parts} & families - {own}
        found += [
            f"{name} imports the family {other}" for other in sorted(others) if own != "__init__"
        ]
    return found


def pictures_below_the_roof(root: Path) -> list[str]:
    """Imports of plotting and widget packages outside the roof."""
    found = []
    for name, path in files(root, "dgm_lib"):
        if name.split("/")[1].removesuffix(".py") not in ROOF:
            packages = {dotted.split(".")[0] for dotted in imported(path, name)}
            found += [f"{name} imports {package}" for package in sorted(packages & ROOF_ONLY)]
    return found


def large_or_nameless(root: Path) -> list[str]:
    """Files past the limits of length and width, and files named after nothing."""
    found = []
    for name, path in files(root, "dgm_lib", "tools", "tests", "benchmarks"):
        lines = path.read_text(encoding="utf-8").splitlines()
        if len(lines) > FILE_LINES:
            found.append(f"{name}: {len(lines)} lines; past {FILE_LINES} a file is split by theme")
        wide = [k for k, line in enumerate(lines, 1) if len(line) > LINE_LENGTH]
        found += [f"{name}:{k}: longer than {LINE_LENGTH} characters" for k in wide]
        if path.name in NAMELESS:
            found.append(f"{name}: name it after what it does")
    return found


def undocumented(root: Path) -> list[str]:
    """Modules of dgm_lib and tools, and their public functions and classes, without a docstring."""
    found = []
    for name, path in files(root, "dgm_lib", "tools"):
        module = tree(path)
        kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
        public = [n for n in module.body if isinstance(n, kinds) and not n.name.startswith("_")]
        if module.body and ast.get_docstring(module) is None:
            found.append(f"{name}: the module has no docstring")
        found += [
            f"{name}: {node.name} has no docstring"
            for node in public
            if ast.get_docstring(node) is None
        ]
    return found


RULES = [
    rooms_without_layer,
    upward_imports,
    sibling_models,
    pictures_below_the_roof,
    large_or_nameless,
    undocumented,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_obeys(rule) -> None:
    assert not rule(ROOT)


# --- each rule can fail ---------------------------------------------------------------------------

DOC = '"""A room."""\n'
SOUND = {
    "dgm_lib/__init__.py": DOC,
    "dgm_lib/core.py": DOC,
    "dgm_lib/nets.py": DOC + "from . import core\n",
    "dgm_lib/targets/__init__.py": DOC + "from dgm_lib.targets.ring import Ring\n",
    "dgm_lib/targets/ring.py": DOC + 'from .. import core\n\n\nclass Ring:\n    """A ring."""\n',
    "dgm_lib/models/__init__.py": DOC,
    "dgm_lib/models/flow.py": DOC + "from dgm_lib import nets\n",
    "dgm_lib/models/vae/__init__.py": DOC + "from dgm_lib.models.vae.encoder import Encoder\n",
    "dgm_lib/models/vae/encoder.py": DOC + 'class Encoder:\n    """x to q(z|x)."""\n',
    "dgm_lib/training.py": DOC + "from dgm_lib.core import device\nimport tqdm\n",
    "dgm_lib/plot.py": DOC + "import matplotlib.pyplot as plt\nfrom dgm_lib import targets\n",
}


@pytest.mark.parametrize(
    ("rule", "file", "text"),
    [
        (rooms_without_layer, "dgm_lib/novel.py", ""),
        (rooms_without_layer, "dgm_lib/novel/__init__.py", ""),
        (upward_imports, "dgm_lib/core.py", "from dgm_lib import plot\n"),
        (upward_imports, "dgm_lib/core.py", "def f():\n    import dgm_lib.plot as p\n"),
        (upward_imports, "dgm_lib/targets/ring.py", "from ..training import fit\n"),
        (upward_imports, "dgm_lib/targets/ring.py", "from .. import training\n"),
        (upward_imports, "dgm_lib/training.py", "from dgm_lib.targets.ring import Ring\n"),
        (upward_imports, "dgm_lib/models/flow.py", "from dgm_lib.targets import ring\n"),
        (upward_imports, "dgm_lib/__init__.py", "from dgm_lib import core\n"),
        (sibling_models, "dgm_lib/models/flow.py", "from dgm_lib.models import vae\n"),
        (sibling_models, "dgm_lib/models/flow.py", "from .vae.encoder import Encoder\n"),
        (sibling_models, "dgm_lib/models/vae/encoder.py", "from dgm_lib.models.flow import Flow\n"),
        (pictures_below_the_roof, "dgm_lib/targets/ring.py", "import matplotlib.pyplot as plt\n"),
        (
            pictures_below_the_roof,
            "dgm_lib/core.py",
            "def f():\n    from IPython.display import display\n",
        ),
        (large_or_nameless, "dgm_lib/core.py", "x = 0\n" * 301),
        (large_or_nameless, "tests/test_core.py", "x = 0\n" * 301),
        (large_or_nameless, "tests/test_core.py", "x = " + "1 + " * 30 + "1\n"),
        (large_or_nameless, "dgm_lib/models/utils.py", ""),
        (undocumented, "dgm_lib/core.py", "x = 0\n"),
        (undocumented, "dgm_lib/core.py", DOC + "def device():\n    return 0\n"),
        (undocumented, "dgm_lib/core.py", DOC + "class Grid:\n    pass\n"),
    ],
)
def test_each_rule_can_fail(rule, file: str, text: str, tmp_path: Path) -> None:
    for name, content in SOUND.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    assert not rule(tmp_path)
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text(text)
    found = rule(tmp_path)
    assert found and all(file.rsplit("/", 1)[0] in line for line in found)


# --- nothing happens at import --------------------------------------------------------------------

SNAPSHOT = """
import importlib, os, pkgutil, random, sys, warnings
import matplotlib.pyplot as plt, numpy, torch
import sklearn  # this one sets KMP_ variables of its own

def state():
    return dict(
        torch_rng=torch.get_rng_state().tolist(),
        numpy_rng=str(numpy.random.get_state()),
        python_rng=random.getstate(),
        dtype=torch.get_default_dtype(),
        threads=torch.get_num_threads(),
        precision=torch.get_float32_matmul_precision(),
        gradients=torch.is_grad_enabled(),
        deterministic=torch.are_deterministic_algorithms_enabled(),
        rc=dict(plt.rcParams),
        figures=plt.get_fignums(),
        printing=numpy.get_printoptions(),
        environment=dict(os.environ),
        folder=os.getcwd(),
    )

before = state()
import dgm_lib
modules = [m.name for m in pkgutil.walk_packages(dgm_lib.__path__, "dgm_lib.")]
for name in [*modules, *sys.argv[1:]]:
    importlib.import_module(name)
after = state()
print(*[key for key in before if before[key] != after[key]])
"""


def changed_at_import(root: Path, *extra: str) -> list[str]:
    """The parts of the process's global state that importing all of dgm_lib changes."""
    command = [sys.executable, "-W", "error", "-c", SNAPSHOT, *extra]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(root)])}
    run = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout.split()


def test_nothing_happens_at_import() -> None:
    assert changed_at_import(ROOT) == []


def test_what_happens_at_import_is_seen(tmp_path: Path) -> None:
    (tmp_path / "busy.py").write_text(
        "import torch, seaborn\ntorch.manual_seed(0)\nseaborn.set_theme()\n"
    )
    assert changed_at_import(tmp_path, "busy") == ["torch_rng", "rc"]
