"""pyproject.toml, constraints.txt, environment.yml and README.md agree on the packages."""

import ast
import re
import sys
import tomllib
from importlib.metadata import distribution
from itertools import takewhile
from pathlib import Path

import install
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]

CONDA_NAMES = {
    "torch": "pytorch",
    "matplotlib": "matplotlib-base",
    "seaborn": "seaborn-base",
    "jupyter-client": "jupyter_client",
}
NOT_ON_CONDA = {"playwright", "math-core"}  # the tests that need them skip without
IMPORT_NAMES = {
    "scikit-learn": "sklearn",
    "pillow": "PIL",
    "ipython": "IPython",
    "pytest-xdist": "xdist",
    "pyro-ppl": "pyro",
}
OUR_SCRIPTS = {path.stem for folder in ("tools", "tests") for path in (ROOT / folder).glob("*.py")}
OURS = {"dgm_lib", "tests", "benchmarks", "conftest"} | OUR_SCRIPTS


def requirements(lines: list[str]) -> dict[str, Requirement]:
    """Requirement lines by canonical name."""
    return {canonicalize_name(r.name): r for r in map(Requirement, lines)}


def constraints() -> dict[str, Version]:
    """The pinned version of every package in constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {name: Version(version) for name, version in pins}


def conda_packages() -> dict[str, str]:
    """The packages of environment.yml and what each asks for, without Python and pip."""
    text = (ROOT / "environment.yml").read_text(encoding="utf-8").split("- pip:")[0]
    listed = re.findall(
        r"^  - ([\w-]+) *([=<>]=?[\w.,<>=]+)?$", text.split("dependencies:")[1], re.MULTILINE
    )
    return {name: spec for name, spec in listed if name != "pip"}


CORE = requirements(PROJECT["dependencies"])
TEST = requirements(EXTRAS["test"])
DECLARED = CORE | TEST


def test_every_dependency_is_pinned_within_what_the_project_asks_for() -> None:
    pins = constraints()
    assert set(DECLARED) <= set(pins)
    assert not [
        f"{r} but {pins[name]}" for name, r in DECLARED.items() if pins[name] not in r.specifier
    ]


def test_constraints_hold_on_every_system() -> None:
    pins = constraints()
    assert list(pins) == sorted(canonicalize_name(name) for name in pins)
    assert not [name for name, version in pins.items() if version.local]
    assert not [
        name for name in pins if name.startswith(("nvidia-", "cuda-", "triton", "pywin", "appnope"))
    ]


def test_what_is_installed_is_what_is_pinned() -> None:
    """Only in the environment that `make setup` made: conda's may have other versions."""
    if not (Path(sys.prefix) / "course-installed").exists():
        pytest.skip("this Python was not set up by `make setup`")
    pins = constraints()
    installed = {name: Version(distribution(name).version).public for name in DECLARED}
    assert installed == {name: str(pins[name]) for name in DECLARED}


def test_a_complete_environment_is_known_to_be_complete() -> None:
    """Else every `make` would install anew, and without a network fail."""
    if not install.STAMP.exists():
        pytest.skip("there is no environment made by `make setup`")
    assert install.right_python() and install.up_to_date() and install.complete()


@pytest.mark.parametrize("module", ["dgm_lib.no_such_room", "nosuchpackage"])
def test_a_package_that_is_gone_is_noticed(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "MODULES", ["torch", module])
    assert not install.complete()


def test_torch_and_ipykernel_are_exact() -> None:
    assert str(CORE["torch"].specifier) == "==2.13.0"
    assert str(CORE["ipykernel"].specifier) == "==7.4.0"


def test_conda_environment_says_the_same() -> None:
    expected = {
        CONDA_NAMES.get(name, name): str(requirement.specifier)
        for name, requirement in DECLARED.items()
        if name not in NOT_ON_CONDA
    }
    assert conda_packages() == expected | {"python": PROJECT["requires-python"]}


def test_conda_environment_is_conda_forge_only_and_pip_adds_just_the_course() -> None:
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    channels = text.split("channels:")[1].split("dependencies:")[0]
    assert re.findall(r"- (\S+)", channels) == ["conda-forge", "nodefaults"]
    assert re.findall(r"^ +- (\S+ ?\S*)", text.split("- pip:")[1], re.MULTILINE) == ["-e ."]


def third_party_imports(*folders: str) -> set[str]:
    """The top-level packages imported under some folders that are neither Python's own nor ours."""
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    nodes = [n for path in paths for n in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    names = {alias.name for n in nodes if isinstance(n, ast.Import) for alias in n.names}
    names |= {n.module for n in nodes if isinstance(n, ast.ImportFrom) and not n.level}
    return {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) - OURS


def import_names(declared: dict[str, Requirement]) -> set[str]:
    """What declared packages are called in an import."""
    return {IMPORT_NAMES.get(name, name.replace("-", "_")) for name in declared}


def test_every_import_is_declared() -> None:
    assert third_party_imports("dgm_lib") - import_names(CORE) == set()
    assert third_party_imports("tools", "tests") - import_names(DECLARED) == set()


def test_benchmarks_import_what_their_extra_declares() -> None:
    bench = requirements(EXTRAS.get("bench", []))
    assert third_party_imports("benchmarks") - import_names(CORE | bench) == set()


def test_every_dependency_has_its_reason_in_the_readme() -> None:
    """In README.md a table row each: | `name` | the reason |."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| *`?([\w.-]+)`? *\| *(\S[^|]*?) *\|", readme, re.MULTILINE))
    reasons = {canonicalize_name(name): reason for name, reason in rows.items()}
    assert not [name for name in DECLARED if name not in reasons]


# --- make, and what the README says of it ---------------------------------------------------------


def make_help() -> list[str]:
    """What `make help` prints: the first lines of the Makefile."""
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    return [line.removeprefix("#").strip() for line in takewhile(lambda s: s[:1] == "#", lines)]


def test_make_help_lists_every_target_in_columns() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    (targets,) = re.findall(r"^\.PHONY: (.+)$", text, re.MULTILINE)
    rows = [row for line in make_help() if (row := re.match(r"make (\w+) +(?=\S)", line))]
    assert sorted(row[1] for row in rows) == sorted(set(targets.split()) - {"help"})
    assert len({row.end() for row in rows}) == 1


def test_git_keeps_out_what_make_and_the_grader_write() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    assert {".venv/", "/site/", "/grades/"} <= set(ignored)


def test_the_readme_counts_the_lectures_that_there_are() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \d\d[a-z]? \| (.+?) \| (\w*) ?\|$", readme, re.MULTILINE)
    ready = [re.search(r"\]\(lectures/(.+)\.ipynb\)$", title)[1] for title, said in rows if said]
    assert ready == sorted(path.stem for path in (ROOT / "lectures").glob("*.ipynb"))
    assert not [title for title, said in rows if not said and "](" in title]
    ((every, written),) = re.findall(r"(\d+) lectures, (\d+) of them written", readme)
    assert (int(every), int(written)) == (len(rows), len(ready))
