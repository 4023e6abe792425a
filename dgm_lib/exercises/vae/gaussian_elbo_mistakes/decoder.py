"""Wrong log p(x|z)."""

import torch

from dgm_lib.exercises import Mistake
from dgm_lib.exercises.vae.gaussian_elbo_mistakes.pieces import (
    LOG_2PI,
    kl_to_prior,
    log_likelihood,
    right,
)


def _decoder(log_px):
    """A wrong log p(x|z), of x, x_mean, sigma and d."""

    def wrong(x, x_mean, sigma, mu, log_var):
        return log_px(x, x_mean, sigma, x.shape[-1]) - kl_to_prior(mu, log_var)

    return wrong


def _error(error):
    """A wrong quadratic term, of x − x_mean, sigma and d, with the right constants."""
    return _decoder(
        lambda x, x_mean, s, d: error(x - x_mean, s, d) - d * s.log() - 0.5 * d * LOG_2PI
    )


def _keeps_coordinates(fn):
    x, z = torch.linspace(-1, 2, 5), torch.linspace(0.2, 0.9, 3)
    return fn(x, 0.5 * x, torch.tensor(0.7), z, -z).shape == (5,)


MISTAKES = (
    Mistake(
        "mean over pixels",
        _decoder(lambda x, m, s, d: log_likelihood(x, m, s) / d),
        "log p(x|z) is averaged over the coordinates of x: sum them, or the KL weighs d times "
        "too much",
    ),
    Mistake(
        "squared error",
        _decoder(lambda x, m, s, d: -((x - m) ** 2).sum(-1)),
        "the squared error is not log p(x|z): it is divided by 2·sigma², and a constant is missing",
    ),
    Mistake(
        "mean squared error",
        _decoder(lambda x, m, s, d: -((x - m) ** 2).mean(-1)),
        "the mean squared error is not log p(x|z): sum, divide by 2·sigma², add the constant",
    ),
    Mistake(
        "half the squared error",
        _decoder(lambda x, m, s, d: -0.5 * ((x - m) ** 2).sum(-1)),
        "half the squared error is log p(x|z) for sigma = 1 and without its constant: use sigma",
    ),
    Mistake(
        "no constants",
        _decoder(lambda x, m, s, d: -0.5 * (((x - m) / s) ** 2).sum(-1)),
        "−d·(log sigma + ½ log 2π) is missing: without it the bound is none, and sigma grows "
        "without end",
    ),
    Mistake(
        "no log sigma",
        _decoder(lambda x, m, s, d: -0.5 * (((x - m) / s) ** 2).sum(-1) - 0.5 * d * LOG_2PI),
        "−d·log sigma is missing: without it sigma grows without end",
    ),
    Mistake(
        "no two pi",
        _decoder(lambda x, m, s, d: -0.5 * (((x - m) / s) ** 2).sum(-1) - d * s.log()),
        "−½·d·log 2π is missing: it is part of the density, and so of the bound",
    ),
    Mistake(
        "log sigma once",
        _decoder(lambda x, m, s, d: log_likelihood(x, m, s) + (d - 1) * s.log()),
        "log sigma is subtracted once: each coordinate of x has its own",
    ),
    Mistake(
        "two pi once",
        _decoder(lambda x, m, s, d: log_likelihood(x, m, s) + 0.5 * (d - 1) * LOG_2PI),
        "½ log 2π is subtracted once: each coordinate of x has its own",
    ),
    Mistake(
        "constants once",
        _decoder(lambda x, m, s, d: log_likelihood(x, m, s) + (d - 1) * (s.log() + 0.5 * LOG_2PI)),
        "log sigma + ½ log 2π is subtracted once: each coordinate of x has its own",
    ),
    Mistake(
        "two pi not halved",
        _decoder(lambda x, m, s, d: log_likelihood(x, m, s) - 0.5 * d * LOG_2PI),
        "log 2π is not halved: the density is divided by √(2π) per coordinate",
    ),
    Mistake(
        "half of log sigma",
        _decoder(lambda x, m, s, d: log_likelihood(x, m, s) + 0.5 * d * s.log()),
        "log sigma is halved: ½ log sigma² = log sigma",
    ),
    Mistake(
        "log sigma twice",
        _decoder(lambda x, m, s, d: log_likelihood(x, m, s) - d * s.log()),
        "log sigma is subtracted twice per coordinate: ½ log sigma² = log sigma",
    ),
    Mistake(
        "sign of log sigma",
        _decoder(lambda x, m, s, d: log_likelihood(x, m, s) + 2 * d * s.log()),
        "log sigma is added: the density is divided by sigma",
    ),
    Mistake(
        "sign of the constants",
        _decoder(lambda x, m, s, d: log_likelihood(x, m, s) + d * (2 * s.log() + LOG_2PI)),
        "the constants are added: the density is divided by sigma·√(2π)",
    ),
    Mistake(
        "sigma for its square",
        _error(lambda e, s, d: -0.5 * (e**2).sum(-1) / s),
        "the squared error is divided by sigma: it is divided by sigma²",
    ),
    Mistake(
        "sigma as variance",
        _decoder(lambda x, m, s, d: log_likelihood(x, m, s.sqrt())),
        "sigma is taken for the variance: it is the standard deviation",
    ),
    Mistake(
        "sigma as log",
        _decoder(lambda x, m, s, d: log_likelihood(x, m, s.exp())),
        "sigma is taken for its log: it is the standard deviation itself",
    ),
    Mistake(
        "multiplied by sigma",
        _error(lambda e, s, d: -0.5 * (e**2).sum(-1) * s**2),
        "the squared error is multiplied by sigma²: it is divided",
    ),
    Mistake(
        "unscaled",
        _error(lambda e, s, d: -0.5 * (e**2).sum(-1)),
        "the squared error must be divided by sigma²",
    ),
    Mistake(
        "no half",
        _error(lambda e, s, d: -(e**2).sum(-1) / s**2),
        "the factor 1/2 of the squared error is missing",
    ),
    Mistake(
        "error averaged",
        _error(lambda e, s, d: -0.5 * (e**2).mean(-1) / s**2),
        "the squared error is averaged over coordinates: sum it",
    ),
    Mistake(
        "error added",
        _error(lambda e, s, d: 0.5 * (e**2).sum(-1) / s**2),
        "the squared error is added: a bad reconstruction lowers the bound",
    ),
    Mistake(
        "error not squared",
        _error(lambda e, s, d: -0.5 * e.abs().sum(-1) / s**2),
        "the error is not squared",
    ),
    Mistake(
        "d of z",
        lambda x, m, s, mu, v: (
            right(x, m, s, mu, v) + (x.shape[-1] - mu.shape[-1]) * (s.log() + 0.5 * LOG_2PI)
        ),
        "the constants count the coordinates of z: they belong to those of x",
    ),
    Mistake(
        "sigma squared again",
        _decoder(lambda x, m, s, d: log_likelihood(x, m, s**2)),
        "sigma is squared before it is used as a standard deviation: it is one already",
    ),
    Mistake(
        "sigma of one",
        _decoder(lambda x, m, s, d: log_likelihood(x, m, s / s)),
        "sigma has no influence: p(x|z) = N(x_mean, sigma² I)",
    ),
    Mistake(
        "two pi added once more",
        _decoder(lambda x, m, s, d: log_likelihood(x, m, s) - LOG_2PI),
        "log 2π is subtracted once more than the density asks for",
    ),
    Mistake(
        "never positive",
        _decoder(lambda x, m, s, d: log_likelihood(x, m, s).clamp(max=0)),
        "positive values are cut off: the log of a density may be positive",
    ),
    Mistake(
        "terms",
        lambda x, m, s, mu, v: -0.5 * ((x - m) / s) ** 2 - kl_to_prior(mu, v)[..., None],
        "log p(x|z) is not summed over the coordinates of x",
        lambda fn, generator: _keeps_coordinates(fn),
    ),
)
