"""Normalizing flows: laws with an exact density and exact samples, by invertible maps.

A flow runs forward from data x to latent z, and `ladj` belongs to the direction that was called.

>>> import torch
>>> from dgm_lib.models import flow
>>> model = flow.realnvp(d=2, layers=4)
>>> x = model.sample((1000,))
>>> z, ladj = model.transform(x)
>>> torch.equal(model.log_prob(x), model.base.log_prob(z) + ladj)
True
"""

from dgm_lib.models.flow.autoregressive import Autoregressive
from dgm_lib.models.flow.base import StandardNormal
from dgm_lib.models.flow.coupling import Coupling
from dgm_lib.models.flow.flow import Flow, Given
from dgm_lib.models.flow.laws import Additive, Affine, Law
from dgm_lib.models.flow.linear import LU, Permute, Scale, Standardise, reverse
from dgm_lib.models.flow.recipes import iaf, maf, nice, planar, realnvp, sylvester
from dgm_lib.models.flow.spline_couplings import spline
from dgm_lib.models.flow.splines import Spline
from dgm_lib.models.flow.squash import Logit, Sigmoid
from dgm_lib.models.flow.tanh_layers import Planar, Sylvester
from dgm_lib.models.flow.transform import Chain, Inverse, Transform

__all__ = [
    "LU", "Additive", "Affine", "Autoregressive", "Chain", "Coupling", "Flow", "Given", "Inverse",
    "Law", "Logit", "Permute", "Planar", "Scale", "Sigmoid", "Spline", "StandardNormal",
    "Standardise", "Sylvester", "Transform", "iaf", "maf", "nice", "planar", "realnvp", "reverse",
    "spline", "sylvester",
]
