"""Metrics: how far a model is from the truth, each with its standard error.

`nll_gap`, `kl` and `jsd` compare densities; `mmd2`, `mmd_test`, `sliced_wasserstein` and
`wasserstein2` compare samples, and so does `earth_movers`, with its plan and its dual; `coverage`
counts modes; `log_mean_exp` averages importance weights. All return a `core.Estimate`, compute in
float64 where the device can, keep no gradients and refuse bad samples with a `ValueError`.

`log_likelihood` judges a model of latent variables by importance sampling; `active_units` counts
the latents that it uses, and `gradient_snr` tells the signal of a gradient from its noise.

`autocorrelation`, `ess`, `ess_bulk` and `rhat` tell how well Markov chains mix, one number for each
coordinate; `weights_ess` how many of the weights count.
"""

from dgm_lib.metrics.chains import autocorrelation, ess, ess_bulk, rhat
from dgm_lib.metrics.earth import EarthMovers, earth_movers
from dgm_lib.metrics.gap import nll_gap
from dgm_lib.metrics.grid import jsd, kl
from dgm_lib.metrics.latent import ActiveUnits, active_units, gradient_snr, log_likelihood
from dgm_lib.metrics.modes import Coverage, coverage
from dgm_lib.metrics.transport import sliced_wasserstein, wasserstein2
from dgm_lib.metrics.two_sample import median_bandwidth, mmd2, mmd_test
from dgm_lib.metrics.weights import log_mean_exp, weights_ess

__all__ = [
    "ActiveUnits",
    "Coverage",
    "EarthMovers",
    "active_units",
    "autocorrelation",
    "coverage",
    "earth_movers",
    "ess",
    "ess_bulk",
    "gradient_snr",
    "jsd",
    "kl",
    "log_likelihood",
    "log_mean_exp",
    "median_bandwidth",
    "mmd2",
    "mmd_test",
    "nll_gap",
    "rhat",
    "sliced_wasserstein",
    "wasserstein2",
    "weights_ess",
]
