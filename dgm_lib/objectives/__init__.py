"""Objectives: plain functions `loss(model, x) -> scalar`, to be minimised.

A setting is fixed by `functools.partial`. An objective that needs no data leaves out x, and
trains on batches that are empty: `train(model, partial(reverse_kl, ...), itertools.repeat(()))`.

`nll` and `reverse_kl` ask for a density, `contrastive` for an energy. `elbo`, `iwae` and
`dequantisation_bound` are bounds, one number per datum, to be maximised: `negative_elbo` is the
loss, and `score_function` a surrogate for what cannot be reparameterised.

Those of two networks are made of what the one says of the other's samples, and are the pieces of a
loss: `discriminator_loss`, `saturating` and `non_saturating` of logits, `critic_loss` of a
critic's values; `r1` and `gradient_penalty` hold the slope; `unrolled` looks ahead.
"""

from dgm_lib.objectives.adversarial import (
    discriminator_loss,
    feature_matching,
    historical_average,
    non_saturating,
    r1,
    saturating,
    unrolled,
)
from dgm_lib.objectives.bounds import (
    dequantisation_bound,
    elbo,
    iwae,
    negative_elbo,
    score_function,
)
from dgm_lib.objectives.critic import critic_loss, gradient_penalty
from dgm_lib.objectives.energy import contrastive
from dgm_lib.objectives.likelihood import nll, reverse_kl

__all__ = [
    "contrastive",
    "critic_loss",
    "dequantisation_bound",
    "discriminator_loss",
    "elbo",
    "feature_matching",
    "gradient_penalty",
    "historical_average",
    "iwae",
    "negative_elbo",
    "nll",
    "non_saturating",
    "r1",
    "reverse_kl",
    "saturating",
    "score_function",
    "unrolled",
]
