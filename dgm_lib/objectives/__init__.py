"""Objectives: plain functions `loss(model, x) -> scalar`, to be minimised.

A setting is fixed by `functools.partial`. An objective that needs no data leaves out x, and
trains on batches that are empty: `train(model, partial(reverse_kl, ...), itertools.repeat(()))`.

`nll` and `reverse_kl` ask for a density, `contrastive` for an energy. `elbo`, `iwae` and
`dequantisation_bound` are bounds, one number per datum, to be maximised: `negative_elbo` is the
loss, and `score_function` a surrogate for what cannot be reparameterised.

Those of two networks are made of what the one says of the other's samples, and are the pieces of a
loss: `discriminator_loss`, `saturating` and `non_saturating` of logits, `critic_loss` of a
critic's values; `r1` and `gradient_penalty` hold the slope; `unrolled` looks ahead.

A score is matched by `explicit_score`, `implicit_score`, `sliced_score` or `denoising_score`; a
model on a path from data to noise by `noise_matching`, `data_matching`, `v_matching`,
`flow_matching` or `score_matching`, which regress on what was mixed (or on its `pooled` means, by
hand); `diffusion_elbo` is the bound of n steps, and `noisy_classification` the loss of a classifier
on the path.
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
from dgm_lib.objectives.diffusion import (
    data_matching,
    flow_matching,
    noise_matching,
    noised,
    noisy_classification,
    pooled,
    score_matching,
    v_matching,
)
from dgm_lib.objectives.diffusion_bound import DiffusionTerms, diffusion_elbo, diffusion_terms
from dgm_lib.objectives.energy import contrastive
from dgm_lib.objectives.likelihood import nll, reverse_kl
from dgm_lib.objectives.score import (
    denoising_score,
    explicit_score,
    implicit_score,
    sliced_score,
)

__all__ = [
    "DiffusionTerms",
    "contrastive",
    "critic_loss",
    "data_matching",
    "denoising_score",
    "dequantisation_bound",
    "diffusion_elbo",
    "diffusion_terms",
    "discriminator_loss",
    "elbo",
    "explicit_score",
    "feature_matching",
    "flow_matching",
    "gradient_penalty",
    "historical_average",
    "implicit_score",
    "iwae",
    "negative_elbo",
    "nll",
    "noise_matching",
    "noised",
    "noisy_classification",
    "non_saturating",
    "pooled",
    "r1",
    "reverse_kl",
    "saturating",
    "score_function",
    "score_matching",
    "sliced_score",
    "unrolled",
    "v_matching",
]
