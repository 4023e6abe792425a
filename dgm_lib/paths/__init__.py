"""Paths from data to noise: x_t = alpha(t) x_0 + sigma(t) ε, data at t = 0 and noise at t = 1.

>>> import torch
>>> from dgm_lib import paths
>>> path = paths.cosine()
>>> x0, eps, t = torch.ones(5, 2), torch.zeros(5, 2), torch.full((5, 1), 0.5)
>>> x_t = path.noised(x0, t, eps)
>>> torch.allclose(path.x0_from_eps(x_t, t, eps), x0)
True
"""

from dgm_lib.paths.continuous import Cosine as cosine
from dgm_lib.paths.continuous import Exploding as exploding
from dgm_lib.paths.continuous import Linear as linear
from dgm_lib.paths.continuous import Straight as straight
from dgm_lib.paths.continuous import VariancePreserving
from dgm_lib.paths.discrete import Discrete as discrete
from dgm_lib.paths.discrete import alpha_bar, cosine_betas, linear_betas
from dgm_lib.paths.path import Path

__all__ = [
    "Path", "VariancePreserving", "alpha_bar", "cosine", "cosine_betas", "discrete", "exploding",
    "linear", "linear_betas", "straight",
]
