"""Objectives of two networks that play against each other; logits are what D says before σ.

A logit l(x) is log D(x) / (1 - D(x)), and at the optimum the log-ratio log p(x) - log q(x) of
data and model. D's output itself never appears: `logsigmoid` is exact where D rounds to 0 or 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import logsigmoid

from dgm_lib.core import whole
from dgm_lib.nets.inputs import between, require_floats
from dgm_lib.objectives.inputs import at_least_0, points, slopes

Judge = Callable[..., Tensor]


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor, smooth: float = 1.0) -> Tensor:
    """-mean log D(x) - mean log(1 - D(G(z))), from logits of data and of samples, any shapes.

    At its minimum, D = p / (p + q), it is 2 log 2 - 2 JSD(p, q). `smooth` is what D should say of
    data, by default 1: a s below makes the first term -s log D - (1 - s) log(1 - D), and the
    optimum s p / (p + q). That is one-sided label smoothing, Salimans et al. (2016).
    Goodfellow et al. (2014).
    """
    require_floats(real_logits, "real_logits"), require_floats(fake_logits, "fake_logits")
    if not between("smooth", smooth, 0, 1):
        raise ValueError(f"smooth must be above 0 and at most 1, got {smooth!r}")
    on_real = logsigmoid(real_logits)
    if smooth < 1:  # log(1 - D) = log D - logit; 0 times an infinite logit would be NaN
        on_real = on_real - (1 - smooth) * real_logits
    return -on_real.mean() - logsigmoid(-fake_logits).mean()


def saturating(fake_logits: Tensor) -> Tensor:
    """mean log(1 - D(G(z))), the generator's part of the minimax game, from logits of any shape.

    Its slope is -D: there is none where D is sure that a sample is one. Goodfellow et al. (2014).
    """
    return logsigmoid(-require_floats(fake_logits, "fake_logits")).mean()


def non_saturating(fake_logits: Tensor) -> Tensor:
    """-mean log D(G(z)), from logits of any shape: for the same goal, with another slope.

    That is D - 1: largest where D is sure that a sample is one. Goodfellow et al. (2014).
    """
    return -logsigmoid(require_floats(fake_logits, "fake_logits")).mean()


def feature_matching(real_features: Tensor, fake_features: Tensor) -> Tensor:
    """‖mean f(x) - mean f(G(z))‖² of a discriminator's features, `(*batch, k)` each.

    No gradient reaches those of the data. Salimans et al. (2016).
    """
    points("real_features", real_features), points("fake_features", fake_features)
    if real_features.shape[-1:] != fake_features.shape[-1:] or real_features.ndim < 2:
        raise ValueError(
            f"fake_features must be of as many features as real_features, (*batch, k), "
            f"got {tuple(fake_features.shape)} and {tuple(real_features.shape)}"
        )
    real, fake = (f.flatten(end_dim=-2).mean(dim=0) for f in (real_features, fake_features))
    return (real.detach() - fake).square().sum()


def historical_average(parameters: Iterable[Tensor], averages: Iterable[Tensor]) -> Tensor:
    """‖θ - θ̄‖² between parameters and their averages over the training so far, which are fixed.

    Added to either player's loss it damps their circling. `torch.optim.swa_utils.AveragedModel`
    keeps such averages. Salimans et al. (2016).
    """
    parameters, averages = _listed("parameters", parameters), _listed("averages", averages)
    if [p.shape for p in parameters] != [average.shape for average in averages]:
        raise ValueError("averages must have the shapes of parameters, one by one")
    return sum((p - average.detach()).square().sum() for p, average in zip(parameters, averages))


def _listed(name: str, tensors: Iterable[Tensor]) -> list[Tensor]:
    found = list(tensors) if isinstance(tensors, Iterable) else [tensors]
    if not all(isinstance(one, Tensor) for one in found):
        raise ValueError(f"{name} must be tensors, got {tensors!r}")
    return found


def r1(discriminator: Judge, x: Tensor, gamma: float) -> Tensor:
    """γ/2 · mean ‖∇ₓ D(x)‖² at data x `(*batch, d)`, D's logit: R1, for D's loss.

    Its gradient reaches D's parameters. Where D judges packs of points, the mean is over packs.
    Mescheder, Geiger & Nowozin, "Which training methods for GANs do actually converge?" (2018).
    """
    slope = slopes(discriminator, x, "discriminator")
    return at_least_0("gamma", gamma) / 2 * slope.square().sum(dim=-1).mean()


def unrolled(
    discriminator: nn.Module,
    discriminator_loss: Callable[[Judge], Tensor],
    generator_loss: Callable[[Judge], Tensor],
    steps: int,
    lr: float,
) -> Tensor:
    """generator_loss(D_k), where D_k is D after `steps` steps of gradient descent on its own loss.

    Both losses are functions of a judge, to be called as D is. The gradient flows to the generator
    through D_k's parameters too: it sees how D would answer. D itself is not changed, and gets no
    gradient. Metz et al., "Unrolled generative adversarial networks" (2017).
    """
    steps, lr = whole("steps", steps, at_least=0), at_least_0("lr", lr)
    weights = {name: p.detach().requires_grad_() for name, p in discriminator.named_parameters()}
    with torch.enable_grad():
        for _ in range(steps):
            loss = discriminator_loss(_with(discriminator, weights))
            slope = torch.autograd.grad(
                loss, weights.values(), create_graph=True, materialize_grads=True
            )
            weights = {name: w - lr * g for (name, w), g in zip(weights.items(), slope)}
    return generator_loss(_with(discriminator, weights))


def _with(discriminator: nn.Module, weights: dict[str, Tensor]) -> Judge:
    """The discriminator as it is with these parameters."""
    return lambda *x: functional_call(discriminator, weights, x)
