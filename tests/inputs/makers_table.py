"""Constructors of paths, targets, energies and diffusion models, and what else they do."""

from __future__ import annotations

from functools import partial

import torch

from dgm_lib import core, nets, paths, targets
from dgm_lib.models import dequantise, diffusion, discretised, energy, flow
from tests.inputs.arguments import Function, Labels, Line, Number, Points, Rng, Shape, Times, Whole
from tests.inputs.models_table import DENOISER, PATH, RBM, UNITS
from tests.inputs.nets_table import built, maker
from tests.inputs.several import Box
from tests.inputs.targets_table import family, heights
from tests.inputs.verdict import Case

X, DRAW = Points(), dict(shape=Shape(), generator=Rng())
D, WIDTHS, NET = Whole(2), Shape((4,)), Function(None, optional=True)
TARGET = targets.ring(3)
GRID = core.Grid([[-8, 8], [-8, 8]], n=20)
MLP = built(nets.MLP, 2, 1, (4,))
SIMPLEX = Line(make=lambda x: torch.tensor([0.25, 0.75]))
PAIR = Line(make=lambda x: torch.tensor([-1.0, 2.0]))
WHOLE_NUMBERS = Points(make=lambda y: y.abs().round().clamp(max=3))
NOISE = dequantise.FlowNoise(built(flow.realnvp, 2, layers=1, hidden=(4,), context=2), 4)
CELL = dequantise.UniformNoise(2)(torch.zeros(1, 2))
SQUASHED = NOISE(torch.zeros(1, 2))
INSIDE = Points(make=torch.sigmoid)
LEVELS = discretised.DiscretisedLogistics(*torch.zeros(3, 2, 1), levels=4)
FAMILY = energy.ExponentialFamily(energy.polynomial(2), 2)
TEACHER = diffusion.ExactClassifier(PATH, TARGET)
PARTS = dict.fromkeys(("logits", "mu", "log_s"), Points(tied=True))


def mixture(**of: object) -> list[float]:
    return heights(targets.GaussianMixture, means=[[0.0, 1.0], [1.0, 2.0]], **of)


MADE_ON_PATHS = {
    "Denoiser": lambda path: diffusion.Denoiser(path, hidden=(4,)),
    "NoisyClassifier": lambda path: diffusion.NoisyClassifier(path, 3, hidden=(4,)),
    "ExactClassifier": lambda path: diffusion.ExactClassifier(path, TARGET),
    "Exact": lambda path: diffusion.Exact(path, TARGET),
}


def on_path(name: str) -> Case:
    """A model that is made with a path."""
    make = MADE_ON_PATHS[name]
    return Case(f"{name}.path", lambda path: make(path) and None, dict(path=Function(PATH)))


TABLE = [
    Case(
        "straight",
        lambda x0, t, eps: paths.straight().noised(x0, t, eps),
        dict(x0=Points(tied=True), t=Times(), eps=Points(tied=True)),
        also=("x",),
    ),
    family("two_modes", means=PAIR, scale=Number(), weights=SIMPLEX),
    Case("GaussianMixture.weights", mixture, dict(scale=Number(), weights=SIMPLEX)),
    Case(
        "Noised",
        lambda **of: targets.Noised(**of).log_prob(torch.zeros(3, 2)),
        dict(mixture=Function(TARGET), alpha=Number(closed=True), sigma=Number()),
    ),
    Case(
        "Tilted",
        lambda **of: targets.Tilted(**of).log_prob(torch.zeros(3, 2)),
        dict(target=Function(TARGET), label=Whole(1, low=0), w=Number(2.0, -torch.inf)),
    ),
    Case("Grid", lambda box, n: core.Grid(box, n).points, dict(box=Box(), n=Whole(3))),
    Case("Grid.coarser", lambda n: core.Grid([[0, 1]], n).coarser().points, dict(n=Whole(4))),
    Case(
        "RandomStream",
        lambda seed: core.RandomStream(seed, "cpu").state()["cpu"].sum(),
        dict(seed=Whole(3, low=-(2**63))),
    ),
    maker("EnergyModel", energy.EnergyModel, net=Function(MLP), scale=Number(2.0, optional=True)),
    Case(
        "OnGrid",
        lambda **of: energy.OnGrid(**of).log_Z,
        dict(model=Function(energy.EnergyModel(MLP, 2.0)), grid=Function(GRID)),
    ),
    Case(
        "polynomial",
        lambda degree: energy.polynomial(degree)(torch.ones(3, 2)),
        dict(degree=Whole(2, unlimited=True)),
    ),
    Case("polynomial.x", lambda x: energy.polynomial(2)(x), dict(x=Points(fixed=False))),
    maker(
        "ExponentialFamily", energy.ExponentialFamily, features=Function(energy.polynomial(2)), d=D
    ),
    Case("ExponentialFamily.energy", FAMILY.energy, dict(x=X)),
    Case("ExponentialFamily.moments", FAMILY.moments, dict(grid=Function(GRID))),
    Case(
        "ExponentialFamily.fit_moments",
        lambda target_moments: next(FAMILY.fit_moments(target_moments, GRID)).gap,
        dict(target_moments=Line(make=lambda x: torch.ones(5))),
    ),
    Case("RBM.visible", RBM.visible, dict(h=Points())),
    Case("RBM.joint_energy", RBM.joint_energy, dict(v=UNITS, h=Points(tied=True))),
    Case(
        "RBM.tempered",
        lambda **of: list(RBM.tempered(**of).parameters()),
        dict(
            beta=Number(0.5, 0, 1, closed=True), base_bias=Line(make=lambda b: b[:3], optional=True)
        ),
    ),
    Case("Enumerated", lambda rbm: energy.Enumerated(rbm).log_Z, dict(rbm=Function(RBM))),
    Case("UniformNoise", lambda d: dequantise.UniformNoise(d).d, dict(d=D)),
    Case(
        "FlowNoise",
        lambda levels: dequantise.FlowNoise(NOISE.flow, levels).levels,
        dict(levels=Whole(4, low=2)),
    ),
    Case(
        "FlowNoise.flow",
        lambda flow: dequantise.FlowNoise(flow, 4).levels,
        dict(flow=Function(NOISE.flow)),
    ),
    Case(
        "FlowNoise.law",
        lambda y: NOISE(y).log_prob(torch.full(y.shape, 0.5)),
        dict(y=WHOLE_NUMBERS),
        also=("x",),
    ),
    Case("UniformCell", CELL.log_prob, dict(u=INSIDE)),
    Case("SquashedCell", SQUASHED.log_prob, dict(u=INSIDE), also=("x",)),
    Case("UniformCell.draws", CELL.rsample_with_log_prob, DRAW),
    Case("SquashedCell.draws", SQUASHED.rsample_with_log_prob, DRAW),
    Case(
        "DiscretisedLogistics",
        lambda **of: discretised.DiscretisedLogistics(**of).probabilities(),
        PARTS | dict(levels=Whole(4, unlimited=True)),
    ),
    Case("DiscretisedLogistics.log_prob", LEVELS.log_prob, dict(y=WHOLE_NUMBERS)),
    Case("DiscretisedLogistics.sample", LEVELS.sample, DRAW),
    maker(
        "Denoiser",
        partial(diffusion.Denoiser, PATH),
        d=D,
        labels=Whole(2, low=0),
        hidden=WIDTHS,
        embedding=Whole(3),
    ),
    maker("Denoiser.net", lambda net: diffusion.Denoiser(PATH, net), net=NET),
    maker(
        "Denoiser.predicts",
        lambda predicts: diffusion.Denoiser(PATH, predicts=predicts, hidden=(4,)),
        predicts=Function(DENOISER.predicts),
    ),
    maker(
        "NoisyClassifier",
        partial(diffusion.NoisyClassifier, PATH),
        k=D,
        d=D,
        hidden=WIDTHS,
        net=NET,
    ),
    *map(on_path, MADE_ON_PATHS),
    Case("Exact", lambda target: diffusion.Exact(PATH, target).d, dict(target=Function(TARGET))),
    Case(
        "ExactClassifier",
        lambda target: diffusion.ExactClassifier(PATH, target).k,
        dict(target=Function(TARGET)),
    ),
    Case(
        "ExactClassifier.log_prob",
        TEACHER.log_prob,
        dict(x_t=Points(tied=True), t=Times(), y=Labels()),
        also=("x",),
    ),
]
