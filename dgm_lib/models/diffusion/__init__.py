"""Diffusion models: what a network says of a noised point, and all that follows from it.

A model on a path has `x0`, `eps`, `v`, `score` and `velocity` of (x_t, t), whatever its network
predicts. `Exact` says the same of a Gaussian mixture without a network. `samplers.diffusion` and
`samplers.ode` run them from noise to data; `objectives` has the losses.

>>> from dgm_lib import paths
>>> from dgm_lib.models import diffusion
>>> diffusion.Denoiser(paths.straight(), predicts=diffusion.velocity).predicts
velocity
"""

from dgm_lib.models.diffusion.classifier import Classifier, ExactClassifier, NoisyClassifier
from dgm_lib.models.diffusion.exact import Exact
from dgm_lib.models.diffusion.model import Denoiser, DiffusionModel
from dgm_lib.models.diffusion.predictions import Prediction, data, noise, score, v, velocity

__all__ = [
    "Classifier",
    "Denoiser",
    "DiffusionModel",
    "Exact",
    "ExactClassifier",
    "NoisyClassifier",
    "Prediction",
    "data",
    "noise",
    "score",
    "v",
    "velocity",
]
