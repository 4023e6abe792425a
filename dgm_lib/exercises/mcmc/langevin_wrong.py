"""Gaussians with something wrong, for the density of a Langevin proposal."""

import math

import torch


def gaussian(x_new, mu, exponent_var, log_var):
    """A Gaussian with one variance in the exponent and another in the normaliser."""
    squared = ((x_new - mu) ** 2).sum(dim=-1)
    return -squared / (2 * exponent_var) - x_new.shape[-1] / 2 * math.log(2 * math.pi * log_var)


def right(x_new, x, score, h):
    """As it should be."""
    return gaussian(x_new, x + h * score, 2 * h, 2 * h)


def with_var(var):
    """The right mean with a wrong variance."""
    return lambda x_new, x, score, h: gaussian(x_new, x + h * score, var(h), var(h))


def with_mean(mean):
    """The right variance with a wrong mean."""
    return lambda x_new, x, score, h: gaussian(x_new, mean(x_new, x, score, h), 2 * h, 2 * h)


def with_normaliser(normaliser):
    """The right exponent with a wrong normaliser, of d, h and the number of chains."""

    def wrong(x_new, x, score, h):
        squared = ((x_new - x - h * score) ** 2).sum(dim=-1)
        return -squared / (4 * h) - normaliser(x.shape[-1], h, x.shape[0])

    return wrong


def with_gap(exponent):
    """The right normaliser with a wrong exponent, of x' − μ and h."""

    def wrong(x_new, x, score, h):
        d = x.shape[-1]
        return exponent(x_new - x - h * score, h) - d / 2 * math.log(4 * math.pi * h)

    return wrong


def by_coordinate(x_new, x, score, h):
    """The log density of each coordinate."""
    return torch.distributions.Normal(x + h * score, math.sqrt(2 * h)).log_prob(x_new)


def score_is_called(x_new, x, score, h):
    """The score taken for a function."""
    return right(x_new, x, score(x), h)
