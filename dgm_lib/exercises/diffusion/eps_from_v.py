"""The noise that goes with a guess of v."""

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Fail, Mistake
from dgm_lib.exercises.engine.terms import column, points, wrong_terms


def eps_from_v(x_t: Tensor, v: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
    """ε = sigma x_t + alpha v, from v = alpha ε − sigma x_0 and x_t = alpha x_0 + sigma ε.

    x_t and v (*batch, d), alpha and sigma (*batch, 1) with alpha² + sigma² = 1 -> (*batch, d):
    a rotation. Salimans & Ho (2022).
    """
    return sigma * x_t + alpha * v


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(*batch: int, d: int) -> tuple[Tensor, ...]:
        x_t, v = torch.randn(2, *batch, d, generator=generator, dtype=torch.float64)
        angle = 0.15 + 1.25 * torch.rand(*batch, 1, generator=generator, dtype=torch.float64)
        return tuple(a.to(dtype) for a in (1.7 * x_t + 0.5, v, angle.cos(), angle.sin()))

    return [case(1, d=2), case(3, d=2), case(d=3), case(4, d=1), case(2, 3, d=2), case(5, d=4)]


def _undoes(fn, generator):
    """gives back the ε that x_t and v were made of"""
    x0, eps = torch.randn(2, 6, 2, generator=generator, dtype=torch.float64)
    angle = torch.linspace(0.1, 1.4, 6, dtype=torch.float64)[:, None]
    alpha, sigma = angle.cos(), angle.sin()
    found = fn(alpha * x0 + sigma * eps, alpha * eps - sigma * x0, alpha, sigma)
    if not torch.allclose(found, eps):
        raise Fail("with x_t and v made of x_0 and ε, your function does not give ε back")


# ------------------------------------------------------------------------ right answers


def _any_path(x_t, v, alpha, sigma):
    return (sigma * x_t + alpha * v) / (alpha**2 + sigma**2)


def _by_x0(x_t, v, alpha, sigma):
    x0 = alpha * x_t - sigma * v
    return (x_t - alpha * x0) / sigma


def _back_from_v(x_t, v, alpha, sigma):
    x0 = alpha * x_t - sigma * v
    return (v + sigma * x0) / alpha


def _rotation(x_t, v, alpha, sigma):
    angle = torch.atan2(sigma, alpha)
    return torch.sin(angle) * x_t + torch.cos(angle) * v


# ------------------------------------------------------------------------ wrong answers


MISTAKES = (
    Mistake(
        "x_0",
        lambda x, v, a, s: a * x - s * v,
        "this is x_0 from v: ε is asked for",
    ),
    Mistake(
        "swapped",
        lambda x, v, a, s: a * x + s * v,
        "alpha and sigma are swapped: at little noise ε is nearly v, so alpha belongs to v",
    ),
    Mistake(
        "sign of v",
        lambda x, v, a, s: s * x - a * v,
        "v has the wrong sign: with v = alpha ε − sigma x_0 it is added",
    ),
    Mistake(
        "sign of x_t",
        lambda x, v, a, s: a * v - s * x,
        "x_t has the wrong sign: this makes v of it once more, as if v were ε and x_t were x_0",
    ),
    Mistake(
        "x_t for x_0",
        lambda x, v, a, s: (v + s * x) / a,
        "v = alpha ε − sigma x_0 is solved for ε with x_t in the place of x_0",
    ),
    Mistake(
        "v for x_0",
        lambda x, v, a, s: (x - a * v) / s,
        "v is taken for x_0: this is ε from x_0",
    ),
    Mistake(
        "v for the score",
        lambda x, v, a, s: -s * v,
        "v is taken for a score: this is ε from the score",
    ),
    Mistake(
        "v for eps",
        lambda x, v, a, s: v.clone(),
        "v is returned as it is: ε = sigma x_t + alpha v",
    ),
    Mistake(
        "squared",
        lambda x, v, a, s: s**2 * x + a**2 * v,
        "alpha and sigma are squared: they multiply as they are",
    ),
    Mistake(
        "roots",
        lambda x, v, a, s: s.sqrt() * x + a.sqrt() * v,
        "roots are taken of alpha and sigma: they are no ᾱ, and multiply as they are",
    ),
    Mistake(
        "divided by the sum",
        lambda x, v, a, s: (s * x + a * v) / (a + s),
        "this is divided by alpha + sigma: it is alpha² + sigma² = 1 that one may divide by",
    ),
    Mistake(
        "v not scaled",
        lambda x, v, a, s: s * x + v,
        "v is not multiplied by alpha",
    ),
    Mistake(
        "x_t not scaled",
        lambda x, v, a, s: x + a * v,
        "x_t is not multiplied by sigma",
    ),
    Mistake(
        "no x_t",
        lambda x, v, a, s: a * v,
        "x_t is missing: without it one unknown is left",
    ),
    Mistake(
        "v divided",
        lambda x, v, a, s: s * x + v / a,
        "v is divided by alpha: multiply",
    ),
    Mistake(
        "a velocity",
        lambda x, v, a, s: x + (1 - s) * v,
        "this is ε on a straight path, from a velocity ε − x_0: v is alpha ε − sigma x_0",
    ),
    Mistake(
        "sign",
        lambda x, v, a, s: -(s * x + a * v),
        "this is −ε",
    ),
    Mistake(
        "by x_0, not divided",
        lambda x, v, a, s: x - a * (a * x - s * v),
        "this is sigma ε, what is left of x_t without alpha x_0: divide it by sigma",
    ),
    *wrong_terms(
        eps_from_v,
        (*points(2), column(0.96, 0.8, 0.28), column(0.28, 0.6, 0.96)),
        {
            0: "x_t has another factor than sigma",
            1: "v has another factor than alpha",
        },
    ),
)

Exercise(
    eps_from_v,
    title="The noise, from v",
    minutes=5,
    difficulty=2,
    returns="(*batch, d), one guess of ε for each point",
    cases=_cases,
    properties=[_undoes],
    mistakes=MISTAKES,
    accepts=[_any_path, _by_x0, _back_from_v, _rotation],
    hints=(
        "Two equations, x_t = alpha x_0 + sigma ε and v = alpha ε − sigma x_0, and two unknowns: "
        "get rid of x_0.",
        "sigma times the first plus alpha times the second: x_0 cancels.",
        "What is left is (sigma² + alpha²) ε, and the bracket is 1.",
    ),
)
