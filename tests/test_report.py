"""What cells print about numbers: constant while right, marked when wrong."""

import math

import pytest

from dgm_lib.core import Estimate
from dgm_lib.report import OUTSIDE, agrees, close, holds, stored


def said(capsys: pytest.CaptureFixture) -> str:
    return capsys.readouterr().out


@pytest.mark.parametrize("value", [0.4412, 0.4439, 0.4461, 0.4499])
def test_close_prints_one_line_for_all_values_within_tolerance(capsys, value) -> None:
    close("loss", value, expected=0.445, tol=0.005, unit=" nats")
    assert said(capsys) == "loss: 0.445 nats to within 0.005\n"


@pytest.mark.parametrize("value", [0.4398, 0.4502, math.nan, math.inf])
def test_close_marks_a_value_outside_and_shows_it(capsys, value) -> None:
    close("loss", value, expected=0.445, tol=0.005)
    text = said(capsys)
    assert OUTSIDE in text and f"{value:.6g}" in text


def test_close_never_claims_a_tighter_tolerance_than_it_uses(capsys) -> None:
    for tol, shown in [(0.0149, "0.015"), (0.0101, "0.011"), (0.3, "0.3"), (12.0, "12")]:
        close("x", 1.0, expected=1.0, tol=tol)
        assert said(capsys).strip().endswith(f" to within {shown}")


def test_close_refuses_a_tolerance_that_is_none() -> None:
    for tol in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="tol must be positive"):
            close("x", 1.0, expected=1.0, tol=tol)


def test_agrees_shows_the_exact_value_and_is_silent_within_four_errors(capsys) -> None:
    agrees("KL", Estimate(0.4431, 0.0018), exact=0.4428)
    assert said(capsys) == "KL: 0.4431 ± 0.0018   exact 0.4428\n"


@pytest.mark.parametrize("value", [0.46, 0.42, math.nan])
def test_agrees_marks_what_does_not_agree(capsys, value) -> None:
    agrees("KL", Estimate(value, 0.002), exact=0.4428)
    assert OUTSIDE in said(capsys)


def test_agrees_marks_a_wrong_value_without_spread(capsys) -> None:
    """A constant wrong estimate has a standard error of zero: that must not pass."""
    agrees("zero spread", Estimate(0.5, 0.0), exact=0.4)
    assert OUTSIDE in said(capsys)
    agrees("zero spread, right", Estimate(0.4, 0.0), exact=0.4)
    assert OUTSIDE not in said(capsys)


def test_holds_ticks_or_marks(capsys) -> None:
    holds("1 < 2", 1 < 2)
    assert said(capsys) == "✓ 1 < 2\n"
    for wrong in (2 < 1, None, math.nan):
        holds("2 < 1", wrong)
        assert OUTSIDE in said(capsys)


def test_stored_results_have_their_keys_and_a_missing_file_says_how_to_get_it() -> None:
    assert {"target", "model", "seed", "cpu_s", "hq"} <= stored("gan")[0].keys()
    with pytest.raises(FileNotFoundError, match="python -m benchmarks.nothing"):
        stored("nothing")
