"""Pictures, and what a cell says about a number."""

from __future__ import annotations

import matplotlib.pyplot as plt
import torch

from dgm_lib import plot, report, targets
from dgm_lib.core import Estimate
from tests.inputs.arguments import Argument, Function, Line, Number, Points, Whole
from tests.inputs.roof_table import drawn
from tests.inputs.several import Box, Several, Truth
from tests.inputs.verdict import Case

P, ON_LINE = targets.ring(3), targets.two_modes()
N = Whole(8)
ESTIMATES = Points(make=torch.abs, tied=True)
RISING = Line(make=lambda x: x.sort().values, tied=True)
SHEET = Points(d=4, fixed=False, make=torch.sigmoid)
MESH = Points(d=4, fixed=False, make=lambda x: x.reshape(-1, 2, 2))
NUMBERS = Points(make=lambda x: x[:2])


def of(name: str, *given: object, **arguments: Argument) -> Case:
    """A picture; the first of its arguments may be fixed."""
    call = lambda **spoilt: drawn(name, *given, **spoilt)  # noqa: E731
    return Case(f"plot.{name}", call, arguments, also=("x",))


def sheet(**sizes: object) -> None:
    figure, _ = plot.figure(**sizes)
    plt.close(figure)


TABLE = [
    Case(
        "plot.figure",
        sheet,
        dict(cols=Whole(2), rows=Whole(1), width=Number(3.0), height=Number(3.0)),
    ),
    of("truth", target=Function(P), n=N),
    of("contours", target=Function(P), n=N),
    of("model", log_prob=Function(P.log_prob, judged=True), box=Box(), n=N),
    of("heat", value=Function(lambda x: x.sum(-1), judged=True), box=Box(), n=N),
    of("mesh", x=MESH),
    of("images", x=SHEET),
    of("images", torch.ones(3, 4), cols=Whole(2, optional=True)),
    of("truth_line", value=Number(1.0, -torch.inf)),
    of("band", x=RISING, estimates=ESTIMATES),
    of("dots", x=RISING, estimates=ESTIMATES),
    of("table", values=NUMBERS, rows=Several(("a", "b")), cols=Several(("a", "b"))),
    of("losses", values=Line(), floor=Number(1.0, -torch.inf), window=Whole(3, unlimited=True)),
    of("frame", box=Box()),
    Case(
        "report.close",
        lambda expected, tol: report.close("a number", 1.0, expected, tol),
        dict(expected=Number(1.0, -torch.inf), tol=Number(0.1)),
    ),
    Case(
        "report.agrees",
        lambda **given: report.agrees("a number", **given),
        dict(
            estimate=Function(Estimate(1.0, 0.1)),
            exact=Number(1.0, -torch.inf),
            sigmas=Number(4.0),
        ),
    ),
    Case("report.holds", lambda truth: report.holds("so", truth), dict(truth=Truth())),
]
