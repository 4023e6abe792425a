"""Make .venv: the course, its pinned packages, nothing else.

    python tools/install.py                  what `make setup` runs; does nothing when all is there
    python tools/install.py --constraints    write constraints.txt anew from the newest packages

Runs on the machine's bare Python, so it needs the standard library only, and its syntax is old
enough for a Python that is too old to say so itself.
"""

import hashlib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
STAMP = VENV / "course-installed"  # written last, so an interrupted installation has none
CONSTRAINTS = ROOT / "constraints.txt"
OLDEST = (3, 11)

MODULES = ["torch", "jupyterlab", "ipywidgets", "nbval", "pytest", "dgm_lib"]
PROBE = """
import importlib.util, sys
sys.exit(not all(importlib.util.find_spec(module) for module in sys.argv[1:]))
"""

VERSION = "import sys; sys.exit(sys.argv[1:] not in ([], ['%d.%d' % sys.version_info[:2]]))"

HEADER = """\
# The exact versions the course is tested with, every package that pip brings included.
# Written by `make constraints` from what pyproject.toml asks for: run it to move to newer versions,
# then `make lectures test`. A constraint only applies where its package is wanted, so this one file
# serves every system.
"""


def python_of(venv):
    """The Python inside a virtual environment."""
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def fingerprint():
    """What .venv is made from: it changes when the course needs other packages or has moved."""
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8").split("\n[tool.")[0]
    sources = [str(ROOT), project, CONSTRAINTS.read_text(encoding="utf-8")]
    return hashlib.sha256("\0".join(sources).encode()).hexdigest()


def succeeds(*arguments):
    """Whether the Python of .venv runs with these arguments and says that all is well."""
    try:
        command = [str(python_of(VENV)), "-I"] + list(arguments)
        return subprocess.call(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def right_python():
    """Whether the Python of .venv runs and, if PYTHON names one, has its version."""
    wanted = ["%d.%d" % sys.version_info[:2]] if "PYTHON" in os.environ else []
    return succeeds("-c", VERSION, *wanted)


def complete():
    """Whether .venv holds the packages of the course."""
    return succeeds("-c", PROBE, *MODULES)


def up_to_date():
    """Whether .venv was made from the packages that are asked for now."""
    return STAMP.exists() and STAMP.read_text() == fingerprint()


def run(*command):
    """Run a command in the repository; end the program with a clear last line where it fails."""
    try:
        subprocess.run([str(part) for part in command], cwd=str(ROOT), check=True)
    except subprocess.CalledProcessError as error:
        sys.exit(
            "\nThe installation stopped at: %s\nThe reason stands above. Run it again to go on."
            % " ".join(map(str, error.cmd))
        )
    except KeyboardInterrupt:
        sys.exit("\nInterrupted; the same command starts again.")


def create(venv):
    """An empty virtual environment, whatever was there before."""
    if sys.version_info < OLDEST:
        sys.exit(
            "The course needs Python %d.%d or newer, and this is %s (%s).\nName a newer one: "
            "PYTHON=python3.12 make setup" % (OLDEST + (sys.version.split()[0], sys.executable))
        )
    # The base Python: the running one may be the very environment that is about to be cleared.
    run(getattr(sys, "_base_executable", sys.executable), "-m", "venv", "--clear", venv)


def pip(venv, *arguments):
    """Run the pip of a virtual environment."""
    run(python_of(venv), "-m", "pip", "--disable-pip-version-check", *arguments)


def install():
    """Bring .venv up to date; nothing happens when it is."""
    right = right_python()
    if right and up_to_date() and complete():
        return
    print("Making .venv: minutes, once; afterwards the course needs no network.", flush=True)
    # What works is left in place for pip to mend, since there may be no network to make it anew.
    mendable = right and succeeds("-m", "pip", "--version")
    if not mendable:
        create(VENV)
    packages = ("install", "-c", CONSTRAINTS.name, "-e", ".[test]")
    pip(VENV, *packages)
    if mendable and not complete():  # pip goes by its own records, and files are gone
        create(VENV)
        pip(VENV, *packages)
    STAMP.write_text(fingerprint())
    print("Done: make lab")


def pins(freeze):
    """The lines of `pip freeze` as constraints that hold on every system."""
    versions = dict(line.split("==") for line in freeze.splitlines() if "==" in line)
    versions = {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in versions.items()}
    # torch itself pins its CUDA libraries, and only its Linux build from the registry has them.
    names = [name for name in versions if not re.match(r"(nvidia|cuda|triton)\b", name)]
    return ["%s==%s" % (name, versions[name].split("+")[0]) for name in sorted(names)]


def write_constraints():
    """Resolve pyproject.toml afresh in a scratch environment and write down what came."""
    with tempfile.TemporaryDirectory() as scratch:
        venv = Path(scratch) / "venv"
        create(venv)
        pip(venv, "install", "-e", ".[test]")
        freeze = [
            str(python_of(venv)),
            "-m",
            "pip",
            "freeze",
            "--all",
            "--exclude",
            "pip",
            "--exclude-editable",
        ]
        lines = pins(subprocess.run(freeze, check=True, stdout=subprocess.PIPE).stdout.decode())
        CONSTRAINTS.write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_constraints() if sys.argv[1:] == ["--constraints"] else install()
