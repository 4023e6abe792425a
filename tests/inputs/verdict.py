"""Whether a function did right by a bad argument."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from tests.inputs.arguments import Argument
from tests.inputs.spoilt import EMPTY, LOST, META, REFUSE, Same, Spoilt

PRECISION = {torch.float16: 0.05, torch.bfloat16: 0.3, torch.complex64: 1e-3}


@dataclass(frozen=True)
class Case:
    """A function, and what its arguments should be; `random` if it draws more than once."""

    name: str
    call: Callable[..., object]
    arguments: dict[str, Argument]
    random: bool = False
    also: tuple[str, ...] = ()  # what its errors may name besides
    gives_up: bool = False  # whether it may end in a RuntimeError, as its documentation says

    def __repr__(self) -> str:
        return self.name

    def good(self, seed: int, n: int) -> dict[str, object]:
        """Good arguments."""
        rng = torch.Generator().manual_seed(seed)
        return {name: kind.good(rng, n) for name, kind in self.arguments.items()}


def fault(case: Case, seed: int, n: int, name: str, spoilt: Spoilt) -> str | None:
    """What is wrong with the function's answer to the spoilt argument; None if nothing is."""

    def asked(value: object) -> object:
        return case.call(**{**case.good(seed, n), name: value})

    try:
        answer = numbers(asked(spoilt.value))
    except (ValueError, TypeError) as error:
        return None if _is_clear(str(error), case) else f"unclear: {error!r}"
    except Exception as error:  # torch itself says which devices do not go together
        is_told = spoilt.allowed == META and "meta" in str(error).lower()
        is_told = is_told or case.gives_up and type(error) is RuntimeError
        return None if is_told else f"raised {error!r}"
    if spoilt.allowed == REFUSE:
        return f"answered {answer[:3].tolist()}"
    if spoilt.allowed == META:
        return None if answer.is_meta else f"answered {answer[:3].tolist()}"
    if spoilt.allowed in (LOST, EMPTY):
        lost = answer.numel() == 0 or not answer.isfinite().all()  # -inf: there is no such point
        return None if lost else f"answered {answer[:3].tolist()}"
    return _difference(case, answer, asked, spoilt)


def _is_clear(message: str, case: Case) -> bool:
    """Whether an error names an argument (this one or one it should go with), or says what must."""
    names = [*case.arguments, *case.also]
    return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", message) for name in names)


def _difference(case: Case, answer: Tensor, asked: Callable, spoilt: Spoilt) -> str | None:
    """How an answer differs from the one to the good value it stands for; NaN and inf are loud."""
    if not answer.isfinite().all() or answer.is_meta:
        return None
    given = spoilt.value
    dtype = given.dtype if isinstance(given, Tensor) else None
    if case.random and dtype in PRECISION:  # other numbers are drawn in another precision
        return None
    references = list(_references(asked, spoilt.allowed))
    allowed = PRECISION.get(dtype, 1e-3)
    if any(_close(answer, reference, allowed) for reference in references):
        return None
    return f"answered {answer[:3].tolist()}, not {[r[:3].tolist() for r in references]}"


def _references(asked: Callable, same: Same) -> Iterator[Tensor]:
    """The answers in double and in single precision, as far as there are any."""
    value = same.value
    is_real = isinstance(value, Tensor) and value.is_floating_point()
    for given in (value.double(), value.float()) if is_real else (value,):
        try:
            yield numbers(asked(given))
        except Exception:  # no network in double precision answers in single, and so on
            pass


def _close(a: Tensor, b: Tensor, allowed: float) -> bool:
    if a.shape != b.shape:
        return False
    return bool(((a - b).abs() <= allowed * (1 + b.abs().nan_to_num())).all()) or a.equal(b)


def numbers(answer: object) -> Tensor:
    """All numbers in an answer, one after another, in double precision."""
    if isinstance(answer, Tensor):
        flat = answer.detach().flatten()
        return flat if flat.is_complex() else flat.double()
    if isinstance(answer, (tuple, list)):
        parts = [numbers(part) for part in answer]
        return torch.cat(parts) if parts else torch.zeros(0)
    if isinstance(answer, (int, float)):
        return torch.tensor([float(answer)], dtype=torch.float64)
    if answer is None:
        return torch.zeros(0, dtype=torch.float64)
    raise AssertionError(f"an answer of type {type(answer).__name__}")
