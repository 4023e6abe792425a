"""What happens when memory runs out: say so in plain words, and let go of what did fit."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import torch

ASKED = re.compile(r"to allocate ([\d.]+) (\w+)|calculation overflowed with sizes=(\[[\d, ]*\])")


def out_of_memory(error: BaseException) -> str:
    """What asked for more memory than there is, in words; "" if the error says something else.

    >>> out_of_memory(RuntimeError("can't allocate: you tried to allocate 8000000000000 bytes."))
    'out of memory: 8,000.00 GB more were asked for'
    >>> out_of_memory(ValueError("scale must be positive"))
    ''
    """
    if not isinstance(error, (RuntimeError, MemoryError)):
        return ""
    if not (found := ASKED.search(str(error))):
        return "out of memory" if isinstance(error, MemoryError) else ""
    number, unit, sizes = found.groups()
    if sizes:
        return f"out of memory: a tensor of shape {sizes} was asked for"
    if unit == "bytes":  # as torch counts on the CPU, and nowhere else
        number, unit = f"{float(number) / 1e9:,.2f}", "GB"
    return f"out of memory: {number} {unit} more were asked for"


@contextmanager
def within_memory(step: int) -> Iterator[None]:
    """Have the update before `step` that finds no memory raise what names the step and a way out.

    The error keeps its lines and loses their tensors: a notebook keeps the last error, and the
    next cell needs the memory.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not (words := out_of_memory(error)):
            raise
        traceback.clear_frames(error.__traceback__)
        raise torch.OutOfMemoryError(
            f"training ran {words}, at step {step}. Smaller batches or a smaller model need "
            f"less; the model holds the weights that step {step - 1} left"
        ) from error
