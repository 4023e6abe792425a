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

PROBE = """
import importlib.util, sys
modules = ["torch", "jupyterlab", "ipywidgets", "nbval", "pytest", "dgm_lib"]
missing = [m for m in modules if getattr(importlib.util.find_spec(m), "origin", None) is None]
sys.exit(bool(missing) or (len(sys.argv) > 1 and sys.argv[1] != "%d.%d" % sys.version_info[:2]))
"""

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


def sound():
    """Whether .venv runs, holds the main packages and has the version of PYTHON, if that is set."""
    wanted = ["%d.%d" % sys.version_info[:2]] if "PYTHON" in os.environ else []
    try:
        return subprocess.run([str(python_of(VENV)), "-I", "-c", PROBE] + wanted).returncode == 0
    except OSError:
        return False


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
    stamp = STAMP.read_text() if STAMP.exists() else None
    usable = stamp is not None and sound()
    if usable and stamp == fingerprint():
        return
    if not usable:
        print(
            "Making .venv: a few minutes, once; afterwards the course needs no network.",
            flush=True,
        )
        create(VENV)
    pip(VENV, "install", "-c", CONSTRAINTS.name, "-e", ".[test]")
    STAMP.write_text(fingerprint())


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
