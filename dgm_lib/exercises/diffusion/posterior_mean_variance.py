"""Where a point was with less noise, if one knew where it came from."""

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Mistake
from dgm_lib.exercises.diffusion.posterior_answers import ANSWERS
from dgm_lib.exercises.engine.terms import column, points, wrong_terms


def posterior_mean_variance(
    x_t: Tensor, x0: Tensor, alpha_bar_t: Tensor, alpha_bar_s: Tensor
) -> tuple[Tensor, Tensor]:
    """Mean and variance of q(x_s | x_t, x_0) for a time s before t, with α = ᾱ_t / ᾱ_s:

        mean = (√ᾱ_s (1 − α) x_0 + √α (1 − ᾱ_s) x_t) / (1 − ᾱ_t)
        variance = (1 − α) (1 − ᾱ_s) / (1 − ᾱ_t)

    x_t and x0 (*batch, d), ᾱ_t < ᾱ_s < 1 (*batch, 1) -> (*batch, d), (*batch, 1). For s = t − 1
    α is 1 − β. Ho, Jain & Abbeel (2020), (7).
    """
    alpha, before, after = alpha_bar_t / alpha_bar_s, 1 - alpha_bar_s, 1 - alpha_bar_t
    mean = alpha_bar_s.sqrt() * (1 - alpha) * x0 + alpha.sqrt() * before * x_t
    return mean / after, (1 - alpha) * before / after


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(*batch: int, d: int) -> tuple[Tensor, ...]:
        x_t, x0 = torch.randn(2, *batch, d, generator=generator, dtype=torch.float64)
        s, share = torch.rand(2, *batch, 1, generator=generator, dtype=torch.float64)
        alpha_bar_s = 0.3 + 0.6 * s
        args = 1.1 * x_t + 0.3, 1.6 * x0 - 0.4, alpha_bar_s * (0.3 + 0.6 * share), alpha_bar_s
        return tuple(a.to(dtype) for a in args)

    return [case(1, d=2), case(3, d=2), case(d=3), case(4, d=1), case(2, 3, d=2), case(5, d=4)]


# ------------------------------------------------------------------------ wrong answers


_POINTS = *points(2), column(0.2, 0.3, 0.5), column(0.6, 0.4, 0.9)  # x_t, x_0, ᾱ_t, ᾱ_s


def _of(wrong):
    """A wrong mean and variance, of x_t, x_0, α, ᾱ_s and ᾱ_t."""
    return lambda x, x0, t, s: wrong(x, x0, t / s, s, t)


def _mean(mean):
    """A wrong mean beside the right variance."""
    return _of(lambda x, x0, a, s, t: (mean(x, x0, a, s, t), (1 - a) * (1 - s) / (1 - t)))


def _variance(variance):
    """A wrong variance beside the right mean."""
    return _of(lambda x, x0, a, s, t: (_right_mean(x, x0, a, s, t), variance(a, s, t)))


def _right_mean(x, x0, a, s, t):
    return (s.sqrt() * (1 - a) * x0 + a.sqrt() * (1 - s) * x) / (1 - t)


def _by_precisions(wrong):
    """A wrong mean and variance, from the first factor's mean and precision and the second's."""

    def answer(x, x0, a, s, t):
        return wrong(s.sqrt() * x0, 1 / (1 - s), x / a.sqrt(), a / (1 - a), a)

    return _of(answer)


def _has_wrong_variance(fn, generator):
    found, right = (answer(*_POINTS)[1] for answer in (fn, posterior_mean_variance))
    return found.shape == right.shape and not torch.allclose(found, right)


MISTAKES = (
    Mistake(
        "precision of the step",
        _by_precisions(
            lambda m1, p1, m2, p2, a: (
                (p1 * m1 + p2 / a * m2) / (p1 + p2 / a),
                1 / (p1 + p2 / a),
            )
        ),
        "the precision of the second factor is 1/β for you: as a function of x_s it is α/β",
    ),
    Mistake(
        "precisions of the means, swapped",
        _by_precisions(lambda m1, p1, m2, p2, a: ((p2 * m1 + p1 * m2) / (p1 + p2), 1 / (p1 + p2))),
        "each mean is weighted by the other one's precision",
    ),
    Mistake(
        "not divided by the precision",
        _by_precisions(lambda m1, p1, m2, p2, a: (p1 * m1 + p2 * m2, 1 / (p1 + p2))),
        "the weighted means are not divided by the sum of the precisions",
    ),
    Mistake(
        "precision for the variance",
        _by_precisions(lambda m1, p1, m2, p2, a: ((p1 * m1 + p2 * m2) / (p1 + p2), p1 + p2)),
        "this is the precision, 1/variance: return its inverse",
    ),
    Mistake(
        "variances added",
        _by_precisions(
            lambda m1, p1, m2, p2, a: ((p1 * m1 + p2 * m2) / (p1 + p2), 1 / p1 + 1 / p2)
        ),
        "the variances of the two factors are added: in a product the precisions add up",
    ),
    Mistake(
        "beta for the variance",
        _variance(lambda a, s, t: 1 - a),
        "the variance is β, that of the step from s to t: x_0 tells something of x_s, so it is "
        "β (1 − ᾱ_s) / (1 − ᾱ_t)",
    ),
    Mistake(
        "variance without x_t",
        _variance(lambda a, s, t: 1 - s),
        "the variance is 1 − ᾱ_s, that of q(x_s | x_0): x_t tells something of x_s too",
    ),
    Mistake(
        "standard deviation",
        _variance(lambda a, s, t: ((1 - a) * (1 - s) / (1 - t)).sqrt()),
        "the root of the variance is returned: the variance is asked for",
    ),
    Mistake(
        "upside down",
        _variance(lambda a, s, t: (1 - a) * (1 - t) / (1 - s)),
        "(1 − ᾱ_s) / (1 − ᾱ_t) is upside down: the posterior is narrower than the step",
    ),
    Mistake(
        "variance not divided",
        _variance(lambda a, s, t: (1 - a) * (1 - s)),
        "the variance is not divided by 1 − ᾱ_t",
    ),
    Mistake(
        "alpha_bar_t for the step",
        _of(
            lambda x, x0, a, s, t: (
                (s.sqrt() * (1 - t) * x0 + t.sqrt() * (1 - s) * x) / (1 - t),
                (1 - t) * (1 - s) / (1 - t),
            )
        ),
        "ᾱ_t stands for α, and 1 − ᾱ_t for β: the step from s to t has α = ᾱ_t / ᾱ_s",
    ),
    Mistake(
        "alpha_bar_t for beta",
        _mean(lambda x, x0, a, s, t: s.sqrt() * x0 + a.sqrt() * (1 - s) / (1 - t) * x),
        "1 − ᾱ_t stands for β in the mean: β is the noise of the step alone, 1 − ᾱ_t / ᾱ_s",
    ),
    Mistake(
        "difference for beta",
        _of(
            lambda x, x0, a, s, t: (
                (s.sqrt() * (s - t) * x0 + (1 - s + t).sqrt() * (1 - s) * x) / (1 - t),
                (s - t) * (1 - s) / (1 - t),
            )
        ),
        "β is ᾱ_s − ᾱ_t for you: the steps multiply, β = 1 − ᾱ_t / ᾱ_s",
    ),
    Mistake(
        "t and s swapped",
        lambda x, x0, t, s: (
            (t.sqrt() * (1 - s / t) * x0 + (s / t).sqrt() * (1 - t) * x) / (1 - s),
            (1 - s / t) * (1 - t) / (1 - s),
        ),
        "ᾱ_t and ᾱ_s are swapped: t is the later time, with less signal",
    ),
    Mistake(
        "no roots",
        _mean(lambda x, x0, a, s, t: (s * (1 - a) * x0 + a * (1 - s) * x) / (1 - t)),
        "the roots are missing in the mean: √ᾱ_s before x_0 and √α before x_t",
    ),
    Mistake(
        "no root before x_0",
        _mean(lambda x, x0, a, s, t: (s * (1 - a) * x0 + a.sqrt() * (1 - s) * x) / (1 - t)),
        "the root before x_0 is missing: √ᾱ_s",
    ),
    Mistake(
        "no root before x_t",
        _mean(lambda x, x0, a, s, t: (s.sqrt() * (1 - a) * x0 + a * (1 - s) * x) / (1 - t)),
        "the root before x_t is missing: √α",
    ),
    Mistake(
        "all the signal before x_0",
        _mean(lambda x, x0, a, s, t: (t.sqrt() * (1 - a) * x0 + a.sqrt() * (1 - s) * x) / (1 - t)),
        "√ᾱ_t stands before x_0: x_s has √ᾱ_s of it",
    ),
    Mistake(
        "all the signal before x_t",
        _mean(lambda x, x0, a, s, t: (s.sqrt() * (1 - a) * x0 + t.sqrt() * (1 - s) * x) / (1 - t)),
        "√ᾱ_t stands before x_t: the step from s to t leaves √α, α = ᾱ_t / ᾱ_s",
    ),
    Mistake(
        "no alpha_bar before x_0",
        _mean(lambda x, x0, a, s, t: ((1 - a) * x0 + a.sqrt() * (1 - s) * x) / (1 - t)),
        "√ᾱ_s is missing before x_0",
    ),
    Mistake(
        "swapped weights",
        _mean(lambda x, x0, a, s, t: (a.sqrt() * (1 - s) * x0 + s.sqrt() * (1 - a) * x) / (1 - t)),
        "the weights of x_0 and x_t are swapped: after a small step x_s is near x_t",
    ),
    Mistake(
        "mean not divided",
        _mean(lambda x, x0, a, s, t: _right_mean(x, x0, a, s, t) * (1 - t)),
        "the mean is not divided by 1 − ᾱ_t",
    ),
    Mistake(
        "mean without x_t",
        _mean(lambda x, x0, a, s, t: s.sqrt() * x0),
        "the mean is that of q(x_s | x_0): x_t tells something of x_s too",
    ),
    Mistake(
        "mean without x_0",
        _mean(lambda x, x0, a, s, t: x / a.sqrt()),
        "the mean is x_t / √α, the step undone without its noise: x_0 is not used",
    ),
    Mistake(
        "forwards",
        _of(lambda x, x0, a, s, t: (a.sqrt() * x, 1 - a)),
        "this is a step with more noise from x_t on, q(x_t | x_s): go back, and use x_0",
    ),
    Mistake(
        "other order",
        _of(lambda x, x0, a, s, t: ((1 - a) * (1 - s) / (1 - t), _right_mean(x, x0, a, s, t))),
        "variance and mean are in the wrong order: the mean comes first",
    ),
    Mistake(
        "repeated",
        _of(
            lambda x, x0, a, s, t: (
                _right_mean(x, x0, a, s, t),
                ((1 - a) * (1 - s) / (1 - t)).expand_as(x).clone(),
            )
        ),
        "the variance is repeated for each coordinate: one number for each point, (*batch, 1)",
    ),
    Mistake(
        "alpha upside down",
        lambda x, x0, t, s: (_right_mean(x, x0, s / t, s, t), (1 - s / t) * (1 - s) / (1 - t)),
        "α is upside down: α = ᾱ_t / ᾱ_s is below 1, and β = 1 − α positive",
    ),
    Mistake(
        "mean of the means",
        _by_precisions(lambda m1, p1, m2, p2, a: ((m1 + m2) / 2, 1 / (p1 + p2))),
        "both means have the weight 1/2: weigh them with their precisions",
    ),
    Mistake(
        "roots of the precisions",
        _by_precisions(
            lambda m1, p1, m2, p2, a: (
                (p1.sqrt() * m1 + p2.sqrt() * m2) / (p1.sqrt() + p2.sqrt()),
                1 / (p1.sqrt() + p2.sqrt()),
            )
        ),
        "1 / standard deviation is taken for the precision: it is 1 / variance",
    ),
    Mistake(
        "log of the variance",
        _variance(lambda a, s, t: ((1 - a) * (1 - s) / (1 - t)).log()),
        "the log of the variance is returned: the variance itself is asked for",
    ),
    *wrong_terms(
        posterior_mean_variance,
        _POINTS,
        {
            0: "x_t has another factor in the mean than √α (1 − ᾱ_s) / (1 − ᾱ_t)",
            1: "x_0 has another factor in the mean than √ᾱ_s (1 − α) / (1 − ᾱ_t)",
        },
    ),
    Mistake(
        "variance",
        _variance(lambda a, s, t: 1.37 * (1 - a) * (1 - s) / (1 - t)),
        "the mean is right, the variance is not: its inverse is the sum of both precisions",
        _has_wrong_variance,
    ),
)

Exercise(
    posterior_mean_variance,
    title="The posterior of a step",
    minutes=12,
    difficulty=3,
    returns="(*batch, d) and (*batch, 1): mean and variance",
    cases=_cases,
    mistakes=MISTAKES,
    accepts=ANSWERS,
    hints=(
        "q(x_s | x_t, x_0) ∝ q(x_t | x_s) q(x_s | x_0), a product of two Gaussians in x_s: "
        "precisions add up, and the mean is weighted by them.",
        "q(x_s | x_0) has mean √ᾱ_s x_0 and variance 1 − ᾱ_s; q(x_t | x_s) has mean √α x_s and "
        "variance β = 1 − α, where α = ᾱ_t / ᾱ_s.",
        "The precision α/β + 1/(1 − ᾱ_s) is (1 − ᾱ_t) / (β (1 − ᾱ_s)), and the variance "
        "its inverse.",
    ),
)
