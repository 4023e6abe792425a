"""Metrics."""

from __future__ import annotations

from dgm_lib import core, metrics, targets
from dgm_lib.models import vae
from tests.inputs.arguments import Function, Number, Points, Rng, Whole
from tests.inputs.verdict import Case

P, Q = targets.ring(), targets.ring(scale=0.3)
GRID = core.Grid(P.box, n=100)
MODEL = vae.VAE(vae.StandardNormal(2), vae.GaussianEncoder(2, 2), vae.GaussianDecoder(2, 2))
LAWS = dict(p=Function(P), q=Function(Q), grid=Function(GRID))
TWO = dict(x=Points(), y=Points(make=lambda y: y + 1))
CHAINS = dict(x=Points(fixed=False))
WEIGHTS = dict(log_w=Points(d=1, fixed=False))


TABLE = [
    Case("mmd2", metrics.mmd2, TWO),
    Case(
        "mmd_test",
        metrics.mmd_test,
        {**TWO, "permutations": Whole(9), "generator": Rng()},
        random=True,
    ),
    Case("median_bandwidth", metrics.median_bandwidth, TWO),
    Case("wasserstein2", metrics.wasserstein2, {"x": Points(tied=True), "y": Points(tied=True)}),
    Case(
        "sliced_wasserstein",
        metrics.sliced_wasserstein,
        {**TWO, "projections": Whole(5), "generator": Rng()},
    ),
    Case(
        "earth_movers",
        lambda x, y: (lambda found: (found.distance, found.dual))(metrics.earth_movers(x, y)),
        TWO,
        gives_up=True,
    ),
    Case(
        "coverage",
        lambda x, modes, **more: list(metrics.coverage(x, modes, **more)),
        dict(x=Points(), modes=Points(), scale=Number(), within=Number(3.0), at_least=Whole(1)),
    ),
    Case("kl", metrics.kl, LAWS),
    Case("jsd", metrics.jsd, LAWS),
    Case("nll_gap", metrics.nll_gap, dict(model=Function(Q), target=Function(P), x=Points())),
    Case("log_mean_exp", metrics.log_mean_exp, WEIGHTS),
    Case("weights_ess", metrics.weights_ess, WEIGHTS),
    Case(
        "log_likelihood",
        metrics.log_likelihood,
        dict(model=Function(MODEL), x=Points(), k=Whole(4), generator=Rng()),
        random=True,
    ),
    Case(
        "active_units",
        metrics.active_units,
        dict(mu=Points(fixed=False), threshold=Number(0.01, closed=True)),
    ),
    Case("gradient_snr", metrics.gradient_snr, dict(gradients=Points(fixed=False))),
    Case(
        "autocorrelation",
        metrics.autocorrelation,
        {**CHAINS, "lags": Whole(2, low=0, optional=True)},
    ),
    Case("ess", metrics.ess, CHAINS),
    Case("ess_bulk", metrics.ess_bulk, CHAINS),
    Case("rhat", metrics.rhat, CHAINS),
]
