"""The way back through a reversible block."""

from collections.abc import Callable

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Fail, Mistake
from dgm_lib.exercises.autoregressive_flows.networks import fixed_map


def reversible_inverse(y1: Tensor, y2: Tensor, f: Callable, g: Callable) -> tuple[Tensor, Tensor]:
    """The x1 (*batch, d1), x2 (*batch, d2) with y1 = x1 + f(x2) and y2 = x2 + g(y1)."""
    x2 = y2 - g(y1)
    x1 = y1 - f(x2)
    return x1, x2


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(shape, d1, d2):
        y1 = 0.5 + torch.randn(*shape, d1, generator=generator, dtype=torch.float64)
        y2 = torch.randn(*shape, d2, generator=generator, dtype=torch.float64) - 0.3
        return y1.to(dtype), y2.to(dtype), fixed_map(d2, d1, 0.7), fixed_map(d1, d2, 1.9)

    return [case((), 2, 2), case((3,), 2, 2), case((2, 3), 3, 3), case((4,), 3, 2)]


def _back_and_forth(fn, generator):
    """undoes the block"""
    x1, x2 = torch.randn(2, 5, 4, generator=generator, dtype=torch.float64)
    f, g = fixed_map(4, 4, 1.3), fixed_map(4, 4, 0.4)
    y1 = x1 + f(x2)
    back = fn(y1, x2 + g(y1), f, g)
    if not all(map(torch.allclose, back, (x1, x2))):
        raise Fail("the inverse of a block must give back what went into it, to rounding")


def _slides(y1, y2, f, g):
    x2 = y2 - f(y1)
    return y1 - g(x2), x2


def _first_first(y1, y2, f, g):
    x1 = y1 - f(y2)
    return x1, y2 - g(y1)


def _first_first_then_used(y1, y2, f, g):
    x1 = y1 - f(y2)
    return x1, y2 - g(x1)


def _mirrored(y1, y2, f, g):
    x1 = y1 - g(y2)
    return x1, y2 - f(x1)


def _plus(y1, y2, f, g):
    x2 = y2 + g(y1)
    return y1 + f(x2), x2


def _plus_g(y1, y2, f, g):
    x2 = y2 + g(y1)
    return y1 - f(x2), x2


def _plus_f(y1, y2, f, g):
    x2 = y2 - g(y1)
    return y1 + f(x2), x2


def _f_of_y1(y1, y2, f, g):
    return y1 - f(y1), y2 - g(y1)


def _g_of_y2(y1, y2, f, g):
    x2 = y2 - g(y2)
    return y1 - f(x2), x2


def _g_of_x1_at_last(y1, y2, f, g):
    x1 = y1 - f(y2 - g(y1))
    return x1, y2 - g(x1)


def _forward(y1, y2, f, g):
    z1 = y1 + f(y2)
    return z1, y2 + g(z1)


def _swapped(y1, y2, f, g):
    return reversible_inverse(y1, y2, f, g)[::-1]


def _negative(y1, y2, f, g):
    x2 = g(y1) - y2
    return f(x2) - y1, x2


def _only_g(y1, y2, f, g):
    return y1, y2 - g(y1)


def _roles_of_y(y1, y2, f, g):
    x2 = y1 - g(y2)
    return y2 - f(x2), x2


def _in_place(y1, y2, f, g):
    y2 -= g(y1)
    y1 -= f(y2)
    return y1, y2


def _cut(y1, y2, f, g):
    with torch.no_grad():
        return reversible_inverse(y1, y2, f, g)


def _net_cut(y1, y2, f, g):
    x2 = y2 - g(y1).detach()
    return y1 - f(x2).detach(), x2


def _joined(y1, y2, f, g):
    return torch.cat(reversible_inverse(y1, y2, f, g), dim=-1)


def _in_one_line(y1, y2, f, g):
    return y1 - f(y2 - g(y1)), y2 - g(y1)


def _with_signs(y1, y2, f, g):
    x2 = -(g(y1) - y2)
    return [torch.add(y1, f(x2), alpha=-1), x2]


def _written_into_clones(y1, y2, f, g):
    x1, x2 = y1.clone(), y2.clone()
    x2 -= g(x1)
    return x1.sub_(f(x2)), x2


def _as_two_couplings(y1, y2, f, g):
    def undo(passed, shifted, shift):
        return passed, shifted - shift(passed)

    y1, x2 = undo(y1, y2, g)
    return undo(x2, y1, f)[::-1]


Exercise(
    reversible_inverse,
    title="Back through a reversible block",
    minutes=4,
    difficulty=1,
    returns="two tensors, x1 (*batch, d1) and x2 (*batch, d2)",
    cases=_cases,
    properties=[_back_and_forth],
    grad_wrt=("y1", "y2"),
    mistakes=[
        Mistake(
            "the slides",
            _slides,
            "f and g are swapped (so they are on the slides): g was added to x2, f to x1",
        ),
        Mistake(
            "x1 first",
            _first_first,
            "f saw x2 on the way there, you give it y2: find x2 first, then x1 = y1 − f(x2)",
        ),
        Mistake(
            "x1 first, then used",
            _first_first_then_used,
            "you begin with x1, which needs x2: undo the last step first, x2 = y2 − g(y1)",
        ),
        Mistake(
            "mirrored",
            _mirrored,
            "f and g are swapped and the order is that of the way there: undo the last step first",
        ),
        Mistake("plus", _plus, "what the block added is subtracted on the way back: − for +"),
        Mistake("plus g", _plus_g, "g(y1) was added to x2: subtract it from y2"),
        Mistake("plus f", _plus_f, "f(x2) was added to x1: subtract it from y1"),
        Mistake("f of y1", _f_of_y1, "f saw x2, not y1: x1 = y1 − f(x2)"),
        Mistake("g of y2", _g_of_y2, "g saw y1, not y2: x2 = y2 − g(y1)"),
        Mistake("g of x1", _g_of_x1_at_last, "g saw y1, not x1: x2 = y2 − g(y1)"),
        Mistake("forward", _forward, "this runs the block once more: solve its two lines for x"),
        Mistake("swapped", _swapped, "your two tensors are swapped: x1 comes first"),
        Mistake("negative", _negative, "the signs are turned around: x2 = y2 − g(y1), not g − y2"),
        Mistake("only g", _only_g, "only the second line is undone: y1 still holds f(x2)"),
        Mistake("y1 for y2", _roles_of_y, "y1 and y2 are swapped: g(y1) was added to x2"),
        Mistake("in place", _in_place, "you write over y1 and y2: give the results new names"),
        Mistake("cut", _cut, "no_grad() cuts the results off from y1 and y2"),
        Mistake("f, g cut", _net_cut, "no gradient flows through f and g: no .detach() there"),
        Mistake("joined", _joined, "return x1 and x2 apart, not joined into one tensor"),
    ],
    accepts=[_in_one_line, _with_signs, _written_into_clones, _as_two_couplings],
    hints=(
        "Of the two lines of the block, which one can be solved with y1 and y2 alone?",
        "The last step is undone first: x2 = y2 − g(y1). Then f(x2) is known too.",
    ),
)
