"""Wrong KLs in the bound."""

from dgm_lib.exercises import Mistake
from dgm_lib.exercises.vae.gaussian_elbo_mistakes.pieces import (
    kl_to_prior,
    log_likelihood,
)


def _encoder(kl):
    """A wrong KL."""
    return lambda x, x_mean, sigma, mu, log_var: log_likelihood(x, x_mean, sigma) - kl(mu, log_var)


MISTAKES = (
    Mistake(
        "KL averaged",
        _encoder(lambda mu, v: kl_to_prior(mu, v) / mu.shape[-1]),
        "the KL is averaged over the coordinates of z: sum them",
    ),
    Mistake(
        "no half in the KL",
        _encoder(lambda mu, v: 2 * kl_to_prior(mu, v)),
        "the factor 1/2 of the KL is missing",
    ),
    Mistake(
        "reverse KL",
        _encoder(lambda mu, v: 0.5 * ((1 + mu**2) / v.exp() - 1 + v).sum(-1)),
        "the KL is KL(p(z) ‖ q(z|x)): q stands first",
    ),
    Mistake(
        "sigma of q for its variance",
        _encoder(lambda mu, v: 0.5 * (mu**2 + (v / 2).exp() - 1 - v).sum(-1)),
        "exp(log_var / 2) in the KL is sigma: it has sigma² = exp(log_var)",
    ),
    Mistake(
        "log_var for log sigma",
        _encoder(lambda mu, v: kl_to_prior(mu, 2 * v)),
        "log_var is taken for log sigma in the KL: it is log sigma²",
    ),
    Mistake(
        "sign of log_var",
        _encoder(lambda mu, v: 0.5 * (mu**2 + v.exp() - 1 + v).sum(-1)),
        "log_var has the wrong sign in the KL: a narrow q costs",
    ),
    Mistake(
        "no one in the KL",
        _encoder(lambda mu, v: 0.5 * (mu**2 + v.exp() - v).sum(-1)),
        "the −1 is missing in the KL: for q = p it is zero",
    ),
    Mistake(
        "no mu in the KL",
        _encoder(lambda mu, v: 0.5 * (v.exp() - 1 - v).sum(-1)),
        "mu² is missing in the KL",
    ),
)
