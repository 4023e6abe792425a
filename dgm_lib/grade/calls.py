"""What is asked of Linux by `prctl`, and the system calls that a task may not make.

The limits see memory that is mapped, and files in /tmp, whose size is limited. Two calls make
memory that is neither, and that could fill the machine: `memfd_create` and `shmget`.
"""

import contextlib
import ctypes
import errno
import os
import struct

PDEATHSIG, DUMPABLE, SECCOMP, NO_NEW_PRIVS = 1, 4, 22, 38  # options of prctl(2)
LOAD, EQUAL, AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06  # operations of a filter, see seccomp(2)
CALL, MACHINE = 0, 4  # what they may load
ALLOW, DENY = 0x7FFF0000, 0x00050000 | errno.ENOSYS
X32 = 0x40000000  # from here on the same calls have other numbers
HIDDEN = {  # the machine's mark; its numbers of shmget, memfd_create, memfd_secret
    "x86_64": (0xC000003E, 29, 319, 447),
    "aarch64": (0xC00000B7, 194, 279, 447),
}


def prctl(option: int, *values: object) -> None:
    """Ask Linux something; nothing happens on other systems."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(option, *values, *[0] * (4 - len(values)))


def forbid_hidden_memory() -> None:
    """Let the calls that make it fail in this process and its children."""
    if os.uname().machine not in HIDDEN:
        return
    steps = _filter(*HIDDEN[os.uname().machine])
    kept = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = struct.pack("@HP", len(steps), ctypes.addressof(kept))
    prctl(NO_NEW_PRIVS, 1)
    prctl(SECCOMP, 2, program)


def _filter(machine: int, *calls: int) -> list[tuple[int, int, int, int]]:
    """Steps of (operation, steps to skip if so, if not, value); the last one denies."""
    last = 5 + len(calls)
    return [
        (LOAD, 0, 0, MACHINE),
        (EQUAL, 0, last - 2, machine),
        (LOAD, 0, 0, CALL),
        (AT_LEAST, last - 4, 0, X32),
        *((EQUAL, last - place - 1, 0, call) for place, call in enumerate(calls, start=4)),
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, DENY),
    ]
