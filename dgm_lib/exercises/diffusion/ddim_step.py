"""A step of DDIM: the same noise at a lower level, and nothing at random."""

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Fail, Mistake
from dgm_lib.exercises.engine.terms import column, is_random, points, wrong_terms


def ddim_step(x_t: Tensor, eps_hat: Tensor, alpha_bar_t: Tensor, alpha_bar_s: Tensor) -> Tensor:
    """x_s = √ᾱ_s x̂_0 + √(1 − ᾱ_s) ε̂ with the guess x̂_0 = (x_t − √(1 − ᾱ_t) ε̂) / √ᾱ_t.

    x_t and eps_hat (*batch, d), ᾱ_t and ᾱ_s (*batch, 1) -> (*batch, d), in either direction. Song,
    Meng & Ermon (2021), (12) with eta = 0.
    """
    x0 = (x_t - (1 - alpha_bar_t).sqrt() * eps_hat) / alpha_bar_t.sqrt()
    return alpha_bar_s.sqrt() * x0 + (1 - alpha_bar_s).sqrt() * eps_hat


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(*batch: int, d: int, last: bool = False) -> tuple[Tensor, ...]:
        x_t, eps = torch.randn(2, *batch, d, generator=generator, dtype=torch.float64)
        s, t = 0.1 + 0.8 * torch.rand(2, *batch, 1, generator=generator, dtype=torch.float64)
        args = 1.1 * x_t + 0.3, eps, torch.minimum(s, t), torch.maximum(s, t)
        return tuple(a.to(dtype) for a in (*args[:3], torch.ones_like(s) if last else args[3]))

    return [
        case(1, d=2),
        case(3, d=2),
        case(d=3),
        case(4, d=1),
        case(2, 3, d=2),
        case(5, d=2, last=True),
    ]


def _there_and_back(fn, generator):
    """back again with the same ε, the point is where it was"""
    x, eps = torch.randn(2, 5, 2, generator=generator, dtype=torch.float64)
    low, high = torch.tensor([[0.3]]).double(), torch.tensor([[0.8]]).double()
    if not torch.allclose(fn(fn(x, eps, low, high), eps, high, low), x):
        raise Fail("a step there and one back, with the same ε, do not end where they began")


# ------------------------------------------------------------------------ right answers


def _odds(x_t, eps_hat, alpha_bar_t, alpha_bar_s):
    before, after = (torch.sqrt(1 / a - 1) for a in (alpha_bar_s, alpha_bar_t))
    return alpha_bar_s.sqrt() * (x_t / alpha_bar_t.sqrt() + (before - after) * eps_hat)


def _one_line(x_t, eps_hat, alpha_bar_t, alpha_bar_s):
    scale = (alpha_bar_s / alpha_bar_t) ** 0.5
    return scale * x_t + ((1 - alpha_bar_s) ** 0.5 - scale * (1 - alpha_bar_t) ** 0.5) * eps_hat


def _by_score(x_t, eps_hat, alpha_bar_t, alpha_bar_s):
    score = -eps_hat / torch.sqrt(1 - alpha_bar_t)
    x0 = (x_t + (1 - alpha_bar_t) * score) / torch.sqrt(alpha_bar_t)
    return torch.lerp(torch.zeros_like(x0), x0, alpha_bar_s.sqrt()) + (
        eps_hat * (1 - alpha_bar_s).sqrt()
    )


def _turned(x_t, eps_hat, alpha_bar_t, alpha_bar_s):
    t, s = (torch.acos(a.sqrt()) for a in (alpha_bar_t, alpha_bar_s))
    return torch.cos(s) * (x_t - torch.sin(t) * eps_hat) / torch.cos(t) + torch.sin(s) * eps_hat


# ------------------------------------------------------------------------ wrong answers


_POINTS = *points(2), column(0.2, 0.3, 0.5), column(0.6, 0.4, 0.9)  # x_t, ε̂, ᾱ_t, ᾱ_s


def _x0(x, e, t):
    return (x - (1 - t).sqrt() * e) / t.sqrt()


def _guess(guess):
    """A wrong guess of x_0, of x_t, ε̂ and ᾱ_t, noised rightly."""
    return lambda x, e, t, s: s.sqrt() * guess(x, e, t) + (1 - s).sqrt() * e


def _noised(noised):
    """A wrong noising of the right guess, of x_0, ε̂, ᾱ_s, ᾱ_t and x_t."""
    return lambda x, e, t, s: noised(_x0(x, e, t), e, s, t, x)


def _fresh(x, e, t, s):
    return s.sqrt() * _x0(x, e, t) + (1 - s).sqrt() * torch.randn_like(e)


MISTAKES = (
    Mistake(
        "to the data",
        _noised(lambda x0, e, s, t, x: x0),
        "this is the guess of x_0: noise it to the level of s, with the same ε̂",
    ),
    Mistake(
        "no noise put back",
        _noised(lambda x0, e, s, t, x: s.sqrt() * x0),
        "the noise is not put back: √(1 − ᾱ_s) ε̂",
    ),
    Mistake(
        "x_0 not scaled",
        _noised(lambda x0, e, s, t, x: x0 + (1 - s).sqrt() * e),
        "x̂_0 is not multiplied by √ᾱ_s",
    ),
    Mistake(
        "noise not scaled",
        _noised(lambda x0, e, s, t, x: s.sqrt() * x0 + e),
        "ε̂ is put back without its scale √(1 − ᾱ_s)",
    ),
    Mistake(
        "noise of t",
        _noised(lambda x0, e, s, t, x: s.sqrt() * x0 + (1 - t).sqrt() * e),
        "the noise is put back at the level of t: √(1 − ᾱ_s) is the new one",
    ),
    Mistake(
        "signal of t",
        _noised(lambda x0, e, s, t, x: t.sqrt() * x0 + (1 - s).sqrt() * e),
        "x̂_0 is multiplied by √ᾱ_t: by √ᾱ_s",
    ),
    Mistake(
        "no roots at s",
        _noised(lambda x0, e, s, t, x: s * x0 + (1 - s) * e),
        "the roots are missing where the noise is put back: √ᾱ_s and √(1 − ᾱ_s)",
    ),
    Mistake(
        "no root of the new signal",
        _noised(lambda x0, e, s, t, x: s * x0 + (1 - s).sqrt() * e),
        "x̂_0 is multiplied by ᾱ_s: take its root",
    ),
    Mistake(
        "no root of the new noise",
        _noised(lambda x0, e, s, t, x: s.sqrt() * x0 + (1 - s) * e),
        "ε̂ is put back with the variance 1 − ᾱ_s: take its root",
    ),
    Mistake(
        "noise subtracted",
        _noised(lambda x0, e, s, t, x: s.sqrt() * x0 - (1 - s).sqrt() * e),
        "ε̂ is put back with the wrong sign: the point would jump to the other side of x̂_0",
    ),
    Mistake(
        "x_t for x_0",
        _noised(lambda x0, e, s, t, x: s.sqrt() * x + (1 - s).sqrt() * e),
        "x_t is noised once more: first take the noise off, x̂_0",
    ),
    Mistake(
        "fresh noise",
        _fresh,
        "fresh noise is drawn: DDIM puts the same ε̂ back, and nothing is at random",
        is_random(*_POINTS),
    ),
    Mistake(
        "no roots at t",
        _guess(lambda x, e, t: (x - (1 - t) * e) / t),
        "the roots are missing in x̂_0: √(1 − ᾱ_t) and √ᾱ_t",
    ),
    Mistake(
        "no root of the old noise",
        _guess(lambda x, e, t: (x - (1 - t) * e) / t.sqrt()),
        "1 − ᾱ_t multiplies ε̂ in x̂_0: take its root",
    ),
    Mistake(
        "no root of the old signal",
        _guess(lambda x, e, t: (x - (1 - t).sqrt() * e) / t),
        "x̂_0 is divided by ᾱ_t: by its root",
    ),
    Mistake(
        "not divided",
        _guess(lambda x, e, t: x - (1 - t).sqrt() * e),
        "x̂_0 is not divided by √ᾱ_t",
    ),
    Mistake(
        "brackets",
        _guess(lambda x, e, t: x - (1 - t).sqrt() * e / t.sqrt()),
        "only the noise is divided by √ᾱ_t in x̂_0: mind the brackets",
    ),
    Mistake(
        "sign of eps",
        _guess(lambda x, e, t: (x + (1 - t).sqrt() * e) / t.sqrt()),
        "ε̂ is added where x̂_0 is guessed: noise is taken off",
    ),
    Mistake(
        "t and s swapped",
        lambda x, e, t, s: t.sqrt() * _x0(x, e, s) + (1 - t).sqrt() * e,
        "ᾱ_t and ᾱ_s are swapped: the noise of t is taken off, and that of s put on",
    ),
    Mistake(
        "mean of DDPM",
        lambda x, e, t, s: (x - (1 - t / s) / (1 - t).sqrt() * e) / (t / s).sqrt(),
        "this is the mean of a DDPM step: without fresh noise all of ε̂ must be put back",
    ),
    Mistake(
        "no roots",
        lambda x, e, t, s: s * (x - (1 - t) * e) / t + (1 - s) * e,
        "all roots are missing: ᾱ and 1 − ᾱ are variances, √ᾱ and √(1 − ᾱ) multiply x̂_0 and ε̂",
    ),
    Mistake(
        "alpha of the path",
        lambda x, e, t, s: ddim_step(x, e, t**2, s**2),
        "ᾱ is taken for alpha, and √(1 − ᾱ²) for sigma: ᾱ is alpha², so √ᾱ and √(1 − ᾱ)",
    ),
    Mistake(
        "alpha of the step",
        lambda x, e, t, s: s.sqrt() * _x0(x, e, t / s) + (1 - s).sqrt() * e,
        "α = ᾱ_t / ᾱ_s stands for ᾱ_t: x̂_0 is a guess of the data, all steps away, not one",
    ),
    Mistake(
        "alpha of the step, and no noise back",
        lambda x, e, t, s: _x0(x, e, t / s),
        "α = ᾱ_t / ᾱ_s stands for ᾱ_t, and no noise is put back: guess x_0, and noise it again",
    ),
    Mistake(
        "one minus the root",
        lambda x, e, t, s: s.sqrt() * (x - (1 - t.sqrt()) * e) / t.sqrt() + (1 - s.sqrt()) * e,
        "1 − √ᾱ stands for √(1 − ᾱ): the squares of both factors add up to 1",
    ),
    Mistake(
        "signal for noise at s",
        _noised(lambda x0, e, s, t, x: (1 - s).sqrt() * x0 + s.sqrt() * e),
        "√ᾱ_s and √(1 − ᾱ_s) are swapped: the first belongs to x̂_0",
    ),
    Mistake(
        "signal for noise at t",
        _guess(lambda x, e, t: (x - t.sqrt() * e) / (1 - t).sqrt()),
        "√ᾱ_t and √(1 − ᾱ_t) are swapped: x_t has √(1 − ᾱ_t) ε̂ in it",
    ),
    Mistake(
        "clipped",
        _guess(lambda x, e, t: _x0(x, e, t).clamp(-1, 1)),
        "x̂_0 is clipped to [−1, 1]: that is for pixels, data here are anywhere",
    ),
    *wrong_terms(
        ddim_step,
        _POINTS,
        {
            0: "x_t has another factor than √ᾱ_s / √ᾱ_t: x̂_0 is divided by √ᾱ_t, and multiplied "
            "by √ᾱ_s",
            1: "ε̂ has another factor than √(1 − ᾱ_s) − √ᾱ_s √(1 − ᾱ_t) / √ᾱ_t: it is taken off in "
            "x̂_0, and put back",
        },
    ),
)

Exercise(
    ddim_step,
    title="A step of DDIM",
    minutes=6,
    difficulty=2,
    returns="(*batch, d), the points with less noise",
    cases=_cases,
    properties=[_there_and_back],
    mistakes=MISTAKES,
    accepts=[_odds, _one_line, _by_score, _turned],
    hints=(
        "Two moves: guess x_0, and noise it again, to the level of s, with the same ε̂.",
        "x̂_0 = (x_t − √(1 − ᾱ_t) ε̂) / √ᾱ_t: ᾱ_t belongs to where the point is.",
        "√ᾱ_s x̂_0 + √(1 − ᾱ_s) ε̂: ᾱ_s belongs to where it goes; with ᾱ_s = 1 it is x̂_0.",
    ),
)
