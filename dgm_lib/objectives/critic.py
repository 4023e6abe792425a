"""Objectives of Wasserstein GANs: a critic f that is scored, and how its slope is kept at 1.

W₁(p, q) = max E_p[f] - E_q[f] over all f of slope at most 1 (Kantorovich & Rubinstein), and the
generator minimises it by -mean f(G(z)).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from dgm_lib.nets.inputs import drawing_device, require_floats
from dgm_lib.objectives.inputs import at_least_0, points, slopes


def critic_loss(real: Tensor, fake: Tensor) -> Tensor:
    """mean f(G(z)) - mean f(x), from the critic's values on data and on samples, any shapes.

    Minus it is at most K · W₁ for a critic of slope at most K. Arjovsky, Chintala & Bottou (2017).
    """
    return require_floats(fake, "fake").mean() - require_floats(real, "real").mean()


def gradient_penalty(
    critic: Callable[[Tensor], Tensor],
    x_real: Tensor,
    x_fake: Tensor,
    weight: float = 10.0,
    generator: torch.Generator | None = None,
) -> Tensor:
    """weight · mean (‖∇f(x̂)‖ - 1)² for the critic's loss, which its gradient is for.

    x̂ = ε x + (1 - ε) G(z) lies on the line from a sample to a datum, ε uniform in (0, 1) for each
    pair; x_real and x_fake `(*batch, d)`. Gulrajani et al., "Improved training of Wasserstein
    GANs" (2017).
    """
    x_real, x_fake = points("x_real", x_real), points("x_fake", x_fake)
    if x_real.shape != x_fake.shape:
        raise ValueError(
            f"x_fake must have the shape of x_real, {tuple(x_real.shape)}, "
            f"got {tuple(x_fake.shape)}"
        )
    device = drawing_device(generator, x_real.device)
    shape = (*x_real.shape[:-1], 1)
    epsilon = torch.rand(shape, generator=generator, dtype=x_real.dtype, device=device)
    between = torch.lerp(x_fake, x_real, epsilon.to(x_real.device))
    norm = torch.linalg.vector_norm(slopes(critic, between, "critic"), dim=-1)
    return at_least_0("weight", weight) * (norm - 1).square().mean()
