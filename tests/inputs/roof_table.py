"""Training, pictures and the controls of demos."""

from __future__ import annotations

from itertools import islice, repeat

import torch
from matplotlib.figure import Figure
from torch import nn

from dgm_lib import arena, core, plot, targets, training
from dgm_lib.demo.controls import Slider
from dgm_lib.nets import MLP
from tests.inputs.arguments import Function, Labels, Number, Points, Whole
from tests.inputs.verdict import Case

DATA = torch.ones(4, 2)


def fresh_net() -> nn.Module:
    with core.RandomStream(0, "cpu"):
        return MLP(2, 1, (4,))


def square(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return model(x).square().mean()


def trained(**given: object) -> torch.Tensor:
    """The losses of a run of at most three steps."""
    defaults = {"model": fresh_net(), "loss": square, "batches": repeat(DATA)}
    run = training.train(**defaults | given)
    return torch.stack([torch.as_tensor(step.loss) for step in islice(run, 3)])


def first_batch(**given: object) -> torch.Tensor:
    with core.RandomStream(0, "cpu"):
        return next(iter(training.epochs(**given)))


def drawn(name: str, *first: object, **given: object) -> None:
    """A picture; all that counts is whether it is refused."""
    getattr(plot, name)(Figure().add_subplot(), *first, **given)


def next_draw(**given: object) -> torch.Tensor:
    with core.RandomStream(0, "cpu"):
        return next(training.draws(**given))


P = targets.ring(3)
RUN = dict(
    steps=Whole(3, unlimited=True),
    lr=Number(0.1, optional=True),
    clip=Number(1.0, optional=True),
    ema=Number(0.9, 0, 1, optional=True),
    seed=Whole(0, low=-(2**63)),
)

TABLE = [
    Case("Seconds", lambda limit: arena.Seconds(limit).limit, dict(limit=Number(3.0))),
    Case("Steps", lambda limit: arena.Steps(limit).limit, dict(limit=Whole(3))),
    Case("Cells", lambda n: arena.Cells(P, n).mass, dict(n=Whole(3, unlimited=True))),
    Case("Cells.counts", arena.Cells(P, 3).counts, dict(x=Points())),
    Case("arena.Exact", lambda target: arena.Exact(target) and None, dict(target=Function(P))),
    Case("draws", next_draw, dict(density=Function(P), size=Whole(3))),
    Case(
        "checkpoint",
        lambda every: training.checkpoint([], "nowhere", every) and None,
        dict(every=Whole(500)),
    ),
    Case(
        "fit",
        lambda steps: training.fit(fresh_net(), square, repeat(DATA), steps=steps).losses,
        dict(steps=Whole(2, unlimited=True)),
        random=True,
    ),
    Case("train", trained, RUN, random=True),
    Case("train.loss", trained, dict(loss=Function(square)), random=True),
    Case("plot.samples", lambda x: drawn("samples", x=x), dict(x=Points(d=2, fixed=False))),
    Case(
        "epochs",
        first_batch,
        dict(data=Points(fixed=False), size=Whole(2, unlimited=True)),
        random=True,
    ),
    Case(
        "Slider",
        lambda **given: Slider(**given).value,
        dict(lo=Number(0.1, -1e300, 5), hi=Number(9.0, 0.1), value=Number(1.0, 0.1, 9, True, True)),
    ),
    Case(
        "plot.labelled",
        lambda **given: drawn("labelled", **given),
        dict(x=Points(tied=True), y=Labels()),
    ),
]
