"""What a VAE does with the laws that its parts return, whoever wrote them.

A law is one of `torch.distributions`, or anything like it: `log_prob(z)`, `sample` and `rsample`
of a shape. Those of the course also take a generator, and may have `rsample_with_log_prob`.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.distributions import Distribution, Independent, kl_divergence

from dgm_lib.core import RandomStream
from dgm_lib.nets.inputs import drawing_device

Shape = tuple[int, ...]


def sample(law, shape: Shape = (), generator: Generator | None = None) -> Tensor:
    """Draws of the law, `(*shape, *batch, d)`."""
    return _drawn(law, law.sample, shape, generator)


def rsample_with_log_prob(
    law, shape: Shape = (), generator: Generator | None = None
) -> tuple[Tensor, Tensor]:
    """Draws z `(*shape, *batch, d)` through which gradients flow, and log q(z)."""
    if hasattr(law, "rsample_with_log_prob"):  # one pass, where two may be far dearer
        return _drawn(law, law.rsample_with_log_prob, shape, generator)
    if not hasattr(law, "rsample"):
        raise ValueError(f"encoder must return a law with rsample and log_prob, got {law!r}")
    z = _drawn(law, law.rsample, shape, generator)
    return z, law.log_prob(z)


def per_point(name: str, log_prob: Tensor, batch: torch.Size) -> Tensor:
    """`log_prob`, once it is known to hold one number per point: a sum would hide a mistake."""
    if log_prob.shape != batch:
        raise ValueError(
            f"{name} must return a law of points: its log_prob of shape {tuple(batch)}, "
            f"one number for each, got {tuple(log_prob.shape)}"
        )
    return log_prob


def divergence(q, prior, z: Tensor, log_q: Tensor) -> Tensor:
    """KL(q ‖ prior), `(*batch, groups)`, in closed form where torch knows one.

    Latent dimension by dimension where both laws are products of them; else one number for all
    of z, which is log q(z) - log p(z) at the draw z where there is no closed form.
    """
    p = getattr(prior, "law", prior)
    try:
        if _factorised(q) and _factorised(p):
            return kl_divergence(q.base_dist, p.base_dist)
        return kl_divergence(q, p)[..., None]
    except NotImplementedError:
        log_p = per_point("prior", prior.log_prob(z), z.shape[:-1])
        return (log_q - log_p)[..., None]


def log_ratio(q, p, z: Tensor, log_q: Tensor) -> Tensor:
    """log q(z) - log p(z) at a draw z, `(*batch, groups)`: groups as in `divergence`."""
    if _factorised(q) and _factorised(p):
        return q.base_dist.log_prob(z) - p.base_dist.log_prob(z)
    return (log_q - per_point("decoder", p.log_prob(z), z.shape[:-1]))[..., None]


def _drawn(law, draw: Callable, shape: Shape, generator: Generator | None):
    if generator is None:
        return draw(shape)
    if not isinstance(law, Distribution):
        return draw(shape, generator)
    # torch.distributions have no argument for a generator: let ours seed a stream of their own.
    seed = torch.randint(2**62, (), generator=generator, device=drawing_device(generator, "cpu"))
    with RandomStream(seed.item()):
        return draw(shape)


def _factorised(law) -> bool:
    return isinstance(law, Independent) and law.reinterpreted_batch_ndims == 1
