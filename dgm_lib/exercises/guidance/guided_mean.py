"""The mean of a step that a classifier pulls along."""

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Fail, Mistake
from dgm_lib.exercises.engine.terms import column, points, wrong_terms


def guided_mean(mu: Tensor, sigma: Tensor, gradient: Tensor, w: float) -> Tensor:
    """mu + w sigma² ∇ log p(y | x), the mean of N(mu, sigma² I) times p(y | x)^w.

    log p(y | x) is taken for linear near mu, which leaves a Gaussian. mu and the gradient at mu
    (*batch, d), the standard deviation sigma (*batch, 1) -> (*batch, d). Dhariwal & Nichol (2021).
    """
    return mu + w * sigma**2 * gradient


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(*batch: int, d: int, w: float) -> tuple:
        mu, gradient = torch.randn(2, *batch, d, generator=generator, dtype=torch.float64)
        sigma = 0.25 + 1.2 * torch.rand(*batch, 1, generator=generator, dtype=torch.float64)
        mu, sigma, gradient = (a.to(dtype) for a in (mu + 0.4, sigma, 1.5 * gradient))
        return mu, sigma, gradient, w

    return [
        case(1, d=2, w=3.0),
        case(3, d=2, w=1.5),
        case(d=3, w=0.4),
        case(4, d=1, w=7.0),
        case(2, 3, d=2, w=2.5),
        case(5, d=4, w=0.0),
    ]


def _is_the_mean(fn, generator):
    """the mean of N(mu, sigma²) times exp(w · gradient · x), on a grid"""
    mu, sigma, slope, w = 0.3, 0.7, -1.1, 1.6
    x = torch.linspace(-9, 9, 4001, dtype=torch.float64)
    p = (-((x - mu) ** 2) / (2 * sigma**2) + w * slope * x).softmax(0)
    args = (torch.tensor([value], dtype=torch.float64) for value in (mu, sigma, slope))
    if not torch.allclose(fn(*args, w), (p * x).sum(), atol=1e-6):
        raise Fail("N(mu, sigma²) times exp(w · gradient · x) has another mean, as a grid shows")


def _no_step(fn, generator):
    """mu itself where sigma is 0, as in a sampler's last step"""
    mu, gradient = torch.ones(2, 2), torch.ones(2, 2)
    if not torch.equal(fn(mu, torch.zeros(2, 1), gradient, 2.0), mu):
        raise Fail(_DIVIDES)


# ------------------------------------------------------------------------ right answers


def _variance(mu, sigma, gradient, w):
    return torch.addcmul(mu, sigma.square(), gradient, value=w)


def _scaled_guide(mu, sigma, gradient, w):
    guide = w * gradient
    return mu + sigma * (sigma * guide)


def _weighted(mu, sigma, gradient, w):
    return (1 - w) * mu + w * (mu + sigma**2 * gradient)


# ------------------------------------------------------------------------ wrong answers


_MU, _GRADIENT = points(2)
_DIVIDES = (
    "where sigma is 0, in the last step of a sampler, yours is not mu: do not divide by sigma"
)


def _precision(mu, sigma, gradient, w):
    precision = sigma.pow(-2)
    return (precision * mu + w * gradient) / precision


MISTAKES = (
    Mistake("divides by sigma", _precision, _DIVIDES),
    Mistake(
        "sigma for its square",
        lambda mu, s, g, w: mu + w * s * g,
        "the gradient is multiplied by sigma: by the variance sigma², the step is a Gaussian's",
    ),
    Mistake(
        "root of sigma",
        lambda mu, s, g, w: mu + w * s.sqrt() * g,
        "the gradient is multiplied by the root of sigma: sigma is a standard deviation, square it",
    ),
    Mistake(
        "fourth power",
        lambda mu, s, g, w: mu + w * s**4 * g,
        "sigma is squared twice: the variance is sigma²",
    ),
    Mistake(
        "not scaled",
        lambda mu, s, g, w: mu + w * g,
        "the gradient is not scaled: a narrow step moves little, by sigma²",
    ),
    Mistake(
        "divided",
        lambda mu, s, g, w: mu + w * g / s**2,
        "the gradient is divided by the variance: multiply, a narrow step moves little",
    ),
    Mistake(
        "half a variance",
        lambda mu, s, g, w: mu + w * s**2 / 2 * g,
        "the factor 1/2 of Langevin's step is in it: completing the square leaves sigma² itself",
    ),
    Mistake(
        "twice the variance",
        lambda mu, s, g, w: mu + 2 * w * s**2 * g,
        "there is a factor 2 too many: the 1/2 in the Gaussian's exponent cancels it",
    ),
    Mistake(
        "sign",
        lambda mu, s, g, w: mu - w * s**2 * g,
        "the gradient is subtracted: this leads away from the class",
    ),
    Mistake(
        "no w",
        lambda mu, s, g, w: mu + s**2 * g,
        "w is not used: it multiplies the gradient",
    ),
    Mistake(
        "one plus w",
        lambda mu, s, g, w: mu + (1 + w) * s**2 * g,
        "the weight is 1 + w for you: w = 0 must leave the mean as it is",
    ),
    Mistake(
        "w inside the square",
        lambda mu, s, g, w: mu + (w * s) ** 2 * g,
        "w is squared with sigma: p(y|x)^w has the gradient w ∇ log p(y|x)",
    ),
    Mistake(
        "w under the root",
        lambda mu, s, g, w: mu + w**0.5 * s**2 * g,
        "the root of w is taken: w itself multiplies the gradient",
    ),
    Mistake(
        "w on everything",
        lambda mu, s, g, w: w * (mu + s**2 * g),
        "w multiplies mu too: it belongs to the gradient alone",
    ),
    Mistake(
        "between",
        lambda mu, s, g, w: (1 - w) * mu + w * s**2 * g,
        "1 − w multiplies mu: whatever w is, mu stays as it is",
    ),
    Mistake(
        "shift alone",
        lambda mu, s, g, w: w * s**2 * g,
        "this is the shift alone: add it to mu",
    ),
    Mistake(
        "gradient alone",
        lambda mu, s, g, w: s**2 * (mu + w * g),
        "sigma² multiplies mu too: mind the brackets",
    ),
    Mistake(
        "unit gradient",
        lambda mu, s, g, w: mu + w * s**2 * g / g.norm(dim=-1, keepdim=True),
        "the gradient is made one long: its size says how sure the classifier is",
    ),
    Mistake(
        "sign of the gradient",
        lambda mu, s, g, w: mu + w * s**2 * g.sign(),
        "only the signs of the gradient are used: use the gradient itself",
    ),
    Mistake(
        "one sigma for all",
        lambda mu, s, g, w: mu + w * s.square().mean() * g,
        "the variances are averaged over the batch: each point has its own",
    ),
    Mistake(
        "exponential",
        lambda mu, s, g, w: mu + w * s**2 * g.exp(),
        "exp is taken of the gradient: that of log p(y|x) is what is added",
    ),
    Mistake(
        "w on mu",
        lambda mu, s, g, w: w * mu + s**2 * g,
        "w multiplies mu, and not the gradient: mu + w sigma² g",
    ),
    Mistake(
        "times mu",
        lambda mu, s, g, w: mu * (1 + w * s**2 * g),
        "the gradient is multiplied by mu: it is added to it",
    ),
    Mistake(
        "summed gradient",
        lambda mu, s, g, w: mu + w * s**2 * g.sum(-1, keepdim=True),
        "the gradient is summed over the coordinates: each coordinate of mu moves by its own",
    ),
    *wrong_terms(
        guided_mean,
        (_MU, column(0.4, 0.9, 1.3), _GRADIENT, 1.7),
        {
            0: "mu has another factor than 1: it stays as it is",
            2: "the gradient has another factor than w sigma²",
        },
    ),
)

Exercise(
    guided_mean,
    title="The guided mean",
    minutes=6,
    difficulty=1,
    returns="(*batch, d), one mean for each point",
    cases=_cases,
    properties=[_is_the_mean, _no_step],
    mistakes=MISTAKES,
    accepts=[_variance, _scaled_guide, _weighted],
    hints=(
        "Near mu log p(y|x) is about g · x + constant: multiply N(mu, sigma² I) by exp(w g · x).",
        "Complete the square of −‖x − mu‖² / (2 sigma²) + w g · x: it is again a Gaussian, with "
        "the same variance.",
        "Where its derivative is 0, (mu − x) / sigma² + w g = 0, is its mean.",
    ),
)
