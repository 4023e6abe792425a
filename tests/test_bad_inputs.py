"""One argument is spoilt: a clear `ValueError` or `TypeError`, or the right answer; never another.

Hypothesis draws the points, which argument is spoilt, and how; `INPUTS=500 pytest` tries as many
for each function. What an error must say: the argument's name. What an answer may be: that to the
same numbers in double precision, NaN where there was a NaN, nothing for nothing.
"""

from __future__ import annotations

import importlib
import math
import os
import re
from types import ModuleType

import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.inputs import (
    demo_table,
    exercises_table,
    flows_table,
    latent_table,
    makers_table,
    metrics_table,
    models_table,
    nets_table,
    objectives_table,
    paths_table,
    pictures_table,
    roof_table,
    samplers_table,
    steps_table,
    targets_table,
)
from tests.inputs.arguments import Points
from tests.inputs.spoilt import LOST, Same, Spoilt
from tests.inputs.untried import UNTRIED
from tests.inputs.verdict import Case, fault, numbers

TABLES = (
    demo_table,
    exercises_table,
    flows_table,
    latent_table,
    makers_table,
    metrics_table,
    models_table,
    nets_table,
    objectives_table,
    paths_table,
    pictures_table,
    roof_table,
    samplers_table,
    steps_table,
    targets_table,
)
CASES = [case for table in TABLES for case in table.TABLE]

trying = settings(
    max_examples=int(os.environ.get("INPUTS", "4")),
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],  # to make a failure smaller takes minutes, and these are small
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_good_inputs_are_answered(case: Case) -> None:
    assert not numbers(case.call(**case.good(seed=0, n=5))).isnan().any()


@pytest.mark.filterwarnings("ignore:Warning only once")  # torch, of its own device meta
@pytest.mark.parametrize("case", CASES, ids=repr)
@trying
@given(data=st.data())
def test_no_spoilt_input_is_answered_wrongly(case: Case, data: st.DataObject) -> None:
    seed, n = data.draw(st.integers(0, 99), label="seed"), data.draw(st.integers(4, 7), label="n")
    name = data.draw(st.sampled_from(sorted(case.arguments)), label="argument")
    good = case.good(seed, n)[name]
    spoilt = data.draw(case.arguments[name].mistakes(good), label="spoilt")
    assert fault(case, seed, n, name, spoilt) is None


def exported(room: ModuleType) -> set[str]:
    """The public callables of a room: what it exports, or else what it defines."""
    names = getattr(room, "__all__", None) or [
        name
        for name, value in vars(room).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == room.__name__
    ]
    return {name for name in names if callable(getattr(room, name))}


@pytest.mark.parametrize("room", UNTRIED)
def test_every_public_callable_is_tried_or_has_a_reason(room: str) -> None:
    tried = {word for case in CASES for word in re.findall(r"\w+", case.name)}
    public = exported(importlib.import_module(f"dgm_lib.{room}"))
    assert public - tried <= UNTRIED[room].keys(), "neither in a table nor in untried.py"
    assert UNTRIED[room].keys() <= public, "in untried.py, but not there any more"


WRONG = {
    "a NaN that is lost": Spoilt("NaN", torch.tensor([[math.nan, 1.0]]), LOST),
    "an error of torch": Spoilt("text", "text"),
    "a column too many": Spoilt("a column more", torch.ones(5, 3)),
    "another answer": Spoilt("array", torch.ones(5, 2).numpy(), Same(torch.zeros(5, 2))),
}


@pytest.mark.parametrize("spoilt", WRONG.values(), ids=WRONG)
def test_a_function_that_checks_nothing_is_found_out(spoilt: Spoilt) -> None:
    careless = Case("careless", lambda x: torch.as_tensor(x).nansum(), {"x": Points()})
    assert fault(careless, 0, 5, "x", spoilt)
