"""Generative adversarial networks: laws that can be sampled, and networks that judge the samples.

A `Generator` has `sample` and `rsample`, and no density. A `Discriminator` returns a logit, the
log-ratio of data and model at its best; without σ it is a critic. The losses are pieces in
`objectives`, and a GAN's training is two runs in step:

>>> from itertools import repeat
>>> import torch
>>> from dgm_lib.models import gan
>>> from dgm_lib.nets import frozen
>>> from torch.nn.functional import softplus
>>> G, D = gan.Generator(d_z=2, d=2), gan.Discriminator(d=2)
>>> def loss_of_D(D, x):
...     return softplus(-D(x)).mean() + softplus(D(G.sample((len(x),)))).mean()
>>> def loss_of_G(G):
...     with frozen(D):
...         return softplus(-D(G.rsample((64,)))).mean()

`zip(train(D, loss_of_D, draws(p, 64), steps=k), train(G, loss_of_G, repeat(()), steps=k))` yields
the steps of both. With `islice(train(D, ..., steps=5 * k), 4, None, 5)` in the place of the first
D takes five steps for each of G's.
"""

from dgm_lib.models.gan.discriminator import Discriminator, Packed
from dgm_lib.models.gan.generator import Generator
from dgm_lib.models.gan.inference import BiGAN, CodeHead, CodeLaw
from dgm_lib.models.gan.prior import Codes, Joint, StandardNormal

__all__ = [
    "BiGAN",
    "CodeHead",
    "CodeLaw",
    "Codes",
    "Discriminator",
    "Generator",
    "Joint",
    "Packed",
    "StandardNormal",
]
