"""Models and networks."""

from __future__ import annotations

import torch

from dgm_lib import core, nets, paths, targets
from dgm_lib.models import dequantise, diffusion, energy, flow, gan, vae
from tests.inputs.arguments import Function, Labels, Points, Rng, Shape, Times, Whole
from tests.inputs.verdict import Case

PATH = paths.cosine()


def built(make, *arguments: object, **named: object):
    """A module whose first weights are the same at each run."""
    with core.RandomStream(0, "cpu"):
        return make(*arguments, **named)


FLOWS = {
    name: built(getattr(flow, name), 2, layers=2)
    for name in ("nice", "realnvp", "maf", "iaf", "planar", "sylvester", "spline")
}
TOLD = built(flow.realnvp, 2, layers=2, context=3)
VAE = built(vae.VAE, vae.StandardNormal(2), vae.GaussianEncoder(2, 2), vae.GaussianDecoder(2, 2))
PPCA = vae.PPCA(torch.ones(2, 1).double(), torch.zeros(2).double(), 0.5)
MIXTURE = vae.MixtureOfGaussians([0.5, 0.5], [[0.0, 0.0], [1.0, 1.0]], 0.5)
ENERGY = energy.EnergyModel(built(nets.MLP, 2, 1, (4,)), scale=2.0)
ON_GRID = energy.OnGrid(ENERGY, core.Grid([[-8, 8], [-8, 8]], n=40))
RBM = built(energy.RBM, 3, 2)
DENOISER = built(diffusion.Denoiser, PATH, hidden=(4,), labels=3)
EXACT = diffusion.Exact(PATH, targets.ring(3))
CLASSIFIER = built(diffusion.NoisyClassifier, PATH, k=3, hidden=(4,))
GENERATOR = built(gan.Generator, hidden=(4,))
DISCRIMINATOR = built(gan.Discriminator, hidden=(4,))
MLP, TIME_MLP = built(nets.MLP, 2, 3, (4,)), built(nets.TimeMLP, 2, 3, (4,))
X, DRAW = dict(x=Points()), dict(shape=Shape(), generator=Rng())
UNITS = Points(d=3, make=lambda v: (v > 0).float())
NAMES = ("x", "label", "sigma")  # that the law behind an exact model has for them
AT = dict(x_t=Points(tied=True), t=Times())


def law(name: str, model) -> list[Case]:
    return [
        Case(f"{name}.log_prob", model.log_prob, X),
        Case(f"{name}.sample", model.sample, DRAW),
    ]


def asked(name: str, model) -> list[Case]:
    """What a diffusion model says."""
    told = AT | dict(y=Labels(optional=True))
    says = ("x0", "eps", "v", "score", "velocity")
    return [Case(f"{name}.{what}", getattr(model, what), told, also=NAMES) for what in says]


TABLE = [
    *(case for name, model in FLOWS.items() for case in law(name, model)),
    *law("PPCA", PPCA),
    *law("MixtureOfGaussians", MIXTURE),
    *law("OnGrid", ON_GRID),
    *asked("Denoiser", DENOISER),
    *asked("Exact", EXACT),
    Case(
        "Flow.log_prob",
        TOLD.log_prob,
        dict(x=Points(tied=True), context=Points(d=3, tied=True)),
    ),
    Case("Flow.sample", TOLD.sample, DRAW | dict(context=Points(d=3))),
    Case("VAE.terms", lambda x: VAE.terms(x, core.generator(0)).log_px, X, random=True),
    Case("VAE.log_weights", VAE.log_weights, X | dict(k=Whole(3), generator=Rng()), random=True),
    Case("VAE.sample", VAE.sample, DRAW),
    Case("PPCA.fit", lambda **of: vae.PPCA.fit(**of).covariance, X | dict(d_z=Whole(1))),
    Case("responsibilities", MIXTURE.responsibilities, X),
    Case("EnergyModel.energy", ENERGY.energy, X),
    Case("EnergyModel.score", ENERGY.score, X),
    Case("RBM.energy", RBM.energy, dict(v=UNITS)),
    Case("RBM.hidden", RBM.hidden, dict(v=UNITS)),
    Case("RBM.gibbs", RBM.gibbs, dict(v=UNITS, generator=Rng()), random=True),
    Case("Enumerated.log_prob", energy.Enumerated(RBM).log_prob, dict(v=UNITS)),
    Case("Enumerated.sample", energy.Enumerated(RBM).sample, DRAW),
    Case(
        "NoisyClassifier.log_prob",
        CLASSIFIER.log_prob,
        AT | dict(y=Labels()),
        also=("x",),
    ),
    Case("NoisyClassifier.score", CLASSIFIER.score, AT | dict(y=Labels()), also=("x",)),
    Case("Generator", GENERATOR, dict(z=Points()), also=("x",)),
    Case("Generator.sample", GENERATOR.sample, DRAW),
    Case("Discriminator", DISCRIMINATOR, X),
    Case("MLP", lambda x: MLP(x), X),
    Case("TimeMLP", lambda x, t: TIME_MLP(x, t), dict(x=Points(tied=True), t=Times())),
    Case(
        "UniformNoise",
        lambda y: dequantise.UniformNoise(2)(y).rsample_with_log_prob()[1],
        dict(y=Points(make=lambda y: y.abs().round())),
    ),
    Case("realnvp", lambda **n: flow.realnvp(**n).d, dict(d=Whole(2), layers=Whole(2, low=0))),
    Case(
        "VAE",
        lambda **of: vae.VAE(**of) and None,
        dict(
            prior=Function(VAE.prior), encoder=Function(VAE.encoder), decoder=Function(VAE.decoder)
        ),
    ),
    Case("RBM", lambda **n: list(energy.RBM(**n).W.shape), dict(visible=Whole(3), hidden=Whole(2))),
]
