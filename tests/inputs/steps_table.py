"""The pieces that samplers are made of: steps, guides, combinations of kernels, solvers."""

from __future__ import annotations

from itertools import islice

import torch

from dgm_lib import core, paths
from dgm_lib.samplers import ais, diffusion, finite, mcmc, ode, persistent
from tests.inputs.arguments import Function, Labels, Line, Number, Points, Rng, Times, Whole
from tests.inputs.samplers_table import CHAIN, EXACT, P, RANDOM, RISING, TIED, X
from tests.inputs.several import Several
from tests.inputs.verdict import Case

PATH = paths.linear()
VELOCITY = Function(lambda x, t: -x, judged=True)
GUIDE = Function(lambda x, t: x, judged=True)
AT = dict(x=TIED, t=Times())
STEP = dict(x=TIED, t=Times(), eps=TIED, noise=TIED)
EARLIER = torch.full((1, 1), 0.05)
KERNEL, WALK = mcmc.mala(P.log_prob, 0.1), mcmc.random_walk(P.log_prob, 0.1)
T = Points(make=lambda _: CHAIN.T.float())
WEIGHTS = Line(make=lambda x: torch.tensor([0.25, 0.75]))
SMALL = Number(0.1, closed=True)
NAMES = ("x_t", "x0", "eps", "v", "score", "s", "t")  # that the path's methods have


def asked(function: object, x: torch.Tensor | None = None) -> torch.Tensor:
    """What a function of (x, t) says."""
    x = torch.ones(3, 2) if x is None else x
    return function(x, torch.full((*x.shape[:-1], 1), 0.5))


def moved(kernel: object, x: torch.Tensor | None = None) -> torch.Tensor:
    """Where a few steps of a kernel lead."""
    start = torch.ones(3, 2) if x is None else x
    return next(islice(mcmc.chain(kernel, start, core.generator(0)), 2, None)).x


def tempered(**given: object) -> torch.Tensor:
    defaults = dict(make=lambda law: mcmc.random_walk(law, 0.1), log_prob=P.log_prob)
    kernel = mcmc.tempering(**defaults | dict(betas=[1.0, 0.5]) | given)
    return moved(kernel, torch.ones(2, 3, 2))


def walked(start: torch.Tensor) -> torch.Tensor:
    return next(islice(finite.walk(CHAIN.T, start, core.generator(0)), 2, None))


TABLE = [
    Case(
        "ancestral_step",
        lambda x, t, eps, noise: diffusion.ancestral_step(PATH, x, t, EARLIER, eps, noise),
        STEP,
        also=NAMES,
    ),
    Case(
        "ddim_step",
        lambda x, t, eps, noise, eta: diffusion.ddim_step(PATH, x, t, EARLIER, eps, noise, eta),
        STEP | dict(eta=Number(0.5, 0, 1, closed=True)),
        also=NAMES,
    ),
    Case(
        "reverse_step",
        lambda x, t, score, noise: diffusion.reverse_step(PATH, x, t, EARLIER, score, noise),
        dict(x=TIED, t=Times(), score=TIED, noise=TIED),
        also=NAMES,
    ),
    Case(
        "diffusion.langevin_step",
        diffusion.langevin_step,
        dict(x=TIED, score=TIED, h=SMALL, noise=TIED),
    ),
    Case(
        "diffusion.gradient",
        lambda log_prob: asked(diffusion.gradient(log_prob)),
        dict(log_prob=Function(lambda x, t: P.log_prob(x), judged=True)),
    ),
    Case(
        "classifier_guided",
        lambda **of: asked(diffusion.classifier_guided(**of)),
        dict(score=VELOCITY, guide=GUIDE, w=Number(2.0, -torch.inf)),
    ),
    Case(
        "classifier_guided_eps",
        lambda **of: asked(diffusion.classifier_guided_eps(path=PATH, **of)),
        dict(eps=VELOCITY, guide=GUIDE, w=Number(2.0, -torch.inf)),
    ),
    Case(
        "classifier_free",
        lambda **of: asked(diffusion.classifier_free(w=2.0, **of)),
        dict(conditional=VELOCITY, unconditional=GUIDE),
    ),
    Case(
        "exact_divergence",
        lambda velocity, x: ode.exact_divergence(velocity, x, EARLIER),
        dict(velocity=VELOCITY, x=Points(fixed=False)),
    ),
    Case(
        "hutchinson",
        lambda probes: ode.hutchinson(probes)(lambda x, t: x * x, torch.ones(3, 2), EARLIER),
        dict(probes=Points(fixed=False, make=lambda _: torch.ones(1, 3, 2))),
    ),
    Case(
        "augmented",
        lambda velocity: asked(ode.augmented(velocity), torch.ones(3, 3)),
        dict(velocity=VELOCITY),
    ),
    Case(
        "ode.Flow",
        lambda **of: ode.Flow(**of).log_prob(torch.ones(3, 2)),
        dict(velocity=Function(EXACT.velocity, judged=True), base=Function(P), times=RISING),
        gives_up=True,
        also=("t",),
    ),
    Case(
        "evolve",
        lambda T, p0: next(islice(finite.evolve(T, p0), 2, None)),
        dict(T=T, p0=WEIGHTS),
    ),
    Case(
        "walk",
        walked,
        dict(start=Labels(k=2, tied=False)),
        random=True,
    ),
    Case("finite.metropolis_hastings", finite.metropolis_hastings, dict(pi=WEIGHTS, Q=T)),
    Case(
        "cycle", lambda kernels: moved(mcmc.cycle(kernels)), dict(kernels=Several((KERNEL, WALK)))
    ),
    Case(
        "mixture",
        lambda **of: moved(mcmc.mixture(**of)),
        dict(kernels=Several((KERNEL, WALK)), weights=WEIGHTS),
    ),
    Case("chain", lambda x: moved(KERNEL, x), dict(x=X), random=True),
    Case(
        "Kernel",
        lambda state: KERNEL(state, core.generator(0)).x,
        dict(state=Function(KERNEL.init(torch.ones(3, 2)))),
    ),
    Case(
        "mcmc.metropolis_hastings",
        lambda **of: moved(mcmc.metropolis_hastings(P.log_prob, **of)),
        dict(propose=Function(lambda x, g: x + 0.1, judged=True)),
    ),
    Case(
        "tempering",
        tempered,
        dict(
            make=Function(lambda law: mcmc.random_walk(law, 0.1)),
            log_prob=Function(P.log_prob, judged=True),
            betas=Line(make=lambda _: torch.tensor([1.0, 0.5])),
        ),
    ),
    Case(
        "adapting",
        lambda **of: moved(mcmc.adapting(**of)),
        dict(
            make=Function(lambda step: mcmc.mala(P.log_prob, step)),
            step=Number(0.1),
            accept=Number(0.8, 0, 1),
        ),
    ),
    Case(
        "warmed_up",
        lambda **of: mcmc.warmed_up(**of)[1].x,
        dict(
            make=Function(lambda step: mcmc.mala(P.log_prob, step)),
            x=X,
            step=Number(0.1),
            accept=Number(0.8, 0, 1),
            n=Whole(3, unlimited=True),
            generator=RANDOM,
        ),
        random=True,
    ),
    Case(
        "gibbs",
        lambda draws: moved(mcmc.gibbs(P.log_prob, draws)),
        dict(draws=Several((lambda x, g: x,))),
    ),
    Case(
        "leapfrog_path",
        lambda x, v, n: [
            state for pair in mcmc.leapfrog_path(x, v, P.score, 0.1, n) for state in pair
        ],
        dict(x=TIED, v=TIED, n=Whole(2, low=0, unlimited=True)),
    ),
    Case(
        "ais.geometric",
        lambda **of: ais.geometric(**of)(0.5)(torch.ones(3, 2)),
        dict(log_prob_0=Function(P.log_prob), log_prob_1=Function(P.log_prob)),
    ),
    Case(
        "ais.move",
        lambda **of: ais.move(**of)(torch.ones(3, 2), core.generator(0)),
        dict(kernel=Function(KERNEL), n=Whole(2, unlimited=True)),
    ),
    Case(
        "FromData",
        lambda **of: persistent.FromData(**of)(None, torch.ones(3, 2)),
        dict(step=Function(lambda model, x, g: x + 1, judged=False), k=Whole(2, unlimited=True)),
    ),
    Case(
        "FromData.x",
        lambda x: persistent.FromData(lambda model, x, g: x + 1)(None, x),
        dict(x=Points(fixed=False)),
    ),
    Case(
        "Persistent",
        lambda x, **of: persistent.Persistent(x, **of)(None, torch.zeros(3, 2)),
        dict(
            x=Points(fixed=False),
            step=Function(lambda model, x, g: x + 1),
            k=Whole(2, unlimited=True),
            share=Number(0.0, 0, 1, closed=True),
            generator=Rng(),
        ),
    ),
]
