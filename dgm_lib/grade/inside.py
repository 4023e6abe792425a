"""The server within the sandbox: a fresh process for each answer, forked, limited and watched.

It runs no learner's code itself, and yet nothing that it says is believed outside: a process that
it watches has the same rights as it.
"""

import contextlib
import json
import math
import mmap
import os
import re
import select
import signal
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from dgm_lib.grade.calls import DUMPABLE, PDEATHSIG, forbid_hidden_memory, prctl

try:
    import resource
except ImportError:  # on Windows, where nothing is graded
    resource = None

REPLY = 16 * 2**20  # bytes that a task may answer
FILE = 64 * 2**20  # bytes that a file may have
PROCESSES = 64  # that may run at a time
PATIENCE = 3  # seconds by the clock for each second of processor time
LOOK = 0.05  # seconds between two looks at the processes
PAGE = mmap.PAGESIZE
RESIDENT = re.compile(r"^Rss(?:Anon|Shmem):\s*(\d+) kB", re.MULTILINE)


class Limits(NamedTuple):
    """What a task may take.

    seconds: of processor time, which are the same on a busy machine. memory: in bytes.
    is_alone: whether no processes are in sight but the server's and the task's.
    """

    seconds: float
    memory: int
    is_alone: bool

    @property
    def patience(self) -> float:
        """Seconds by the clock."""
        return PATIENCE * self.seconds


def serve() -> None:
    """Read one job from stdin, do its tasks, and write a line of JSON for each to stdout."""
    job = json.load(sys.stdin)
    channel = os.dup(1)
    _silence()
    prctl(DUMPABLE, 0)  # no task reads or writes the server's memory, or its channel
    from dgm_lib.grade import tasks  # slow to import: before the first fork, and only once

    # In a namespace of its own, all processes in sight may be killed: those of the task.
    is_alone = os.path.exists("/proc/self/ns/pid") and _namespace() != job["namespace"]
    limits = Limits(job["seconds"], job["memory"], is_alone)
    for name in job["exercises"]:
        tasks.prepare(name)
    # Last: it may hold a dgm_lib too. After all imports of the server: it may hold what they try.
    sys.path += [job["folder"]] if job["folder"] else []
    cells, seconds = job["cells"], limits.patience
    for name in job["exercises"]:
        _say(channel, _watched(limits, lambda name=name: tasks.judge(name, cells, seconds)))
    if job["run"]:
        _say(channel, _watched(limits, lambda: tasks.run(cells, job["folder"])))


def _namespace() -> str:
    return os.readlink("/proc/self/ns/pid")


def _say(channel: int, reply: dict[str, Any]) -> None:
    data = json.dumps(reply).encode() + b"\n"
    while data:
        data = data[os.write(channel, data) :]


def _silence() -> None:
    """Nothing is read from the terminal, and nothing written to it."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)


# ------------------------------------------------------------------------ one task


def _watched(limits: Limits, task: Callable[[], dict]) -> dict[str, Any]:
    """What a task returns, from a process of its own, with "seconds"; or "ended", and why."""
    ours, theirs = os.pipe()
    started = time.monotonic()
    process = os.fork()
    if process == 0:
        _work(limits, task, theirs)
    os.close(theirs)
    try:
        data, ended = _follow(process, ours, limits, started + limits.patience)
    finally:
        _end(process, limits)
        os.close(ours)
    reply = {"ended": ended}
    if not ended:
        try:
            reply = json.loads(data)
        except (ValueError, RecursionError):
            reply = {"ended": "its process left no verdict"}
    return {**reply, "seconds": time.monotonic() - started}


def _work(limits: Limits, task: Callable[[], dict], reply: int) -> None:
    """The child: do the task and be gone."""
    status = 1
    try:
        os.setsid()
        os.closerange(3, reply)
        os.closerange(reply + 1, 256)
        _impose(limits)
        _say(reply, task())
        status = 0
    finally:
        os._exit(status)


def _impose(limits: Limits) -> None:
    """The limits that the system keeps for us."""
    wanted = {
        resource.RLIMIT_CPU: math.ceil(limits.seconds),  # one more for who ignores SIGXCPU
        resource.RLIMIT_FSIZE: FILE,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_AS: _address_space() + limits.memory,
        resource.RLIMIT_NPROC: PROCESSES if limits.is_alone else _processes_of_this_user() + 64,
    }
    for what, value in wanted.items():
        with contextlib.suppress(ValueError, OSError):  # not every system has every limit
            resource.setrlimit(what, (value, value + (what == resource.RLIMIT_CPU)))
    prctl(PDEATHSIG, signal.SIGKILL)  # whoever ends the server ends this
    prctl(DUMPABLE, 1)
    forbid_hidden_memory()


def _address_space() -> int:
    """Bytes of the libraries that are loaded; they are not the learner's."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[0]) * PAGE
    except OSError:
        return 8 * 2**30


def _follow(process: int, reply: int, limits: Limits, end: float) -> tuple[bytes, str]:
    """What a process writes until it ends, and why it must be ended, "" if it did so by itself."""
    data, baseline = bytearray(), _private_bytes("self")
    while time.monotonic() < end:
        if select.select([reply], [], [], LOOK)[0]:
            data += (part := os.read(reply, 2**16))
            if len(data) > REPLY:
                return b"", "it was stopped: its reply has no end"
            if part:
                continue
            time.sleep(LOOK / 10)  # it has closed its end, but goes on
        gone, status = os.waitpid(process, os.WNOHANG)
        if gone:
            return _rest(reply, data), _how_it_ended(status, limits)
        family = _family(process, limits)
        if len(family) > PROCESSES:
            return b"", f"it was stopped: it runs more than {PROCESSES} processes"
        if sum(_private_bytes(member) - baseline for member in family) > limits.memory:
            return b"", f"it was stopped: it takes more than {limits.memory / 2**30:g} GB of memory"
    return b"", f"it was stopped after {limits.patience:g} s"


def _rest(reply: int, data: bytearray) -> bytes:
    """All that was written; a grandchild may hold the other end open."""
    while len(data) <= REPLY and select.select([reply], [], [], 0)[0]:
        if not (part := os.read(reply, 2**16)):
            break
        data += part
    return bytes(data)


def _how_it_ended(status: int, limits: Limits) -> str:
    code = os.waitstatus_to_exitcode(status)
    if code == -signal.SIGXCPU:
        return f"it was stopped after {limits.seconds:g} s of processor time"
    if code < 0:
        return f"its process was ended by {signal.Signals(-code).name} before the verdict"
    return f"its process ended, with status {code}, before the verdict" if code else ""


def _end(process: int, limits: Limits) -> None:
    """End a task with all that it started; what left its group is in reach only where alone."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            os.kill(-1, signal.SIGKILL) if limits.is_alone else os.killpg(process, signal.SIGKILL)
        for member in _family(process, limits):
            with contextlib.suppress(OSError):
                os.kill(int(member), signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if not _family(process, limits):
            break
        time.sleep(0.01)


# ------------------------------------------------------------------------ the processes in sight


def _family(process: int, limits: Limits) -> list[str]:
    """The processes that a task started, as far as they can be known."""
    try:
        everybody = [name for name in os.listdir("/proc") if name.isdigit()]
    except OSError:  # not on this system
        return []
    if limits.is_alone:
        return [name for name in everybody if name not in ("1", str(os.getpid()))]
    return [name for name in everybody if _session(name) == process]


def _session(process: str) -> int:
    try:
        return os.getsid(int(process))
    except OSError:
        return -1


def _private_bytes(process: str) -> int:
    """Memory of a process that is not of files: its own, inherited, shared with its children."""
    try:
        with open(f"/proc/{process}/status") as file:
            return sum(map(int, RESIDENT.findall(file.read()))) * 1024
    except (OSError, ValueError):
        return 0


def _processes_of_this_user() -> int:
    """How many processes count against the limit already."""
    count = 0
    with contextlib.suppress(OSError):
        for name in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                count += os.stat(f"/proc/{name}").st_uid == os.getuid()
    return count
