"""Bounds on log p(x), and estimates of their gradients."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from dgm_lib.core import whole
from dgm_lib.nets.inputs import between, require_floats
from dgm_lib.objectives.inputs import able, at_least_0, function, per_point, points


def dequantisation_bound(
    model, noise, y: Tensor, generator: torch.Generator | None = None
) -> Tensor:
    """log p(y + u) - log q(u | y) with u ~ q(u | y), per datum: `(*batch, d) -> (*batch,)`.

    Its mean over u is at most log P(y) = log ∫ p(x) dx over the cell [y, y + 1)^d of the integers
    y, and equal to it where q(u | y) is p(u | y), the model's own law on the cell. One u is drawn
    for each datum; expand y for more. `noise(y)` is a law with `rsample_with_log_prob`, and the
    gradient reaches both laws. Theis et al. (2016); Ho et al., "Flow++" (2019).
    """
    able("model", model, "log_prob"), function("noise", noise)
    u, log_q = noise(y).rsample_with_log_prob((), generator)
    if u.shape != y.shape:
        raise ValueError(f"noise must draw u of shape {tuple(y.shape)}, as y, got {tuple(u.shape)}")
    log_p = per_point(model.log_prob(y + u), u, "model.log_prob")
    return log_p - per_point(log_q, u, "noise")


def elbo(model, x: Tensor, k: int = 1, generator: torch.Generator | None = None) -> Tensor:
    """The evidence lower bound on log p(x), per datum, `(*batch, d) -> (*batch,)`: maximised.

    The mean of log w = log p(x | z) + log p(z) - log q(z | x) over k draws z of q(z | x), whose
    own mean is log p(x) - KL(q(z | x) ‖ p(z | x)). The model needs `log_weights`, as `vae.VAE`.
    Kingma & Welling (2014).
    """
    return _log_weights(model, x, k, generator).mean(dim=0)


def iwae(model, x: Tensor, k: int, generator: torch.Generator | None = None) -> Tensor:
    """log (1/k Σ_i w_i), per datum, `(*batch, d) -> (*batch,)`: the importance-weighted bound.

    On average it lies between the ELBO, k = 1, and log p(x), and grows with k. Burda, Grosse &
    Salakhutdinov (2016).
    """
    log_w = _log_weights(model, x, k, generator)
    return log_w.logsumexp(dim=0) - math.log(k)


def negative_elbo(
    model,
    x: Tensor,
    beta: float = 1.0,
    free_bits: float = 0.0,
    generator: torch.Generator | None = None,
) -> Tensor:
    """-mean log p(x | z) + beta Σ_j max(free_bits, mean KL_j), from one draw z for each datum.

    KL_j is latent dimension j of KL(q(z | x) ‖ p(z)), in closed form where there is one; the means
    are over the data. A dimension whose mean divergence is below `free_bits`, in nats, costs
    nothing to use: there is no gradient on its KL. Where the prior or q is no product of laws of
    one dimension, all of z counts as one. `beta` below 1 that grows in training is annealing;
    above 1, Higgins et al. (2017). The model needs `terms`, as `vae.VAE`. Kingma et al. (2016).
    """
    at_least_0("beta", beta), at_least_0("free_bits", free_bits)
    terms = able("model", model, "terms").terms(points("x", x), generator)
    kl = torch.cat([kl.flatten(end_dim=-2).mean(dim=0) for kl in terms.kls])
    if free_bits:  # not otherwise: an estimate of a divergence may be negative
        kl = kl.clamp(min=free_bits)
    return beta * kl.sum() - per_point(terms.log_px, x, "model.terms").mean()


def score_function(log_weights: Tensor, log_q: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    """-mean of (log w - baseline) log q, both held fixed in the first factor: a surrogate.

    Its value says nothing; its gradient, for q's parameters, is the score-function estimate of
    that of -E_q[log w], unbiased for any baseline that does not look at the draw. `log_weights`
    and `log_q`, `(k, *batch)`, are at draws z of q through which no gradient flows; the baseline
    is a number, or expands to their shape. REINFORCE: Williams (1992).
    """
    require_floats(log_weights, "log_weights"), require_floats(log_q, "log_q")
    if log_weights.shape != log_q.shape:
        raise ValueError(
            f"log_q must have the shape of log_weights, {tuple(log_weights.shape)}, "
            f"got {tuple(log_q.shape)}"
        )
    if isinstance(baseline, Tensor):
        require_floats(baseline, "baseline")
    else:
        between("baseline", baseline, -math.inf, math.inf)
    advantage = (log_weights - baseline).detach()
    if advantage.shape != log_q.shape:
        raise ValueError(
            f"baseline must expand to the shape of log_weights, {tuple(log_q.shape)}, "
            f"got {tuple(baseline.shape)}"
        )
    return -(advantage * log_q).mean()


def _log_weights(model, x: Tensor, k: int, generator: torch.Generator | None) -> Tensor:
    """k log-weights for each datum, `(k, *batch)`: a mean over another axis would go unnoticed."""
    able("model", model, "log_weights")
    log_w = model.log_weights(points("x", x), whole("k", k), generator)
    if log_w.shape != (k, *x.shape[:-1]):
        raise ValueError(
            f"model.log_weights must return k numbers per point, shape {(k, *x.shape[:-1])} "
            f"for x of shape {tuple(x.shape)}, got {tuple(log_w.shape)}"
        )
    return log_w
