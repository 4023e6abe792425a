"""Pieces that the wrong bounds are made of."""

import math

LOG_2PI = math.log(2 * math.pi)


def kl_to_prior(mu, log_var):
    """KL(N(mu, diag exp(log_var)) ‖ N(0, I)), (*batch,)."""
    return 0.5 * (mu**2 + log_var.exp() - 1 - log_var).sum(-1)


def log_likelihood(x, x_mean, sigma):
    """log N(x; x_mean, sigma² I), (*batch,)."""
    return (-0.5 * ((x - x_mean) / sigma) ** 2 - sigma.log() - 0.5 * LOG_2PI).sum(-1)


def right(x, x_mean, sigma, mu, log_var):
    """The bound as it should be."""
    return log_likelihood(x, x_mean, sigma) - kl_to_prior(mu, log_var)
