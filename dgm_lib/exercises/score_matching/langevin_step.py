"""One step of Langevin's dynamics."""

import math

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Mistake
from dgm_lib.exercises.engine.terms import is_random, points, wrong_terms


def langevin_step(x: Tensor, score: Tensor, h: float, noise: Tensor) -> Tensor:
    """x + h ∇ log p(x) + √(2h) ε: x, its score and noise ε of N(0, I) (*batch, d) -> (*batch, d).

    With small steps h the law of x becomes p. Roberts & Tweedie (1996).
    """
    return x + h * score + (2 * h) ** 0.5 * noise


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(*shape: int, h: float) -> tuple:
        x, score, noise = torch.randn(3, *shape, generator=generator, dtype=torch.float64)
        return (1.2 * x + 0.3).to(dtype), (0.7 * score - 0.6).to(dtype), h, noise.to(dtype)

    return [
        case(1, 2, h=0.3),
        case(3, 2, h=0.05),
        case(4, 1, h=1.7),
        case(3, h=0.8),
        case(2, 3, 2, h=0.01),
        case(5, 3, h=0.6),
    ]


# ------------------------------------------------------------------------ right answers


def _roots(x, score, h, noise):
    return x + score * h + math.sqrt(2 * h) * noise


def _tensors(x, score, h, noise):
    h = torch.as_tensor(h, dtype=x.dtype, device=x.device)
    return torch.addcmul(x + h * score, torch.sqrt(2 * h), noise)


def _half_steps(x, score, h, noise):
    a = 2 * h
    return x + a / 2 * score + a**0.5 * noise


def _added(x, score, h, noise):
    return x.add(score, alpha=h).add(noise, alpha=math.sqrt(2) * math.sqrt(h))


# ------------------------------------------------------------------------ wrong answers


_X, _SCORE, _NOISE = points(3)


MISTAKES = (
    Mistake(
        "sign",
        lambda x, s, h, e: x - h * s + (2 * h) ** 0.5 * e,
        "the sign of the score is wrong: the drift goes uphill, towards more probable points",
    ),
    Mistake(
        "root of h",
        lambda x, s, h, e: x + h * s + h**0.5 * e,
        "the noise is √h ε: with the drift h ∇ log p it is √(2h) ε, else p² is sampled",
    ),
    Mistake(
        "half a drift",
        lambda x, s, h, e: x + h / 2 * s + (2 * h) ** 0.5 * e,
        "the drift is halved: h/2 belongs to the noise √h ε, here the noise is √(2h) ε",
    ),
    Mistake(
        "the other convention",
        lambda x, s, h, e: x + h / 2 * s + h**0.5 * e,
        "this is the step h/2 (drift h/2, noise √h ε): here the drift is h and the noise √(2h) ε",
    ),
    Mistake(
        "no root",
        lambda x, s, h, e: x + h * s + 2 * h * e,
        "the root is missing: the noise has variance 2h, so it is √(2h) ε",
    ),
    Mistake(
        "noise by h",
        lambda x, s, h, e: x + h * s + h * e,
        "the noise is scaled by h, as the drift: √(2h) is its standard deviation",
    ),
    Mistake(
        "two outside the root",
        lambda x, s, h, e: x + h * s + 2 * h**0.5 * e,
        "the 2 stands outside the root: √(2h), not 2√h",
    ),
    Mistake(
        "h outside the root",
        lambda x, s, h, e: x + h * s + 2**0.5 * h * e,
        "h stands outside the root: √(2h), not √2 · h",
    ),
    Mistake(
        "unscaled noise",
        lambda x, s, h, e: x + h * s + e,
        "the noise is not scaled: its standard deviation in a step is √(2h)",
    ),
    Mistake(
        "root of two",
        lambda x, s, h, e: x + h * s + 2**0.5 * e,
        "h is missing under the root: √(2h), not √2",
    ),
    Mistake(
        "no noise",
        lambda x, s, h, e: x + h * s,
        "there is no noise: this climbs to a mode and stays there",
    ),
    Mistake(
        "no drift",
        lambda x, s, h, e: x + (2 * h) ** 0.5 * e,
        "there is no drift: this walks at random, and knows nothing of p",
    ),
    Mistake(
        "drift not scaled",
        lambda x, s, h, e: x + s + (2 * h) ** 0.5 * e,
        "the score is not multiplied by h",
    ),
    Mistake(
        "drift by the root",
        lambda x, s, h, e: x + (2 * h) ** 0.5 * (s + e),
        "the score is multiplied by √(2h) too: the drift is h times the score",
    ),
    Mistake(
        "twice the drift",
        lambda x, s, h, e: x + 2 * h * s + (2 * h) ** 0.5 * e,
        "the drift is 2h for you, which belongs to the noise 2√h ε: here it is h",
    ),
    Mistake(
        "squared drift",
        lambda x, s, h, e: x + h**2 / 2 * s + h * e,
        "this is a leapfrog's h (drift h²/2, noise h ε): here the drift is h, the noise √(2h) ε",
    ),
    Mistake(
        "noise subtracted",
        lambda x, s, h, e: x + h * s - (2 * h) ** 0.5 * e,
        "the noise is subtracted: no different in law, but add it, so that runs can be compared",
    ),
    Mistake(
        "increment",
        lambda x, s, h, e: h * s + (2 * h) ** 0.5 * e,
        "this is the move alone: add it to x",
    ),
    Mistake(
        "shrunk",
        lambda x, s, h, e: (1 - h) * x + h * s + (2 * h) ** 0.5 * e,
        "x is shrunk by 1 − h: the score holds all the pull there is",
    ),
    Mistake(
        "noise in the bracket",
        lambda x, s, h, e: x + h * (s + (2 * h) ** 0.5 * e),
        "the noise stands in the bracket with the score, and h multiplies it too: √(2h) ε is added "
        "by itself",
    ),
    Mistake(
        "noise in the bracket with h/2",
        lambda x, s, h, e: x + h / 2 * (s + h**0.5 * e),
        "the noise stands in the bracket with the score: h multiplies the score alone, and √(2h) ε "
        "is added by itself",
    ),
    Mistake(
        "x in the bracket",
        lambda x, s, h, e: h * (x + s) + (2 * h) ** 0.5 * e,
        "h multiplies x too: mind the brackets, x + h s + √(2h) ε",
    ),
    Mistake(
        "x times the score",
        lambda x, s, h, e: x * (1 + h * s) + (2 * h) ** 0.5 * e,
        "the score is multiplied by x: h s is added to it",
    ),
    Mistake(
        "float32",
        lambda x, s, h, e: x + h * s + torch.tensor(2.0 * h, dtype=torch.float32).sqrt() * e,
        "√(2h) is rounded to float32, as torch.tensor(h) does: (2 * h) ** 0.5 keeps h a number",
    ),
    Mistake(
        "own noise",
        lambda x, s, h, e: langevin_step(x, s, h, torch.randn_like(x)),
        "you draw noise of your own: use the one that you are given",
        is_random(_X, _SCORE, 0.3, _NOISE),
    ),
    *wrong_terms(
        langevin_step,
        (_X, _SCORE, 0.3, _NOISE),
        {
            0: "x does not stay as it is: only h s and √(2h) ε are added to it",
            1: "the score has another factor than h",
            3: "the noise has another factor than √(2h): mind the brackets, and the root",
        },
    ),
)

Exercise(
    langevin_step,
    title="A step of Langevin's dynamics",
    minutes=4,
    difficulty=1,
    returns="(*batch, d), the next points",
    cases=_cases,
    mistakes=MISTAKES,
    accepts=[_roots, _tensors, _half_steps, _added],
    hints=(
        "A little way uphill along the score, and noise, so that it does not end in a mode.",
        "Variances add up over steps, standard deviations do not: the noise of a step has variance "
        "2h, so it is scaled by a root.",
        "x + h · score + √(2h) · noise; the factor 2 belongs to the drift h, not h/2.",
    ),
)
