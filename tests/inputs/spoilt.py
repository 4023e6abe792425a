"""What is passed by mistake, and what may come of it; the same numbers in other types."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from hypothesis import strategies as st
from torch import Tensor


class Same(NamedTuple):
    """An answer is right if it is that to this value."""

    value: object


REFUSE, LOST, EMPTY, META = "refuse", "NaN", "empty", "meta"


class Spoilt(NamedTuple):
    """What is passed instead, which mistake it is, and what is allowed besides an error."""

    kind: str
    value: object
    allowed: object = REFUSE


FOREIGN = [Spoilt("text", "text"), Spoilt("object", object()), Spoilt("mapping", {})]
NOTHING = Spoilt("None", None)
FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


def other_types(x: Tensor) -> list[Spoilt]:
    """The same numbers in other types; of some, numbers that these types can hold."""
    return [
        Spoilt("list", x.double().tolist(), Same(x)),
        Spoilt("array", x.numpy(), Same(x)),
        Spoilt("float64", x.double(), Same(x)),
        Spoilt("float16", x.half(), Same(x.half().float())),
        Spoilt("bfloat16", x.bfloat16(), Same(x.bfloat16().float())),
        Spoilt("integers", (3 * x).long(), Same((3 * x).long().float())),
        Spoilt("bool", x > 0, Same((x > 0).float())),
        Spoilt("complex", torch.complex(x, torch.ones_like(x))),
        Spoilt("list of text", np.full(x.shape, "1.0").tolist()),
        Spoilt("ragged", [[1.0, 2.0], [3.0]]),
        Spoilt("with gaps", torch.stack([x, x], dim=-1)[..., 0], Same(x)),
        Spoilt("with a gradient", x.clone().requires_grad_(), Same(x)),
    ]


def other_numbers(x: Tensor) -> st.SearchStrategy[Spoilt]:
    """One of the numbers is another one."""
    at = st.integers(0, x.numel() - 1)
    infinite = st.sampled_from([math.inf, -math.inf])
    huge = st.sampled_from([1e38, -1e38, 3e38])
    return st.one_of(
        at.map(lambda i: Spoilt("NaN", with_(x, i, math.nan), LOST)),
        st.builds(lambda i, v: Spoilt("inf", with_(x, i, v), _limit(x, i, v)), at, infinite),
        st.builds(lambda i, v: Spoilt("huge", with_(x, i, v), _exact(x, i, v)), at, huge),
        st.builds(lambda i, v: Spoilt("any number", with_(x, i, v), _exact(x, i, v)), at, FLOATS),
    )


def with_(x: Tensor, i: int, value: float) -> Tensor:
    spoilt = x.flatten().clone()
    spoilt[i] = value
    return spoilt.reshape(x.shape)


def _exact(x: Tensor, i: int, value: float) -> Same:
    return Same(with_(x.double(), i, value))


def _limit(x: Tensor, i: int, value: float) -> Same:
    return Same(with_(x.double(), i, math.copysign(1e150, value)))
