"""Metrics: how far a model is from the truth, each with its standard error.

`nll_gap`, `kl` and `jsd` compare densities; `mmd2`, `mmd_test`, `sliced_wasserstein` and
`wasserstein2` compare samples; `coverage` counts modes. All return a `core.Estimate`, compute in
float64 where the device can, keep no gradients and refuse bad samples with a `ValueError`.
"""

from dgm_lib.metrics.gap import nll_gap
from dgm_lib.metrics.grid import jsd, kl
from dgm_lib.metrics.modes import Coverage, coverage
from dgm_lib.metrics.transport import sliced_wasserstein, wasserstein2
from dgm_lib.metrics.two_sample import median_bandwidth, mmd2, mmd_test

__all__ = [
    "Coverage",
    "coverage",
    "jsd",
    "kl",
    "median_bandwidth",
    "mmd2",
    "mmd_test",
    "nll_gap",
    "sliced_wasserstein",
    "wasserstein2",
]
