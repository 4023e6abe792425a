"""What a cell says about a number: the value, its error bar, and whether it agrees with the truth.

Notebooks are regression tests that compare printed text exactly. These helpers print a line that
stays the same while the number stays within its stated error, and a marked one when it does not.
They return nothing, so that a cell may end with one of them. `stored` has the numbers that would
take too long to find in a cell.
"""

import json
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import dgm_lib
from dgm_lib.core import Estimate, tensor
from dgm_lib.nets.inputs import between, positive

OUTSIDE = "<-- outside"


def close(name: str, value: float, expected: float, tol: float, unit: str = "") -> None:
    """Print the expected value of a number that may drift, as long as |value − expected| ≤ tol.

    For anything that comes out of a training run: choose tol as about three standard deviations
    of the value over seeds. Outside the tolerance the real value is printed, marked. The line
    says "to within", since ± is for standard errors.
    """
    value, tol = float(value), positive("tol", tol)
    expected = between("expected", expected, -math.inf, math.inf)
    shown_tol = _rounded_up(tol)
    decimals = len(shown_tol.partition(".")[2])
    expected_text = f"{expected:.{decimals}f}{unit} to within {shown_tol}"
    if abs(value - expected) <= tol:
        print(f"{name}: {expected_text}")
    else:
        print(f"{name}: {value:.6g}{unit}   {OUTSIDE} the expected {expected_text}")


def agrees(
    name: str, estimate: Estimate, exact: float, sigmas: float = 4.0, word: str = "exact"
) -> None:
    """Print an estimate with its standard error beside the exact value, marked where they differ.

    They differ when |estimate − exact| > sigmas · stderr. A right estimate is marked about once
    in 16,000 times at the default of four standard errors. `word` says what `exact` is where it
    is not the exact value: a claim, a bound.
    """
    if not (isinstance(estimate, tuple) and len(estimate) == 2):
        raise ValueError(f"estimate must be an Estimate, got {estimate!r}")
    value, stderr = estimate
    exact, sigmas = between("exact", exact, -math.inf, math.inf), positive("sigmas", sigmas)
    line = f"{name}: {estimate}   {word} {_to_digits_of(exact, stderr)}"
    if not abs(value - exact) <= sigmas * stderr:
        line += f"   {OUTSIDE} {sigmas:g} standard errors"
    print(line)


def holds(statement: str, truth: bool) -> None:
    """Print a statement with a tick, or marked when it does not hold here."""
    if (found := tensor("truth", False if truth is None else truth)).numel() != 1:
        raise ValueError(f"truth must be one truth value, got {truth!r}")
    right = bool(found) and bool(found == found)  # NaN counts as true elsewhere
    print(f"✓ {statement}" if right else f"✗ {statement}   {OUTSIDE} what was claimed")


def stored(benchmark: str) -> list[dict[str, Any]]:
    """What `python -m benchmarks.NAME` found when it was run for the course: a row for each run.

    A row names its `target`, `model`, `seed` and budget `cpu_s`, and has the metrics that apply.
    """
    path = Path(dgm_lib.__file__).resolve().parents[1] / f"benchmarks/results/{benchmark}.json"
    if not path.exists():
        raise FileNotFoundError(
            f"benchmarks/results/{benchmark}.json is not beside the package dgm_lib: take the "
            f"course's whole repository, or run `python -m benchmarks.{benchmark} --json` in it"
        )
    return json.loads(path.read_text(encoding="utf-8"))["rows"]


def _rounded_up(tol: float) -> str:
    """A tolerance to two digits, never smaller than it is: 0.0101 becomes 0.011."""
    unit = 10.0 ** (math.floor(math.log10(tol)) - 1)
    shown = Decimal(math.ceil(tol / unit - 1e-9)) * Decimal(f"{unit:.0e}")
    return f"{shown.normalize():f}"


def _to_digits_of(value: float, error: float) -> str:
    """A value with as many decimals as its error deserves, and one more."""
    if not (math.isfinite(error) and error > 0):
        return f"{value:.6g}"
    return f"{value:.{max(0, 1 - math.floor(math.log10(error)))}f}"
