"""Samplers: kernels, chains, annealing, steps along a path, and differential equations."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from itertools import islice

import torch

from dgm_lib import core, paths, targets
from dgm_lib.models import diffusion as models
from dgm_lib.samplers import ais, finite, mcmc, ode
from dgm_lib.samplers import diffusion as walks
from tests.inputs.arguments import Function, Line, Number, Points, Rng, Whole
from tests.inputs.verdict import Case

P, PATH = targets.ring(3), paths.linear()
EXACT = models.Exact(PATH, P)
X, RANDOM, STEP = Points(), Rng(), Number(0.1)
LOG_PROB, SCORE = Function(P.log_prob, judged=True), Function(P.score, judged=True)
TIED = Points(tied=True)
KERNEL = mcmc.mala(P.log_prob, 0.1)
FALLING = Line(make=lambda t: torch.linspace(0.9, 0.1, len(t)))
RISING = Line(make=lambda t: torch.linspace(0.1, 0.9, len(t)))
CHAIN = torch.tensor([[0.9, 0.1], [0.2, 0.8]]).double()


def chain(make: Callable, x: torch.Tensor, generator=None, **settings: object) -> torch.Tensor:
    """Where a few steps of the kernel lead."""
    kernel = make(**settings)
    return next(islice(mcmc.chain(kernel, x, generator), 2, None)).x


def kernel(name: str, **settings: object) -> Case:
    call = partial(chain, getattr(mcmc, name))
    return Case(name, call, settings | dict(x=X, generator=RANDOM), random=True)


def last(sampler: Callable, *first: object, **given: object) -> torch.Tensor:
    return ode.last(sampler(*first, **given)).x


TABLE = [
    kernel("random_walk", log_prob=LOG_PROB, step=STEP),
    kernel("ula", log_prob=LOG_PROB, h=STEP),
    kernel("mala", log_prob=LOG_PROB, h=STEP),
    kernel("hmc", log_prob=LOG_PROB, step=STEP, n=Whole(2)),
    kernel("nuts", log_prob=LOG_PROB, step=STEP),
    kernel("independence", log_prob=LOG_PROB, law=Function(P)),
    kernel("gibbs_table", log_prob=LOG_PROB, box=Points(make=lambda _: P.box), n=Whole(20)),
    Case(
        "draws",
        lambda **given: mcmc.draws(KERNEL, **given),
        dict(x=X, n=Whole(3), burn_in=Whole(1, 0), thin=Whole(1), generator=RANDOM),
        random=True,
    ),
    Case(
        "leapfrog",
        lambda x, v, n: mcmc.leapfrog(x, v, P.score, 0.1, n),
        dict(x=TIED, v=TIED, n=Whole(2)),
    ),
    Case(
        "langevin_log_q",
        mcmc.langevin_log_q,
        dict(x_new=TIED, x=TIED, score=TIED, h=STEP),
    ),
    Case(
        "ais",
        lambda betas, x, generator: (
            ode.last(
                ais.ais(
                    ais.geometric(P.log_prob, P.log_prob),
                    lambda beta: ais.move(KERNEL),
                    betas,
                    x,
                    generator,
                )
            ).log_w
        ),
        dict(betas=Line(make=lambda b: torch.linspace(0, 1, len(b))), x=X, generator=RANDOM),
        random=True,
        also=("beta",),
    ),
    Case("stationary", finite.stationary, dict(T=Points(make=lambda _: CHAIN.T.float()))),
    Case(
        "solve",
        partial(last, ode.solve),
        dict(velocity=Function(EXACT.velocity, judged=True), x=X, times=FALLING),
        also=("t",),
    ),
    Case(
        "adaptive",
        partial(last, ode.adaptive),
        dict(
            velocity=Function(EXACT.velocity, judged=True),
            x=X,
            times=FALLING,
            rtol=Number(1e-3, 0, 1),
            atol=Number(1e-3, 0, 1),
            max_steps=Whole(1000),
        ),
        also=("t",),
        gives_up=True,
    ),
    Case(
        "transport",
        ode.transport,
        dict(velocity=Function(EXACT.velocity, judged=True), x=X, times=RISING),
        also=("t",),
        gives_up=True,
    ),
    Case(
        "ancestral",
        partial(last, walks.ancestral, EXACT.eps, PATH),
        dict(x=X, times=FALLING, generator=RANDOM),
        random=True,
    ),
    Case(
        "ddim",
        partial(last, walks.ddim, EXACT.eps, PATH),
        dict(x=X, times=FALLING, eta=Number(0.5, closed=True), generator=RANDOM),
        random=True,
    ),
    Case(
        "reverse_sde",
        partial(last, walks.reverse_sde, EXACT.score, PATH),
        dict(x=X, times=FALLING, eta=Number(0.5, closed=True), generator=RANDOM),
        random=True,
    ),
    Case(
        "noising",
        partial(last, walks.noising, PATH),
        dict(x=X, times=RISING, generator=RANDOM),
        random=True,
    ),
    Case(
        "annealed_langevin",
        partial(last, walks.annealed_langevin, EXACT.score, PATH),
        dict(x=X, times=FALLING, n=Whole(2), step_size=Number(0.1), generator=RANDOM),
        random=True,
    ),
    Case(
        "classifier_free",
        lambda w: walks.classifier_free(EXACT.eps, EXACT.eps, w)(
            torch.ones(3, 2), torch.full((3, 1), 0.5)
        ),
        dict(w=Number(2.0, -math.inf)),
    ),
    Case(
        "generator",
        lambda seed: core.generator(seed).initial_seed(),
        dict(seed=Whole(3, low=-(2**63))),
    ),
    Case("Grid", lambda n: core.Grid([[0, 1]], n).points, dict(n=Whole(5))),
    Case(
        "integrate",
        lambda values: core.Grid([[0, 1], [0, 1]], 2).integrate(values),
        dict(values=Points(make=lambda _: torch.ones(2, 2))),
    ),
    Case("Estimate.of", core.Estimate.of, dict(values=Points(fixed=False))),
]
