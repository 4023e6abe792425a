"""Wrong densities of a Langevin proposal."""

import math

import torch

from dgm_lib.exercises import Mistake
from dgm_lib.exercises.mcmc.langevin_wrong import (
    by_coordinate,
    gaussian,
    right,
    score_is_called,
    with_gap,
    with_mean,
    with_normaliser,
    with_var,
)
from dgm_lib.exercises.mcmc.tells import (
    ask,
    ignores,
    raises,
    right_only_for,
    vector,
)

X, SCORE, H = vector(0.4, -1.1, 0.7), vector(0.9, -0.5, 1.3), 0.3
NEAR = (X + H * SCORE + vector(0.5, -0.3, 0.8), X, SCORE, H)
FAR = (X + 60, X, SCORE, H)


# ------------------------------------------------------------------------ what gives it away


def _density(fn, arguments):
    return ask(fn, *arguments, shape=arguments[0].shape[:-1])


def _shape_of_the_density(fn):
    """Height at x + h·score, and the slope and curvature there in the first coordinate."""
    step, mu = vector(0.1, 0, 0), X + H * SCORE
    points = [mu - step, mu, mu + step]
    below, here, above = (float(_density(fn, (at, X, SCORE, H))) for at in points)
    return here, (above - below) / 0.2, (above - 2 * here + below) / 0.01


def _is_turned_over(fn, generator):
    return _shape_of_the_density(fn)[2] > 1e-6


def _peaks_elsewhere(fn, generator):
    _, slope, curvature = _shape_of_the_density(fn)
    return curvature < -1e-6 and abs(slope / curvature) > 1e-6


def _has_another_width(fn, generator):
    _, slope, curvature = _shape_of_the_density(fn)
    return abs(slope) < 1e-6 and abs(curvature + 1 / (2 * H)) > 1e-6


def _has_another_height(fn, generator):
    height, slope, curvature = _shape_of_the_density(fn)
    gap = abs(height - float(right(X + H * SCORE, X, SCORE, H)))
    return abs(slope) < 1e-6 and abs(curvature + 1 / (2 * H)) < 1e-6 and gap > 1e-6


MISTAKES = (
    Mistake(
        "variance h",
        with_var(lambda h: h),
        "the variance is h here: the noise √(2h) ε has the variance 2h",
    ),
    Mistake(
        "deviation 2h",
        with_var(lambda h: (2 * h) ** 2),
        "this is σ² where σ belongs: the standard deviation is √(2h), the variance 2h",
    ),
    Mistake(
        "variance 2h²",
        with_var(lambda h: 2 * h**2),
        "the root goes over h as well: √(2h) has the square 2h, not 2h²",
    ),
    Mistake(
        "variance 4h",
        with_var(lambda h: 4 * h),
        "the variance is 4h here: it is 2h, and the 2 of 2σ² comes on top of it once",
    ),
    Mistake(
        "variance 1",
        with_var(lambda h: 1.0),
        "the variance is 1 here: the noise is √(2h) ε, with the variance 2h",
    ),
    Mistake(
        "the other convention",
        lambda x_new, x, s, h: gaussian(x_new, x + h / 2 * s, h, h),
        "this is the other convention, x + (h/2)·score with variance h: here the step is "
        "h·score and the variance 2h",
    ),
    Mistake(
        "step size ε",
        lambda x_new, x, s, h: gaussian(x_new, x + h**2 / 2 * s, h**2, h**2),
        "this is the convention x + (ε²/2)·score + ε noise: here it is x + h·score + √(2h) noise",
    ),
    Mistake(
        "half a drift",
        with_mean(lambda x_new, x, s, h: x + h / 2 * s),
        "the mean is x + (h/2)·score here: it is x + h·score",
    ),
    Mistake(
        "drift with √(2h)",
        with_mean(lambda x_new, x, s, h: x + math.sqrt(2 * h) * s),
        "√(2h) belongs to the noise; the score is multiplied by h",
    ),
    Mistake(
        "drift without h",
        with_mean(lambda x_new, x, s, h: x + s),
        "the score is not multiplied by h",
    ),
    Mistake(
        "drift downhill",
        with_mean(lambda x_new, x, s, h: x - h * s),
        "the drift has the wrong sign: the mean is x + h·score, and the gap is x_new minus that "
        "(are x_new and x swapped?)",
    ),
    Mistake(
        "no drift",
        with_mean(lambda x_new, x, s, h: x),
        "the drift is missing: this is a random walk around x, the mean is x + h·score",
    ),
    Mistake(
        "drift only",
        with_mean(lambda x_new, x, s, h: h * s),
        "x is missing in the mean: it is x + h·score",
    ),
    Mistake(
        "not divided",
        with_gap(lambda gap, h: -(gap**2).sum(-1) / 2),
        "the squared distance is not divided by the variance 2h",
    ),
    Mistake(
        "no normaliser",
        with_normaliser(lambda d, h, n: 0.0),
        "the normaliser is missing: −(d/2) log(4πh)",
    ),
    Mistake(
        "normaliser of one dimension",
        with_normaliser(lambda d, h, n: 0.5 * math.log(4 * math.pi * h)),
        "the normaliser is that of one dimension: it counts d times",
    ),
    Mistake(
        "batch for dimension",
        with_normaliser(lambda d, h, n: n / 2 * math.log(4 * math.pi * h)),
        "d is the size of the last dimension, x.shape[-1], not the number of chains",
    ),
    Mistake(
        "normaliser not halved",
        with_normaliser(lambda d, h, n: d * math.log(4 * math.pi * h)),
        "the normaliser is twice what it is: (d/2) log(4πh), or d log σ√(2π)",
    ),
    Mistake(
        "sign of the normaliser",
        with_normaliser(lambda d, h, n: -d / 2 * math.log(4 * math.pi * h)),
        "the normaliser has the wrong sign: it is subtracted",
    ),
    Mistake(
        "no π",
        with_normaliser(lambda d, h, n: d / 2 * math.log(2 * h)),
        "2π is missing in the normaliser: (d/2) log(2π · 2h)",
    ),
    Mistake(
        "no variance in the normaliser",
        with_normaliser(lambda d, h, n: d / 2 * math.log(2 * math.pi)),
        "the normaliser is that of variance 1: it is (d/2) log(2π · 2h)",
    ),
    Mistake(
        "h in the normaliser",
        with_normaliser(lambda d, h, n: d / 2 * math.log(2 * math.pi * h)),
        "the normaliser has the variance h where the exponent has 2h: (d/2) log(2π · 2h)",
    ),
    Mistake(
        "σ for σ² in the normaliser",
        with_normaliser(lambda d, h, n: d / 2 * math.log(2 * math.pi * math.sqrt(2 * h))),
        "the normaliser has σ where σ² belongs: (d/2) log(2πσ²) with σ² = 2h",
    ),
    Mistake(
        "2h in the exponent",
        with_gap(lambda gap, h: -(gap**2).sum(-1) / (2 * h)),
        "the 1/2 of the Gaussian is missing: the exponent is −‖x' − μ‖²/(2σ²) with σ² = 2h",
    ),
    Mistake(
        "σ for σ² in the exponent",
        with_gap(lambda gap, h: -(gap**2).sum(-1) / (2 * math.sqrt(2 * h))),
        "you divide by 2σ: the exponent is −‖x' − μ‖²/(2σ²)",
    ),
    Mistake(
        "sign of the exponent",
        with_gap(lambda gap, h: (gap**2).sum(-1) / (4 * h)),
        "the exponent lacks its minus: far away the density must fall",
        _is_turned_over,
    ),
    Mistake(
        "not squared",
        with_gap(lambda gap, h: -gap.norm(dim=-1) / (4 * h)),
        "the distance ‖x' − μ‖ is not squared",
    ),
    Mistake(
        "mean over the dimensions",
        with_gap(lambda gap, h: -(gap**2).mean(-1) / (4 * h)),
        "you average the squares over the dimensions: ‖·‖² is their sum",
    ),
    Mistake(
        "mean of the log densities",
        lambda *a: by_coordinate(*a).mean(-1),
        "you average over the dimensions: log densities of independent coordinates add up",
    ),
    Mistake(
        "norm of everything",
        with_gap(lambda gap, h: -(gap**2).sum() / (4 * h)),
        "the squares are summed over the chains as well: sum over the last dimension only",
    ),
    Mistake(
        "log ratio",
        lambda x_new, x, s, h: right(x_new, x, s, h) - right(x, x_new, s, h),
        "this is the log ratio of the way there and the way back: return log q of the way there",
    ),
    Mistake(
        "dim=1",
        lambda *a: by_coordinate(*a).sum(1),
        "dim=1 is the last dimension of a batch (n, d) only: use dim=-1",
        raises(IndexError, "Dimension out of range", NEAR),
    ),
    Mistake("sign", lambda *a: -right(*a), "the sign is flipped: this is −log q"),
    Mistake("density", lambda *a: right(*a).exp(), "this is the density itself: return its log"),
    Mistake(
        "underflow",
        lambda *a: by_coordinate(*a).exp().prod(-1).log(),
        "far from the mean the log density keeps falling: exp underflows there, so stay in logs",
        right_only_for(right, NEAR, FAR, _density),
    ),
    Mistake(
        "by coordinate",
        by_coordinate,
        "this has a number for each coordinate: sum over the last dimension",
    ),
    Mistake(
        "over the chains",
        lambda *a: by_coordinate(*a).sum(0),
        "you sum over the first dimension: the coordinates are in the last one (dim=-1)",
    ),
    Mistake("sum", lambda *a: right(*a).sum(), "you sum over the chains: each has its own"),
    Mistake("mean", lambda *a: right(*a).mean(), "you average over the chains: each has its own"),
    Mistake(
        "score is called",
        score_is_called,
        "score is a tensor here, the score at x: do not call it",
        raises(TypeError, "not callable", NEAR),
    ),
    Mistake(
        "log of a number",
        lambda x_new, x, s, h: right(x_new, x, s, h) + torch.log(h),
        "h is a number, not a tensor: math.log and math.sqrt take it",
        raises(TypeError, "must be Tensor", NEAR),
    ),
    # The rest is recognised by what it does.
    Mistake(
        "x_new unused",
        lambda x_new, x, s, h: -((x + h * s) ** 2).sum(-1),
        "x_new is not used: it is the point whose density is asked for",
        ignores(0, NEAR, _density),
    ),
    Mistake(
        "score unused",
        lambda x_new, x, s, h: -2 * ((x_new - x) ** 2).sum(-1),
        "the score is not used: the mean is x + h·score",
        ignores(2, NEAR, _density),
    ),
    Mistake(
        "elsewhere",
        with_mean(lambda x_new, x, s, h: x + 3 * h * s),
        "your Gaussian peaks elsewhere: its mean is x + h·score",
        _peaks_elsewhere,
    ),
    Mistake(
        "another width",
        with_var(lambda h: 3 * h),
        "your Gaussian has another width: its variance is 2h, so divide the square by 4h",
        _has_another_width,
    ),
    Mistake(
        "another height",
        with_normaliser(lambda d, h, n: 2 * d * math.log(4 * math.pi * h)),
        "mean and variance are right, but it does not integrate to 1: the terms without x_new "
        "count, −(d/2) log(4πh) among them",
        _has_another_height,
    ),
)
