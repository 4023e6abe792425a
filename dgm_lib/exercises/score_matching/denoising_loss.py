"""Score matching by undoing noise."""

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Mistake
from dgm_lib.exercises.score_matching.stand_ins import (
    Field,
    Spy,
    gradients,
    is_random,
    points,
    require_training,
)


def denoising_loss(score, x: Tensor, sigma: float, noise: Tensor) -> Tensor:
    """½ mean ‖s(x + sigma ε) + ε / sigma‖², the mean over the data -> ().

    x (n, d), noise ε (n, d) of N(0, I); score(x): (n, d) -> (n, d). At the least loss s is the
    score of the law of x + sigma ε. Vincent (2011).
    """
    error = score(x + sigma * noise) + noise / sigma
    return error.square().sum(dim=1).mean() / 2


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(n: int, d: int, sigma: float) -> tuple:
        x, noise = torch.randn(2, n, d, generator=generator, dtype=torch.float64)
        return Field(d, dtype), (0.9 * x + 0.2).to(dtype), sigma, noise.to(dtype)

    return [
        case(1, 2, 0.45),
        case(2, 2, 0.7),
        case(3, 2, 1.6),
        case(4, 3, 0.25),
        case(5, 1, 0.8),
        case(3, 4, 2.5),
    ]


_NOISE = torch.tensor([[0.4, 1.2], [-0.9, 0.3], [1.1, 0.7]], dtype=torch.float64)


def _trains(fn, generator):
    """gradients in the network's parameters"""
    mine = gradients(fn, points(), 0.6, _NOISE.clone())
    require_training(mine, gradients(denoising_loss, points(), 0.6, _NOISE))


# ------------------------------------------------------------------------ right answers


def _target(score, x, sigma, noise):
    x_noisy = x + sigma * noise
    target = (x - x_noisy) / sigma**2
    return 0.5 * ((score(x_noisy) - target) ** 2).sum(-1).mean()


def _by_law(score, x, sigma, noise):
    at = (x + sigma * noise).detach().requires_grad_()
    law = torch.distributions.Normal(x, sigma)
    (target,) = torch.autograd.grad(law.log_prob(at).sum(), at)
    return (score(at.detach()) - target).norm(dim=1).square().mean() / 2


def _mse(score, x, sigma, noise):
    predicted = score(torch.add(x, noise, alpha=sigma))
    return torch.nn.functional.mse_loss(predicted, -noise / sigma) * x.shape[1] / 2


def _expanded(score, x, sigma, noise):
    s = score(x + sigma * noise)
    parts = s.square() + 2 / sigma * s * noise + (noise / sigma).square()
    return parts.sum() / (2 * len(x))


# ------------------------------------------------------------------------ wrong answers


def _error(error):
    """A wrong error of the network, x, sigma and the noise."""
    return lambda *args: error(*args).square().sum(1).mean() / 2


def _of(loss):
    """A wrong loss of the right error, (n, d)."""
    return lambda score, x, sigma, noise: loss(score(x + sigma * noise) + noise / sigma)


def _detached(score, x, sigma, noise):
    with torch.no_grad():
        return denoising_loss(score, x, sigma, noise)


def _asked_elsewhere(fn, generator):
    args = points(), 0.6, _NOISE
    asked, right = Spy.of(fn, *args).x, Spy.of(denoising_loss, *args).x
    return asked.shape == right.shape and not torch.allclose(asked, right)


def _another_error(fn, generator):
    args = Field(2, torch.float64), points(), 0.6, _NOISE
    found, right = fn(*args), denoising_loss(*args)
    is_wrong = found.shape == () and not torch.allclose(found, right)
    return is_wrong and not _asked_elsewhere(fn, generator)


MISTAKES = (
    Mistake(
        "sign of the noise",
        _error(lambda s, x, sigma, e: s(x + sigma * e) - e / sigma),
        "the target has the wrong sign: the score points back to the datum, −ε / sigma",
    ),
    Mistake(
        "not divided by sigma",
        _error(lambda s, x, sigma, e: s(x + sigma * e) + e),
        "the target is −ε for you: the division by sigma is missing, −ε / sigma",
    ),
    Mistake(
        "divided by the variance",
        _error(lambda s, x, sigma, e: s(x + sigma * e) + e / sigma**2),
        "ε is divided by sigma²: x + sigma ε − x is, which leaves ε / sigma",
    ),
    Mistake(
        "multiplied by sigma",
        _error(lambda s, x, sigma, e: s(x + sigma * e) + sigma * e),
        "the target is −sigma ε for you: divide it by sigma²",
    ),
    Mistake(
        "noise as target",
        _error(lambda s, x, sigma, e: s(x + sigma * e) - e),
        "this makes the network predict ε: the score is −ε / sigma",
    ),
    Mistake(
        "data as target",
        _error(lambda s, x, sigma, e: s(x + sigma * e) - x),
        "this makes the network predict the datum, a denoiser: the score is asked for",
    ),
    Mistake(
        "at the data",
        _error(lambda s, x, sigma, e: s(x) + e / sigma),
        "the network sees the clean data: ask it at x + sigma ε",
    ),
    Mistake(
        "unscaled noise",
        _error(lambda s, x, sigma, e: s(x + e) + e / sigma),
        "the noise is added without sigma: the noisy point is x + sigma ε",
    ),
    Mistake(
        "variance as scale",
        _error(lambda s, x, sigma, e: s(x + sigma**2 * e) + e / sigma),
        "the noise is scaled by sigma²: sigma is its standard deviation",
    ),
    Mistake(
        "root as scale",
        _error(lambda s, x, sigma, e: s(x + sigma**0.5 * e) + e / sigma),
        "the noise is scaled by the root of sigma: sigma is not a variance",
    ),
    Mistake(
        "sigma as variance",
        _error(lambda s, x, sigma, e: s(x + sigma**0.5 * e) + e / sigma**0.5),
        "sigma is taken for a variance: it is the standard deviation",
    ),
    Mistake(
        "noise subtracted",
        _error(lambda s, x, sigma, e: s(x - sigma * e) + e / sigma),
        "the noise is subtracted from the data, and its target has the sign of an added one",
    ),
    Mistake(
        "mirrored",
        _error(lambda s, x, sigma, e: s(x - sigma * e) - e / sigma),
        "this is right on average, as −ε is as normal as ε; but add the noise, x + sigma ε, so "
        "that losses can be compared",
    ),
    Mistake(
        "weighted",
        _error(lambda s, x, sigma, e: sigma * s(x + sigma * e) + e),
        "the error is multiplied by sigma: that weight is for many noise levels, not here",
    ),
    Mistake(
        "noise alone",
        _error(lambda s, x, sigma, e: s(sigma * e) + e / sigma),
        "the network sees noise alone: add the data to it",
    ),
    Mistake(
        "own noise",
        lambda s, x, sigma, e: denoising_loss(s, x, sigma, torch.randn_like(x)),
        "you draw noise of your own: use the one that you are given",
        is_random(0.6, _NOISE),
    ),
    Mistake(
        "no half",
        _of(lambda error: error.square().sum(1).mean()),
        "the factor 1/2 is missing",
    ),
    Mistake(
        "mean over coordinates",
        _of(lambda error: error.square().mean() / 2),
        "the squares are averaged over the coordinates too: ‖·‖² is a sum over them",
    ),
    Mistake(
        "mean of all squares",
        _of(lambda error: error.square().mean()),
        "the mean runs over points and coordinates: that is right for d = 2 only; sum over the "
        "coordinates, and halve",
    ),
    Mistake(
        "sum",
        _of(lambda error: error.square().sum() / 2),
        "the squares are summed over the data: their mean is asked for",
    ),
    Mistake(
        "point by point",
        _of(lambda error: error.square().sum(1) / 2),
        "one number for each point is left: average them",
    ),
    Mistake(
        "not squared",
        _of(lambda error: error.norm(dim=1).mean() / 2),
        "the norm is not squared: its least value is at a median, not at the mean −E[ε|x] / sigma",
    ),
    Mistake(
        "absolute",
        _of(lambda error: error.abs().sum(1).mean() / 2),
        "absolute values are summed: take squares",
    ),
    Mistake(
        "mean before the square",
        _of(lambda error: error.mean(0).square().sum() / 2),
        "the errors are averaged before the square, and opposite ones cancel",
    ),
    Mistake(
        "no graph",
        _detached,
        "no gradient of the loss reaches the network: no `.detach()`, `.item()`",
    ),
    Mistake(
        "variance kept",
        _error(lambda s, x, sigma, e: s(abs(1 - sigma**2) ** 0.5 * x + sigma * e) + e / sigma),
        "the data are shrunk by √(1 − sigma²): here noise is only added, x + sigma ε",
    ),
    Mistake(
        "sum and mean swapped",
        _of(lambda error: error.square().sum(0).mean() / 2),
        "the sum runs over the data, and the mean over the coordinates: the other way round",
    ),
    Mistake(
        "half inside the square",
        _of(lambda error: (error / 2).square().sum(1).mean()),
        "1/2 stands inside the square, and counts as 1/4: halve after it",
    ),
    Mistake(
        "both divided by sigma",
        _error(lambda s, x, sigma, e: (s(x + sigma * e) + e) / sigma),
        "the network's answer is divided by sigma too: mind the brackets, s + ε / sigma",
    ),
    Mistake(
        "times sigma",
        lambda s, x, sigma, e: sigma * denoising_loss(s, x, sigma, e),
        "the loss is multiplied by sigma: no weight is asked for",
    ),
    Mistake(
        "asked elsewhere",
        _error(lambda s, x, sigma, e: s(1.37 * x + sigma * e) + e / sigma),
        "the network is asked at another point than x + sigma ε",
        _asked_elsewhere,
    ),
    Mistake(
        "another error",
        _error(lambda s, x, sigma, e: s(x + sigma * e) + 1.37 * e / sigma),
        "the network is asked rightly, at x + sigma ε: half the squared norm of s + ε / sigma, its "
        "mean over the data, is asked for",
        _another_error,
    ),
)

Exercise(
    denoising_loss,
    title="Denoising score matching",
    minutes=8,
    difficulty=2,
    returns="(), one number",
    cases=_cases,
    properties=[_trains],
    mistakes=MISTAKES,
    accepts=[_target, _by_law, _mse, _expanded],
    hints=(
        "Given x the noisy point is of N(x, sigma² I); its score there is (x − x_noisy) / sigma².",
        "As x_noisy = x + sigma ε, this target is −ε / sigma: subtract it from the network's "
        "answer at x_noisy.",
        "Half the squared norm, a sum over dim=1, and only then the mean over the data.",
    ),
)
