"""Objectives and paths."""

from __future__ import annotations

from dataclasses import replace

import torch

from dgm_lib import objectives, paths, targets
from dgm_lib.core import generator as seeded
from dgm_lib.models import dequantise, diffusion, energy, flow, vae
from dgm_lib.nets import MLP
from dgm_lib.objectives import diffusion as noised_objectives
from tests.inputs.arguments import Function, Labels, Line, Number, Points, Rng, Whole
from tests.inputs.several import Several
from tests.inputs.verdict import Case

X = Points()
TIED = Points(tied=True)
LOGITS = Points(d=1, fixed=False)
P = targets.ring()
torch_state = torch.get_rng_state()
torch.manual_seed(0)
NET, SCORE = MLP(2, 1, (4,)), MLP(2, 2, (4,))
FLOW = flow.realnvp(2, layers=2)
VAE = vae.VAE(vae.StandardNormal(2), vae.GaussianEncoder(2, 2), vae.GaussianDecoder(2, 2))
ENERGY = energy.EnergyModel(NET, scale=2.0)
PATH = paths.cosine()
DENOISER = diffusion.Denoiser(PATH, hidden=(4,))
CLASSIFIER = diffusion.NoisyClassifier(PATH, k=3, hidden=(4,))
TOLD = diffusion.Denoiser(PATH, hidden=(4,), labels=3)
torch.set_rng_state(torch_state)

X_NOW = torch.ones(2)
GRID_TIMES = Line(optional=True, make=lambda x: x.sigmoid().sort().values)
MATCHED = dict(
    model=Function(TOLD),
    x0=X,
    y=Labels(optional=True),
    drop=Number(0.3, 0, 1, closed=True),
    generator=Rng(),
)
MODEL = dict(model=Function(VAE), x=X, generator=Rng())


def matching(name: str) -> Case:
    return Case(name, getattr(objectives, name), MATCHED, random=True, also=("x", "x_t"))


TABLE = [
    Case(
        "dequantisation_bound",
        objectives.dequantisation_bound,
        dict(
            model=Function(FLOW),
            noise=Function(dequantise.UniformNoise(2)),
            y=Points(make=lambda y: y.abs().round()),
            generator=Rng(),
        ),
        random=True,
        also=("x", "u"),
    ),
    Case(
        "historical_average",
        objectives.historical_average,
        dict(parameters=Several((X_NOW,)), averages=Several((X_NOW + 1,))),
    ),
    Case(
        "diffusion_terms",
        lambda **of: list(objectives.diffusion_terms(DENOISER, generator=seeded(0), **of)),
        dict(x0=X, times=replace(GRID_TIMES, optional=False)),
        random=True,
        also=("x_t", "t"),
    ),
    Case("nll", objectives.nll, dict(model=Function(FLOW), x=X)),
    Case(
        "reverse_kl",
        objectives.reverse_kl,
        dict(
            model=Function(FLOW),
            target_log_prob=Function(P.log_prob, judged=True),
            n=Whole(5),
            generator=Rng(),
        ),
        random=True,
    ),
    Case(
        "contrastive",
        objectives.contrastive,
        dict(model=Function(ENERGY), x=X, negatives=X, regulariser=Number(closed=True)),
    ),
    Case("elbo", objectives.elbo, {**MODEL, "k": Whole(3)}, random=True),
    Case("iwae", objectives.iwae, {**MODEL, "k": Whole(3)}, random=True),
    Case(
        "negative_elbo",
        objectives.negative_elbo,
        {**MODEL, "beta": Number(closed=True), "free_bits": Number(closed=True)},
        random=True,
    ),
    Case(
        "score_function",
        objectives.score_function,
        dict(log_weights=TIED, log_q=TIED, baseline=Number(low=-torch.inf)),
    ),
    Case(
        "discriminator_loss",
        objectives.discriminator_loss,
        dict(real_logits=LOGITS, fake_logits=LOGITS, smooth=Number(0.9, 0, 1)),
    ),
    Case("saturating", objectives.saturating, dict(fake_logits=LOGITS)),
    Case("non_saturating", objectives.non_saturating, dict(fake_logits=LOGITS)),
    Case(
        "feature_matching",
        objectives.feature_matching,
        dict(real_features=X, fake_features=X),
    ),
    Case(
        "r1",
        objectives.r1,
        dict(discriminator=Function(NET, judged=True), x=X, gamma=Number(closed=True)),
    ),
    Case("critic_loss", objectives.critic_loss, dict(real=LOGITS, fake=LOGITS)),
    Case(
        "gradient_penalty",
        objectives.gradient_penalty,
        dict(
            critic=Function(NET, judged=True),
            x_real=TIED,
            x_fake=TIED,
            weight=Number(closed=True),
            generator=Rng(),
        ),
        random=True,
        also=("x",),
    ),
    Case(
        "unrolled",
        lambda steps, lr: objectives.unrolled(
            NET,
            lambda judge: judge(torch.ones(3, 2)).square().mean(),
            lambda judge: judge(torch.ones(3, 2)).mean(),
            steps,
            lr,
        ),
        dict(steps=Whole(2, low=0), lr=Number(0.1, closed=True)),
    ),
    Case(
        "explicit_score",
        objectives.explicit_score,
        dict(
            score=Function(SCORE, judged=True),
            x=X,
            target_score=Function(P.score, judged=True),
        ),
    ),
    Case(
        "implicit_score", objectives.implicit_score, dict(score=Function(SCORE, judged=True), x=X)
    ),
    Case(
        "sliced_score",
        objectives.sliced_score,
        dict(score=Function(SCORE, judged=True), x=X, projections=Whole(2), generator=Rng()),
        random=True,
    ),
    Case(
        "denoising_score",
        objectives.denoising_score,
        dict(score=Function(SCORE, judged=True), x=X, sigma=Number(), generator=Rng()),
        random=True,
    ),
    *map(
        matching,
        ["noise_matching", "data_matching", "v_matching", "flow_matching", "score_matching"],
    ),
    Case(
        "noisy_classification",
        objectives.noisy_classification,
        dict(classifier=Function(CLASSIFIER), x0=X, y=Labels(), generator=Rng()),
        random=True,
        also=("x_t",),
    ),
    Case(
        "noised",
        lambda **given: list(objectives.noised(**given))[:3],
        dict(path=Function(PATH), x0=Points(fixed=False), times=GRID_TIMES, generator=Rng()),
        random=True,
    ),
    Case(
        "pooled",
        lambda path, data: objectives.pooled(
            path, data, noised_objectives.noised(PATH, torch.ones(3, 2), generator=seeded(0))
        ),
        dict(path=Function(PATH), data=X),
    ),
    Case(
        "diffusion_elbo",
        objectives.diffusion_elbo,
        dict(
            model=Function(DENOISER),
            x0=X,
            times=replace(GRID_TIMES, optional=False),
            width=Number(0.5, 0, 1, closed=True),
            generator=Rng(),
        ),
        random=True,
        also=("x_t",),
    ),
]
