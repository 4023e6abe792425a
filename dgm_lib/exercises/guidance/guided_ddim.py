"""A step of DDIM that a classifier pulls along."""

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Mistake
from dgm_lib.exercises.diffusion.ddim_step import MISTAKES as DDIM_MISTAKES
from dgm_lib.exercises.engine.terms import column, is_random, points, wrong_terms


def guided_ddim(
    x_t: Tensor,
    eps_hat: Tensor,
    gradient: Tensor,
    alpha_bar_t: Tensor,
    alpha_bar_s: Tensor,
    w: float,
) -> Tensor:
    """A step of DDIM with ε̃ = ε̂ − w √(1 − ᾱ_t) ∇ log p(y | x_t) in the place of ε̂:

        x_s = √ᾱ_s (x_t − √(1 − ᾱ_t) ε̃) / √ᾱ_t + √(1 − ᾱ_s) ε̃

    which is −√(1 − ᾱ_t) times the guided score. x_t, eps_hat and the gradient (*batch, d), ᾱ_t and
    ᾱ_s (*batch, 1) -> (*batch, d). Dhariwal & Nichol (2021), algorithm 2.
    """
    sigma = (1 - alpha_bar_t).sqrt()
    eps = eps_hat - w * sigma * gradient
    x0 = (x_t - sigma * eps) / alpha_bar_t.sqrt()
    return alpha_bar_s.sqrt() * x0 + (1 - alpha_bar_s).sqrt() * eps


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(*batch: int, d: int, w: float, last: bool = False) -> tuple:
        x, e, g = torch.randn(3, *batch, d, generator=generator, dtype=torch.float64)
        a, b = 0.1 + 0.8 * torch.rand(2, *batch, 1, generator=generator, dtype=torch.float64)
        later = torch.ones_like(a) if last else torch.maximum(a, b)
        numbers = 1.1 * x + 0.3, e, 0.8 * g - 0.2, torch.minimum(a, b), later
        return *(number.to(dtype) for number in numbers), w

    return [
        case(1, d=2, w=3.0),
        case(3, d=2, w=1.5),
        case(d=3, w=0.4),
        case(4, d=1, w=7.0),
        case(2, 3, d=2, w=2.5),
        case(5, d=2, w=2.0, last=True),
        case(2, d=3, w=0.0),
    ]


# ------------------------------------------------------------------------ right answers


def _ddim(x, e, t, s):
    return s.sqrt() * (x - (1 - t).sqrt() * e) / t.sqrt() + (1 - s).sqrt() * e


def _by_score(x_t, eps_hat, gradient, alpha_bar_t, alpha_bar_s, w):
    sigma = torch.sqrt(1 - alpha_bar_t)
    score = -eps_hat / sigma + w * gradient
    return _ddim(x_t, -sigma * score, alpha_bar_t, alpha_bar_s)


def _by_x0(x_t, eps_hat, gradient, alpha_bar_t, alpha_bar_s, w):
    variance = 1 - alpha_bar_t
    x0 = (x_t - variance.sqrt() * eps_hat + w * variance * gradient) / alpha_bar_t.sqrt()
    eps = (x_t - alpha_bar_t.sqrt() * x0) / variance.sqrt()
    return alpha_bar_s.sqrt() * x0 + torch.sqrt(1 - alpha_bar_s) * eps


def _correction(x_t, eps_hat, gradient, alpha_bar_t, alpha_bar_s, w):
    sigma, sigma_s = (1 - alpha_bar_t) ** 0.5, (1 - alpha_bar_s) ** 0.5
    shift = (alpha_bar_s / alpha_bar_t) ** 0.5 * sigma - sigma_s
    return _ddim(x_t, eps_hat, alpha_bar_t, alpha_bar_s) + w * shift * sigma * gradient


def _odds(x_t, eps_hat, gradient, alpha_bar_t, alpha_bar_s, w):
    eps = torch.addcmul(eps_hat, (1 - alpha_bar_t).sqrt(), gradient, value=-w)
    change = (1 / alpha_bar_s - 1).sqrt() - (1 / alpha_bar_t - 1).sqrt()
    return alpha_bar_s.sqrt() * (x_t / alpha_bar_t.sqrt() + change * eps)


# ------------------------------------------------------------------------ wrong answers


_LEVELS = column(0.2, 0.3, 0.5), column(0.6, 0.4, 0.9)  # ᾱ_t, ᾱ_s
_ARGS = *points(3), *_LEVELS, 1.7


def _eps(eps):
    """A step with a wrong ε̃, of ε̂, the gradient, ᾱ_t, ᾱ_s and w."""
    return lambda x, e, g, t, s, w: _ddim(x, eps(e, g, t, s, w), t, s)


def _step(step):
    """A wrong step with the right ε̃, of x_t, ε̃, ε̂, ᾱ_t and ᾱ_s."""
    return lambda x, e, g, t, s, w: step(x, e - w * (1 - t).sqrt() * g, e, t, s)


def _x0(x, e, t):
    return (x - (1 - t).sqrt() * e) / t.sqrt()


def _with(step):
    """A wrong step of DDIM with the right ε̃."""
    return lambda x, e, g, t, s, w: step(x, e - w * (1 - t).sqrt() * g, t, s)


def _fresh(x, e, g, t, s, w):
    return guided_ddim(x, e, g, t, s, w) + (1 - s).sqrt() * (torch.randn_like(e) - e)


MISTAKES = (
    Mistake(
        "sign",
        _eps(lambda e, g, t, s, w: e + w * (1 - t).sqrt() * g),
        "the gradient has the wrong sign: ε is −sigma times the score, so it is subtracted",
    ),
    Mistake(
        "no sigma",
        _eps(lambda e, g, t, s, w: e - w * g),
        "√(1 − ᾱ_t) is missing before the gradient: ε is −sigma times the score",
    ),
    Mistake(
        "variance",
        _eps(lambda e, g, t, s, w: e - w * (1 - t) * g),
        "the gradient is multiplied by sigma² = 1 − ᾱ_t: that is for a mean, here it is sigma",
    ),
    Mistake(
        "divided",
        _eps(lambda e, g, t, s, w: e - w * g / (1 - t).sqrt()),
        "the gradient is divided by √(1 − ᾱ_t): multiply",
    ),
    Mistake(
        "signal for noise",
        _eps(lambda e, g, t, s, w: e - w * t.sqrt() * g),
        "the gradient is multiplied by √ᾱ_t: by √(1 − ᾱ_t), the noise's standard deviation",
    ),
    Mistake(
        "sigma of s",
        _eps(lambda e, g, t, s, w: e - w * (1 - s).sqrt() * g),
        "the gradient is multiplied by √(1 − ᾱ_s): it was taken at x_t, so by √(1 − ᾱ_t)",
    ),
    Mistake(
        "no w",
        _eps(lambda e, g, t, s, w: e - (1 - t).sqrt() * g),
        "w is not used: it multiplies the gradient",
    ),
    Mistake(
        "one plus w",
        _eps(lambda e, g, t, s, w: e - (1 + w) * (1 - t).sqrt() * g),
        "the weight is 1 + w for you: w = 0 must leave ε̂ as it is",
    ),
    Mistake(
        "w on both",
        _eps(lambda e, g, t, s, w: w * (e - (1 - t).sqrt() * g)),
        "w multiplies ε̂ too: it belongs to the gradient alone",
    ),
    Mistake(
        "gradient alone",
        _eps(lambda e, g, t, s, w: -w * (1 - t).sqrt() * g),
        "ε̂ is missing: the classifier does not know the data, only the classes",
    ),
    Mistake(
        "between",
        _eps(lambda e, g, t, s, w: (1 - w) * e - w * (1 - t).sqrt() * g),
        "ε̂ has the weight 1 − w: it stays as it is",
    ),
    Mistake(
        "not guided",
        _eps(lambda e, g, t, s, w: e),
        "the gradient is not used",
    ),
    Mistake(
        "unit gradient",
        _eps(lambda e, g, t, s, w: e - w * (1 - t).sqrt() * g / g.norm(dim=-1, keepdim=True)),
        "the gradient is made one long: its size says how sure the classifier is",
    ),
    Mistake(
        "guide in x_0 alone",
        _step(lambda x, g, e, t, s: s.sqrt() * _x0(x, g, t) + (1 - s).sqrt() * e),
        "ε̂ without guidance is put back: the guided ε̃ belongs to both parts",
    ),
    Mistake(
        "guide in the noise alone",
        _step(lambda x, g, e, t, s: s.sqrt() * _x0(x, e, t) + (1 - s).sqrt() * g),
        "x̂_0 is guessed without guidance: the guided ε̃ belongs to both parts",
    ),
    Mistake(
        "after the step",
        lambda x, e, g, t, s, w: _ddim(x, e, t, s) + w * g,
        "the gradient is added after the step: it changes ε̂, before it",
    ),
    Mistake(
        "as a mean",
        lambda x, e, g, t, s, w: _ddim(x, e, t, s) + w * (1 - t / s) * (1 - s) / (1 - t) * g,
        "β̃ times the gradient is added, as to the mean of DDPM: without noise the step has no β̃, "
        "change ε̂",
    ),
    Mistake(
        "t and s swapped",
        lambda x, e, g, t, s, w: _ddim(x, e - w * (1 - s).sqrt() * g, s, t),
        "ᾱ_t and ᾱ_s are swapped: the step goes from t to s",
    ),
    Mistake(
        "eps itself",
        lambda x, e, g, t, s, w: e - w * (1 - t).sqrt() * g,
        "this is ε̃ itself: take the step with it, and return x_s",
    ),
    Mistake(
        "eps for the score",
        _eps(lambda e, g, t, s, w: -(1 - t).sqrt() * (e + w * g)),
        "ε̂ is taken for the score: the score is −ε̂ / √(1 − ᾱ_t)",
    ),
    Mistake(
        "gradient for eps",
        _eps(lambda e, g, t, s, w: e + w * (g - e)),
        "the gradient is taken for the ε of the class: it is a gradient, and ε̂ loses "
        "w √(1 − ᾱ_t) of it",
    ),
    Mistake(
        "variance for sigma",
        lambda x, e, g, t, s, w: (
            s.sqrt() * (x - (1 - t) * (e - w * (1 - t) * g)) / t.sqrt()
            + (1 - s).sqrt() * (e - w * (1 - t) * g)
        ),
        "1 − ᾱ_t stands for sigma, before the gradient and in x̂_0: take its root",
    ),
    Mistake(
        "no roots anywhere",
        lambda x, e, g, t, s, w: (
            s * (x - (1 - t) * (e - w * (1 - t) * g)) / t + (1 - s) * (e - w * (1 - t) * g)
        ),
        "all roots are missing, before the gradient too: ᾱ and 1 − ᾱ are variances",
    ),
    Mistake(
        "alpha for alpha_bar",
        lambda x, e, g, t, s, w: guided_ddim(x, e, g, t**2, s**2, w),
        "ᾱ is squared, as if it were alpha of the path: ᾱ is alpha² already, and sigma is √(1 − ᾱ)",
    ),
    Mistake(
        "fresh noise",
        _fresh,
        "fresh noise is drawn: DDIM puts the same ε̃ back, and nothing is at random",
        is_random(*_ARGS),
    ),
    *(
        Mistake(f"DDIM: {m.name}", _with(m.function), m.hint.replace("ε̂", "ε̃"))
        for m in DDIM_MISTAKES
        if not m.recognise
    ),
    *wrong_terms(
        guided_ddim,
        _ARGS,
        {
            0: "x_t has another factor than √ᾱ_s / √ᾱ_t: guidance changes nothing in it",
            1: "ε̂ has another factor than without guidance, √(1 − ᾱ_s) − √ᾱ_s √(1 − ᾱ_t) / √ᾱ_t",
            2: "the gradient has another factor than −w √(1 − ᾱ_t) times that of ε̂: it is in ε̃, "
            "and so in both parts of the step",
        },
    ),
)

Exercise(
    guided_ddim,
    title="Guided DDIM",
    minutes=8,
    difficulty=3,
    returns="(*batch, d), the points with less noise",
    cases=_cases,
    mistakes=MISTAKES,
    accepts=[_by_score, _by_x0, _correction, _odds],
    hints=(
        "DDIM adds no noise, so there is no mean to shift: shift the score, and with it ε̂.",
        "The guided score is −ε̂ / sigma + w ∇ log p(y | x_t), with sigma = √(1 − ᾱ_t); ε̃ is "
        "−sigma times that.",
        "Then a step of DDIM with ε̃ in both places: x̂_0 = (x_t − sigma ε̃) / √ᾱ_t, and "
        "√ᾱ_s x̂_0 + √(1 − ᾱ_s) ε̃.",
    ),
)
