"""The clean point that goes with a guess of the noise."""

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Mistake
from dgm_lib.exercises.engine.terms import column, points, wrong_terms


def x0_from_eps(x_t: Tensor, eps: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
    """x_0 = (x_t − sigma ε) / alpha, from x_t = alpha x_0 + sigma ε.

    x_t and eps (*batch, d), alpha and sigma (*batch, 1) -> (*batch, d). alpha² + sigma² need not
    be 1.
    """
    return (x_t - sigma * eps) / alpha


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(*batch: int, d: int) -> tuple[Tensor, ...]:
        x_t, eps = torch.randn(2, *batch, d, generator=generator, dtype=torch.float64)
        alpha, sigma = torch.rand(2, *batch, 1, generator=generator, dtype=torch.float64)
        args = 1.7 * x_t + 0.5, eps, 0.2 + 0.7 * alpha, 0.15 + 0.8 * sigma
        return tuple(a.to(dtype) for a in args)

    return [case(1, d=2), case(3, d=2), case(d=3), case(4, d=1), case(2, 3, d=2), case(5, d=4)]


# ------------------------------------------------------------------------ right answers


def _by_parts(x_t, eps, alpha, sigma):
    return x_t / alpha - (sigma / alpha) * eps


def _by_score(x_t, eps, alpha, sigma):
    score = -eps / sigma
    return (x_t + sigma.square() * score) / alpha


def _called(x_t, eps, alpha, sigma):
    return torch.div(torch.sub(x_t, torch.mul(eps, sigma)), alpha)


def _inverse(x_t, eps, alpha, sigma):
    return torch.addcmul(x_t, sigma, eps, value=-1) * alpha.reciprocal()


# ------------------------------------------------------------------------ wrong answers


MISTAKES = (
    Mistake(
        "not divided",
        lambda x, e, a, s: x - s * e,
        "this is alpha x_0: divide by alpha",
    ),
    Mistake(
        "multiplied",
        lambda x, e, a, s: (x - s * e) * a,
        "this is multiplied by alpha: divide by it",
    ),
    Mistake(
        "only x_t divided",
        lambda x, e, a, s: x / a - s * e,
        "only x_t is divided by alpha: the noise is too, mind the brackets",
    ),
    Mistake(
        "only the noise divided",
        lambda x, e, a, s: x - s * e / a,
        "only the noise is divided by alpha: x_t is too, mind the brackets",
    ),
    Mistake(
        "noise not scaled",
        lambda x, e, a, s: (x - e) / a,
        "ε is subtracted as it is: there is sigma ε of it in x_t",
    ),
    Mistake(
        "variance",
        lambda x, e, a, s: (x - s**2 * e) / a,
        "sigma is squared: it is the standard deviation of the noise already, sigma ε",
    ),
    Mistake(
        "root of sigma",
        lambda x, e, a, s: (x - s.sqrt() * e) / a,
        "the root of sigma is taken: it is no variance, there is sigma ε in x_t",
    ),
    Mistake(
        "root of alpha",
        lambda x, e, a, s: (x - s * e) / a.sqrt(),
        "the root of alpha is taken: it is no ᾱ, x_t has alpha x_0 in it",
    ),
    Mistake(
        "as with alpha_bar",
        lambda x, e, a, s: (x - s.sqrt() * e) / a.sqrt(),
        "roots are taken of alpha and sigma: they are √ᾱ and √(1 − ᾱ) already",
    ),
    Mistake(
        "alpha squared",
        lambda x, e, a, s: (x - s * e) / a**2,
        "this is divided by alpha²: by alpha once",
    ),
    Mistake(
        "sign",
        lambda x, e, a, s: (x + s * e) / a,
        "the noise is added once more: subtract it",
    ),
    Mistake(
        "swapped",
        lambda x, e, a, s: (x - a * e) / s,
        "alpha and sigma are swapped: this is ε from x_0",
    ),
    Mistake(
        "noise kept",
        lambda x, e, a, s: x / a,
        "the noise is not taken off: this is x_0 + (sigma / alpha) ε",
    ),
    Mistake(
        "noised",
        lambda x, e, a, s: a * x + s * e,
        "this noises x_t again: solve x_t = alpha x_0 + sigma ε for x_0",
    ),
    Mistake(
        "one minus alpha",
        lambda x, e, a, s: (x - (1 - a) * e) / a,
        "1 − alpha stands for sigma: sigma is given, and 1 − alpha only on a straight path",
    ),
    Mistake(
        "circle",
        lambda x, e, a, s: (x - (1 - a**2).sqrt() * e) / a,
        "√(1 − alpha²) stands for sigma: sigma is given, for paths that do not keep the variance",
    ),
    Mistake(
        "as v",
        lambda x, e, a, s: a * x - s * e,
        "this is x_0 from v: ε is given",
    ),
    Mistake(
        "clipped",
        lambda x, e, a, s: ((x - s * e) / a).clamp(-1, 1),
        "x_0 is clipped to [−1, 1]: that is for pixels, data here are anywhere",
    ),
    Mistake(
        "alpha as alpha_bar",
        lambda x, e, a, s: (x - (1 - a).sqrt() * e) / a.sqrt(),
        "alpha is taken for ᾱ: it is √ᾱ already, and sigma is given",
    ),
    Mistake(
        "circle, of alpha",
        lambda x, e, a, s: (x - s * e) / (1 - s**2).sqrt(),
        "√(1 − sigma²) stands for alpha: alpha is given, for paths that do not keep the variance",
    ),
    Mistake(
        "negative",
        lambda x, e, a, s: (s * e - x) / a,
        "this is −x_0: the noise is subtracted from x_t, not x_t from the noise",
    ),
    Mistake(
        "no sigma, brackets",
        lambda x, e, a, s: x / a - e,
        "there is sigma ε in x_t, and it is divided by alpha too: sigma / alpha belongs to ε",
    ),
    *wrong_terms(
        x0_from_eps,
        (*points(2), column(0.9, 0.7, 0.4), column(0.3, 0.6, 0.8)),
        {
            0: "x_t has another factor than 1 / alpha",
            1: "ε has another factor than −sigma / alpha",
        },
    ),
)

Exercise(
    x0_from_eps,
    title="The clean point, from the noise",
    minutes=3,
    difficulty=1,
    returns="(*batch, d), one guess of x_0 for each point",
    cases=_cases,
    mistakes=MISTAKES,
    accepts=[_by_parts, _by_score, _called, _inverse],
    hints=(
        "Write down x_t = alpha x_0 + sigma ε, and solve it for x_0.",
        "First take the noise off, x_t − sigma ε; what is left is alpha x_0.",
        "Python divides before it subtracts: brackets around x_t − sigma ε.",
    ),
)
