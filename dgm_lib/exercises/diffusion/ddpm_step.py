"""A step of DDPM: back to less noise, with some fresh noise."""

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Mistake
from dgm_lib.exercises.engine.terms import column, is_random, points, wrong_terms


def ddpm_step(
    x_t: Tensor, eps_hat: Tensor, alpha_bar_t: Tensor, alpha_bar_s: Tensor, noise: Tensor
) -> Tensor:
    """A draw of q(x_s | x_t, x_0) with the x_0 that goes with the guess ε̂, α = ᾱ_t / ᾱ_s:

        x_s = (x_t − (1 − α) / √(1 − ᾱ_t) ε̂) / √α + √β̃ noise
        β̃ = (1 − α) (1 − ᾱ_s) / (1 − ᾱ_t), which is 0 in the last step, where ᾱ_s = 1

    x_t, eps_hat and noise of N(0, I) (*batch, d), ᾱ_t < ᾱ_s ≤ 1 (*batch, 1) -> (*batch, d). Ho,
    Jain & Abbeel (2020), algorithm 2.
    """
    alpha, after = alpha_bar_t / alpha_bar_s, 1 - alpha_bar_t
    mean = (x_t - (1 - alpha) / after.sqrt() * eps_hat) / alpha.sqrt()
    variance = (1 - alpha) * (1 - alpha_bar_s) / after
    return mean + variance.sqrt() * noise


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(*batch: int, d: int, last: float = 0.0) -> tuple[Tensor, ...]:
        """The share `last` of the points is at its last step."""
        x_t, eps, noise = torch.randn(3, *batch, d, generator=generator, dtype=torch.float64)
        s, share = torch.rand(2, *batch, 1, generator=generator, dtype=torch.float64)
        alpha_bar_s = torch.where(share < last, 1.0, 0.3 + 0.6 * s)
        args = 1.1 * x_t + 0.3, eps, alpha_bar_s * (0.3 + 0.6 * share), alpha_bar_s, noise
        return tuple(a.to(dtype) for a in args)

    return [
        case(1, d=2),
        case(1, d=3, last=1.0),
        case(3, d=2),
        case(d=4),
        case(4, d=1),
        case(2, 3, d=2),
        case(5, d=2, last=1.0),
        case(8, d=2, last=0.5),
    ]


# ------------------------------------------------------------------------ right answers


def _by_x0(x_t, eps_hat, alpha_bar_t, alpha_bar_s, noise):
    x0 = (x_t - (1 - alpha_bar_t).sqrt() * eps_hat) / alpha_bar_t.sqrt()
    alpha = alpha_bar_t / alpha_bar_s
    mean = alpha_bar_s.sqrt() * (1 - alpha) * x0 + alpha.sqrt() * (1 - alpha_bar_s) * x_t
    sigma = torch.sqrt((1 - alpha) * (1 - alpha_bar_s) / (1 - alpha_bar_t))
    return mean / (1 - alpha_bar_t) + sigma * noise


def _like_ddim(x_t, eps_hat, alpha_bar_t, alpha_bar_s, noise):
    tau2 = (1 - alpha_bar_s) / (1 - alpha_bar_t) * (1 - alpha_bar_t / alpha_bar_s)
    x0 = (x_t - (1 - alpha_bar_t) ** 0.5 * eps_hat) / alpha_bar_t**0.5
    kept = (1 - alpha_bar_s - tau2).clamp(min=0) ** 0.5
    return alpha_bar_s**0.5 * x0 + kept * eps_hat + tau2**0.5 * noise


def _no_noise_at_the_end(x_t, eps_hat, alpha_bar_t, alpha_bar_s, noise):
    beta = 1 - alpha_bar_t / alpha_bar_s
    mean = (x_t - beta / torch.sqrt(1 - alpha_bar_t) * eps_hat) / torch.sqrt(1 - beta)
    sigma = torch.sqrt(beta * (1 - alpha_bar_s) / (1 - alpha_bar_t))
    return torch.where(alpha_bar_s < 1, mean + sigma * noise, mean)


def _by_score(x_t, eps_hat, alpha_bar_t, alpha_bar_s, noise):
    beta = (alpha_bar_s - alpha_bar_t) / alpha_bar_s
    score = -eps_hat / (1 - alpha_bar_t).sqrt()
    mean = (x_t + beta * score) * (alpha_bar_s / alpha_bar_t).sqrt()
    return mean + (beta * (1 - alpha_bar_s)).sqrt() / (1 - alpha_bar_t).sqrt() * noise


# ------------------------------------------------------------------------ wrong answers


_LEVELS = column(0.2, 0.3, 0.5), column(0.6, 0.4, 0.9)  # ᾱ_t, ᾱ_s
_X, _EPS, _NOISE = points(3)


def _mean(mean):
    """A wrong mean, of x_t, ε̂, β, ᾱ_t and ᾱ_s, with the right noise."""

    def wrong(x, e, t, s, noise):
        b = 1 - t / s
        return mean(x, e, b, t, s) + (b * (1 - s) / (1 - t)).sqrt() * noise

    return wrong


def _spread(spread):
    """A wrong scale of the noise, of β, ᾱ_t, ᾱ_s and √β̃, with the right mean."""

    def wrong(x, e, t, s, noise):
        b = 1 - t / s
        right = (b * (1 - s) / (1 - t)).sqrt()
        return (x - b / (1 - t).sqrt() * e) / (1 - b).sqrt() + spread(b, t, s, right) * noise

    return wrong


def _x0(x, e, t):
    return (x - (1 - t).sqrt() * e) / t.sqrt()


MISTAKES = (
    Mistake(
        "noise at the last step",
        _spread(lambda b, t, s, right: torch.where(s < 1, right, b.sqrt())),
        "noise is added in the last step: β̃ is 0 there, and so x_s is clean",
    ),
    Mistake(
        "beta",
        _spread(lambda b, t, s, right: b.sqrt()),
        "the noise has variance β, in the last step too: that of q(x_s | x_t, x_0) is "
        "β̃ = β (1 − ᾱ_s) / (1 − ᾱ_t)",
    ),
    Mistake(
        "beta but at the end",
        _spread(lambda b, t, s, right: torch.where(s < 1, b.sqrt(), 0 * b)),
        "the noise has variance β: Ho et al. allow it, but β̃ of q(x_s | x_t, x_0) is asked for",
    ),
    Mistake(
        "variance for its root",
        _spread(lambda b, t, s, right: right**2),
        "the noise is multiplied by the variance β̃: by its root",
    ),
    Mistake(
        "beta not rooted",
        _spread(lambda b, t, s, right: b),
        "the noise is multiplied by β: by √β̃",
    ),
    Mistake(
        "level of s",
        _spread(lambda b, t, s, right: (1 - s).sqrt()),
        "the noise is that of x_s as a whole, √(1 − ᾱ_s): part of it is in the mean already",
    ),
    Mistake(
        "variance upside down",
        _spread(lambda b, t, s, right: (b * (1 - t) / (1 - s).clamp(min=1e-3)).sqrt()),
        "(1 − ᾱ_s) / (1 − ᾱ_t) is upside down in β̃, and grows without bound at the end",
    ),
    Mistake(
        "noise not scaled",
        _spread(lambda b, t, s, right: torch.ones_like(b)),
        "the noise is not scaled: by √β̃",
    ),
    Mistake(
        "no noise",
        _spread(lambda b, t, s, right: torch.zeros_like(b)),
        "no noise is added: this is the mean of the step, and the samples come out too narrow",
    ),
    Mistake(
        "no noise for all",
        _spread(lambda b, t, s, right: right * (s < 1).all()),
        "one point at its last step takes the noise from all: each has its own β̃",
    ),
    Mistake(
        "noise subtracted",
        _spread(lambda b, t, s, right: -right),
        "the noise is subtracted: no different in law, but add it, so that runs can be compared",
    ),
    Mistake(
        "sign of eps",
        _mean(lambda x, e, b, t, s: (x + b / (1 - t).sqrt() * e) / (1 - b).sqrt()),
        "ε̂ has the wrong sign: noise is taken off",
    ),
    Mistake(
        "all the noise",
        _mean(lambda x, e, b, t, s: (x - (1 - t).sqrt() * e) / (1 - b).sqrt()),
        "all the noise is taken off in one step: ε̂ is multiplied by β / √(1 − ᾱ_t)",
    ),
    Mistake(
        "level for step",
        _mean(lambda x, e, b, t, s: (x - b.sqrt() * e) / (1 - b).sqrt()),
        "β stands for 1 − ᾱ_t under the root: ε̂ is multiplied by β / √(1 − ᾱ_t)",
    ),
    Mistake(
        "no root of the level",
        _mean(lambda x, e, b, t, s: (x - b / (1 - t) * e) / (1 - b).sqrt()),
        "the root of 1 − ᾱ_t is missing under β",
    ),
    Mistake(
        "beta alone",
        _mean(lambda x, e, b, t, s: (x - b * e) / (1 - b).sqrt()),
        "ε̂ is multiplied by β and not divided by √(1 − ᾱ_t)",
    ),
    Mistake(
        "not divided by alpha",
        _mean(lambda x, e, b, t, s: x - b / (1 - t).sqrt() * e),
        "the mean is not divided by √α: the step from s to t has shrunk the point",
    ),
    Mistake(
        "no root of alpha",
        _mean(lambda x, e, b, t, s: (x - b / (1 - t).sqrt() * e) / (1 - b)),
        "the mean is divided by α: by its root",
    ),
    Mistake(
        "alpha_bar for alpha",
        _mean(lambda x, e, b, t, s: (x - b / (1 - t).sqrt() * e) / t.sqrt()),
        "the mean is divided by √ᾱ_t, as if x_s were x_0: by √α, α = ᾱ_t / ᾱ_s",
    ),
    Mistake(
        "brackets",
        _mean(lambda x, e, b, t, s: x / (1 - b).sqrt() - b / (1 - t).sqrt() * e),
        "only x_t is divided by √α: mind the brackets",
    ),
    Mistake(
        "to the data",
        _mean(lambda x, e, b, t, s: _x0(x, e, t)),
        "the mean is the guess of x_0: go to x_s only",
    ),
    Mistake(
        "alpha_bar throughout",
        lambda x, e, t, s, noise: _x0(x, e, t) + (1 - s).sqrt() * noise,
        "ᾱ_t stands for α everywhere, and 1 − ᾱ_t for β: the step has α = ᾱ_t / ᾱ_s",
    ),
    Mistake(
        "difference for beta",
        lambda x, e, t, s, noise: (
            (x - (s - t) / (1 - t).sqrt() * e) / (1 - s + t).sqrt()
            + ((s - t) * (1 - s) / (1 - t)).sqrt() * noise
        ),
        "β is ᾱ_s − ᾱ_t for you: the steps multiply, β = 1 − ᾱ_t / ᾱ_s",
    ),
    Mistake(
        "noised again",
        lambda x, e, t, s, noise: s.sqrt() * _x0(x, e, t) + (1 - s).sqrt() * noise,
        "the guess of x_0 is noised again with fresh noise only: x_t tells where x_s was",
    ),
    Mistake(
        "eps for x_0",
        _mean(lambda x, e, b, t, s: (s.sqrt() * b * e + (1 - b).sqrt() * (1 - s) * x) / (1 - t)),
        "ε̂ is used in the place of x_0: first x_0 = (x_t − √(1 − ᾱ_t) ε̂) / √ᾱ_t",
    ),
    Mistake(
        "upside down",
        lambda x, e, t, s, noise: ddpm_step(x, e, s, t, noise),
        "ᾱ_t and ᾱ_s are swapped, or α is upside down: α = ᾱ_t / ᾱ_s is below 1, and β̃ positive",
    ),
    Mistake(
        "by precisions",
        lambda x, e, t, s, noise: ddpm_step(x, e, t, s, noise) + 0 / (1 - s),
        "1 / (1 − ᾱ_s) is infinite in the last step, where ᾱ_s = 1: do not divide by 1 − ᾱ_s",
    ),
    Mistake(
        "noise in the bracket",
        _spread(lambda b, t, s, right: right / (1 - b).sqrt()),
        "the noise is divided by √α too: it is added to the mean, outside the bracket",
    ),
    Mistake(
        "DDIM and noise",
        _mean(lambda x, e, b, t, s: s.sqrt() * _x0(x, e, t) + (1 - s).sqrt() * e),
        "this is DDIM with fresh noise on top, too much: √β̃ of noise leaves less of ε̂, "
        "√(1 − ᾱ_s − β̃)",
    ),
    Mistake(
        "own noise",
        lambda x, e, t, s, noise: ddpm_step(x, e, t, s, torch.randn_like(x)),
        "you draw noise of your own: use the one that you are given",
        is_random(_X, _EPS, *_LEVELS, _NOISE),
    ),
    *wrong_terms(
        ddpm_step,
        (_X, _EPS, *_LEVELS, _NOISE),
        {
            0: "x_t has another factor than 1 / √α, with α = ᾱ_t / ᾱ_s",
            1: "ε̂ has another factor than −(1 − α) / (√(1 − ᾱ_t) √α): mind the roots, and whose "
            "level is under them",
            4: "the noise has another factor than √β̃, with β̃ = (1 − α) (1 − ᾱ_s) / (1 − ᾱ_t)",
        },
    ),
)

Exercise(
    ddpm_step,
    title="A step of DDPM",
    minutes=10,
    difficulty=3,
    returns="(*batch, d), the points with less noise",
    cases=_cases,
    mistakes=MISTAKES,
    accepts=[_by_x0, _like_ddim, _no_noise_at_the_end, _by_score],
    hints=(
        "It is q(x_s | x_t, x_0) of the last exercise with x_0 = (x_t − √(1 − ᾱ_t) ε̂) / √ᾱ_t.",
        "Put that x_0 into the mean, and it becomes (x_t − β / √(1 − ᾱ_t) ε̂) / √α, with "
        "α = ᾱ_t / ᾱ_s and β = 1 − α.",
        "The noise is multiplied by the root of β̃ = β (1 − ᾱ_s) / (1 − ᾱ_t): at ᾱ_s = 1 none is "
        "added.",
    ),
)
