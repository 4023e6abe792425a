"""DDPM and DDIM: guess the clean point, and go to where it would be with less noise.

x `(*batch, d)`; t and s `(*batch, 1)` are the times before and after a step, s < t; `eps` is the
prediction E[ε | x_t], as a function of (x, t) for the samplers and as a tensor for the steps;
`noise` is a draw of N(0, I).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Generator, Tensor

from dgm_lib.nets.inputs import between, require_beside
from dgm_lib.samplers.diffusion.state import State, checked, draw, nonnegative, walk
from dgm_lib.samplers.fields import Field, Function, Times, falling, points

Spread = Callable[[object, Tensor, Tensor], Tensor]
"""The standard deviation of the noise in a step: (path, t, s) -> `(*batch, 1)`."""

_LEAST_SIGNAL = 1e-6  # of alpha: with less, (x - sigma ε) / alpha has no digit left


def posterior_spread(path: object, t: Tensor, s: Tensor) -> Tensor:
    """√β̃ = sigma_{t|s} sigma_s / sigma_t, of q(x_s | x_t, x_0): exact for data of one point."""
    return path.transition(s, t)[1] * path.sigma(s) / path.sigma(t)


def forward_spread(path: object, t: Tensor, s: Tensor) -> Tensor:
    """√β = sigma_{t|s}, of q(x_t | x_s): exact for data of N(0, I) if the path keeps the variance.

    None at the end, where sigma_s = 0. Ho, Jain and Abbeel (2020) found both to do.
    """
    step = path.transition(s, t)[1]
    return torch.where(path.sigma(s) > 0, step, torch.zeros_like(step))


def ancestral_step(
    path: object,
    x: Tensor,
    t: Tensor,
    s: Tensor,
    eps: Tensor,
    noise: Tensor,
    spread: Spread = posterior_spread,
    guide: Function | None = None,
) -> Tensor:
    """One step of DDPM: a draw of q(x_s | x_t, x_0) with the guess x_0 = (x_t - sigma ε) / alpha.

        x_s = mu + spread · noise,  mu = (a sigma_s² x_t + alpha_s sigma_{t|s}² x_0) / sigma_t²,

    with q(x_t | x_s) = N(a x_s, sigma_{t|s}² I). A `guide` is the gradient of log p(y | x, t): with
    it the mean is mu + spread² guide(mu, s). Ho, Jain and Abbeel, "Denoising diffusion
    probabilistic models" (2020); Dhariwal and Nichol (2021), algorithm 1.
    """
    require_beside(x, noise, "noise")
    mean, _ = path.posterior(x, t, path.x0_from_eps(x, t, eps), s)
    sigma = spread(path, t, s)
    if guide is not None:
        mean = mean + sigma**2 * guide(mean, s)
    return mean + sigma * noise


def ancestral(
    eps: Function,
    path: object,
    x: Tensor,
    times: Times,
    generator: Generator | None = None,
    spread: Spread = posterior_spread,
    guide: Function | None = None,
    step: Callable[..., Tensor] = ancestral_step,
) -> Iterator[State]:
    """DDPM's ancestral sampling: the states at each of the falling `times`, the start first.

    `step` is called as `ancestral_step`, with spread and guide only where they are not the usual
    ones. On the times i/n it is the chain of DDPM with β_i = 1 - ᾱ_i / ᾱ_{i-1}.
    """
    eps, x = Field("eps", eps), points("x", x)
    times, generator = _from_noise(times, x, path), checked(generator)
    options = {} if spread is posterior_spread else {"spread": spread}
    if guide is not None:
        options["guide"] = Field("guide", guide)

    def move(x: Tensor, t: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
        guess = eps(x, t)
        moved = step(path, x, t, s, guess, draw(x, generator), **options)
        return moved, path.x0_from_eps(x, t, guess)

    return walk(x, times, move, eps)


def ddim_step(
    path: object, x: Tensor, t: Tensor, s: Tensor, eps: Tensor, noise: Tensor, eta: float = 0.0
) -> Tensor:
    """One step of DDIM: the guessed x_0 with the same ε at the lower noise, some of it fresh.

        x_s = alpha_s x_0 + √(sigma_s² - τ²) ε + τ noise,  τ = eta √β̃

    With eta = 0 this is an Euler step of the probability flow in the variables x / alpha and
    sigma / alpha; with eta = 1 it is a step of DDPM. Song, Meng and Ermon, "Denoising diffusion
    implicit models" (2021), (12).
    """
    require_beside(x, noise, "noise"), between("eta", eta, 0, 1)
    x0, tau = path.x0_from_eps(x, t, eps), eta * posterior_spread(path, t, s)
    kept = (path.sigma(s) ** 2 - tau**2).clamp(min=0).sqrt()
    return path.alpha(s) * x0 + kept * eps + tau * noise


def ddim(
    eps: Function,
    path: object,
    x: Tensor,
    times: Times,
    eta: float = 0.0,
    generator: Generator | None = None,
    step: Callable[..., Tensor] = ddim_step,
) -> Iterator[State]:
    """DDIM: the states at each of the falling `times`, the start first; eta is from 0 to 1.

    With eta = 0 nothing is drawn, and the last x is a function of the first. `step` is called as
    `ddim_step`.
    """
    eps, x, eta = Field("eps", eps), points("x", x), nonnegative("eta", eta)
    if eta > 1:
        raise ValueError(f"eta must be between 0 (no fresh noise) and 1 (DDPM), got {eta}")
    times, generator = _from_noise(times, x, path), checked(generator)

    def move(x: Tensor, t: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
        guess = eps(x, t)
        moved = step(path, x, t, s, guess, draw(x, generator, eta), eta)
        return moved, path.x0_from_eps(x, t, guess)

    return walk(x, times, move, eps)


def _from_noise(times: Times, x: Tensor, path: object) -> list[float]:
    times = falling(times, x)
    if (alpha := path.alpha(x.new_tensor(times[:1])).item()) < _LEAST_SIGNAL:
        raise ValueError(
            f"times must start where alpha(t) is positive, as ε alone does not tell x_0, "
            f"got alpha({times[0]:g}) = {alpha:.2g}"
        )
    return times
