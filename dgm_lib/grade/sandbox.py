"""The sandbox from outside: a server started in bubblewrap, and a conversation with it.

In it there is no network, no home, no process but its own, and nothing to write to but a small
/tmp; the system, the Python that runs and the course can be read. What it says is capped in size
and time.
"""

import contextlib
import functools
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dgm_lib.grade.inside import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
START = 120.0  # seconds until the server has loaded what it needs, on a busy machine
SPARE = 20.0  # seconds that a task's own time limit is given to work
SAID = 64 * 2**20  # bytes that a server may say in all
SPACE = 256 * 2**20  # bytes in /tmp
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix")
SETTINGS = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "fonts", "localtime")
NONSENSE = "what came out of the sandbox is no verdict: learners' code may have written it"
SERVER = """\
import sys
sys.path.insert(0, sys.argv[1])
from dgm_lib.grade.inside import serve
serve()
"""
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "USER": "learner", "LOGNAME": "learner",
    "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONHASHSEED": "0", "TQDM_DISABLE": "1",
    "MPLBACKEND": "agg", "DGM_DEVICE": "cpu",
}
HOMES = {"HOME": "", "TMPDIR": "", "DGM_HOME": "answers", "IPYTHONDIR": "ipython",
         "MPLCONFIGDIR": "matplotlib", "XDG_CACHE_HOME": "cache"}


class Refused(Exception):
    """Nothing can be graded here; the text says why, and what to do."""


class Broken(Exception):
    """The server went away or said nonsense; the text says which."""


@dataclass(frozen=True)
class Sandbox:
    """How learners' code is run.

    seconds, memory: what each answer, and the run of the notebook, may take: seconds of processor
        time (three times that by the clock), and bytes.
    is_closed: whether in bubblewrap; if not, there are only the limits.
    """

    seconds: float = 300.0
    memory: int = 4 * 2**30
    is_closed: bool = True
    servers: set[subprocess.Popen] = field(default_factory=set, compare=False, repr=False)

    def stop(self) -> None:
        """End all that runs; whoever waits for a reply gets Broken."""
        for server in list(self.servers):
            server.kill()

    def require(self) -> None:
        """Raise Refused if bubblewrap is wanted and does not work, or nothing can be limited."""
        if not hasattr(os, "fork"):
            raise Refused("the grader needs Linux, or macOS with --no-sandbox")
        if not self.is_closed:
            return
        if not shutil.which("bwrap"):
            raise Refused(
                "learners' code is run in a sandbox, and its program `bwrap` is not there: install "
                "the package `bubblewrap` (Linux only), or say --no-sandbox to run learners' code "
                "with your own rights, within limits of time and memory only"
            )
        command = [*_bubblewrap(None), sys.executable, "-I", "-c", "pass"]
        tried = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True)
        if tried.returncode:
            raise Refused(
                f"bubblewrap is here but cannot make a sandbox: {tried.stderr.strip()[:300]}\n"
                "the system must allow user namespaces to `bwrap`; or say --no-sandbox to run "
                "learners' code with your own rights, within limits of time and memory only"
            )

    def replies(self, job: dict[str, Any], folder: Path | None) -> Iterator[dict[str, Any]]:
        """What the server says of each task of a job; Broken if it stops before the end.

        job: "cells", "exercises" and "run"; folder: what else the learner handed in.
        """
        count = len(job["exercises"]) + job["run"]
        with tempfile.TemporaryDirectory(prefix="dgm-grade-", ignore_cleanup_errors=True) as home:
            home = "/tmp" if self.is_closed else home
            environment = ENVIRONMENT | {key: f"{home}/{name}" for key, name in HOMES.items()}
            start = _bubblewrap(folder) if self.is_closed else []
            course = "/course" if self.is_closed else str(ROOT)
            inside = "/submission" if self.is_closed else str(folder and folder.resolve())
            job = job | {
                "folder": inside if folder else None,
                "seconds": self.seconds,
                "memory": self.memory,
                "namespace": _namespace(),
            }
            with subprocess.Popen(
                [*start, sys.executable, "-I", "-B", "-c", SERVER, course],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                cwd=home,
                start_new_session=True,
            ) as server:
                self.servers.add(server)
                try:
                    yield from self._conversation(server, json.dumps(job).encode(), count)
                finally:
                    self.servers.discard(server)
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(server.pid, signal.SIGKILL)

    def _conversation(
        self, server: subprocess.Popen, job: bytes, count: int
    ) -> Iterator[dict[str, Any]]:
        try:
            server.stdin.write(job)
            server.stdin.close()
        except BrokenPipeError:
            raise Broken("the sandbox did not start") from None
        lines = _Lines(server.stdout.fileno())
        for number in range(count):
            yield lines.next(PATIENCE * self.seconds + SPARE + (0 if number else START))


class _Lines:
    """Lines of JSON from a pipe, in limited time and of limited length."""

    def __init__(self, pipe: int) -> None:
        self.pipe, self.buffer, self.said = pipe, bytearray(), 0
        self.selector = selectors.DefaultSelector()
        self.selector.register(pipe, selectors.EVENT_READ)

    def next(self, seconds: float) -> dict[str, Any]:
        end = time.monotonic() + seconds
        while b"\n" not in self.buffer:
            if not self.selector.select(max(0.0, end - time.monotonic())):
                raise Broken("the sandbox gave no answer in time")
            part = os.read(self.pipe, 2**16)
            self.said += len(part)
            if not part or self.said > SAID:
                raise Broken("the sandbox was ended from within" if not part else
                             "the sandbox says more than it may")
            self.buffer += part
        line, _, self.buffer = self.buffer.partition(b"\n")
        try:
            reply = json.loads(line)
        except (ValueError, RecursionError):
            raise Broken(NONSENSE) from None
        if not isinstance(reply, dict):
            raise Broken(NONSENSE)
        return reply


def _namespace() -> str:
    return os.readlink("/proc/self/ns/pid") if os.path.exists("/proc/self/ns/pid") else ""


@functools.cache
def _has(option: str) -> bool:
    """Whether this bubblewrap knows an option."""
    text = subprocess.run(["bwrap", "--help"], capture_output=True, text=True)
    return option in text.stdout + text.stderr


def _bubblewrap(folder: Path | None) -> list[str]:
    """The command that closes the sandbox around the command after it."""
    command = ["bwrap", "--unshare-all", "--unshare-user", "--uid", "1000", "--gid", "1000",
               "--cap-drop", "ALL", "--new-session", "--die-with-parent", "--hostname", "sandbox"]
    command += ["--disable-userns"] if _has("--disable-userns") else []
    for place in SYSTEM:
        if os.path.islink(place):
            command += ["--symlink", os.readlink(place), place]
        elif os.path.isdir(place):
            command += ["--ro-bind", place, place]
    for name in SETTINGS:
        command += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    command += ["--proc", "/proc", "--remount-ro", "/proc"]  # root's may set the kernel otherwise
    command += ["--dev", "/dev", *_room("/dev/shm"), "--remount-ro", "/dev"]
    command += [*_room("/tmp"), "--chdir", "/tmp"]
    for place in _of_python():
        command += ["--ro-bind", place, place]
    command += ["--ro-bind", f"{ROOT}/dgm_lib", "/course/dgm_lib"]
    if folder:
        command += ["--ro-bind", str(folder.resolve()), "/submission"]
    return [*command, "--remount-ro", "/", "--"]


def _room(place: str) -> list[str]:
    """A place to write to, of limited size where bubblewrap can limit it."""
    size = ["--size", str(SPACE)] if _has("--size") else []
    return [*size, "--tmpfs", place]


def _of_python() -> list[str]:
    """Where this Python and its packages lie, as far as it is not the system."""
    binary = Path(sys.executable)
    places = [sys.prefix, sys.base_prefix, binary.parent, binary.resolve().parents[1]]
    places = dict.fromkeys(os.path.abspath(place) for place in places)
    return [place for place in places if f"/{Path(place).parts[1]}" not in SYSTEM]
