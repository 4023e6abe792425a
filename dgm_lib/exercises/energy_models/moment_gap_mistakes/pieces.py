"""Pieces that several of the wrong answers are made of."""

import torch


def weights(theta, f):
    """p at the grid's points, from f there."""
    return torch.softmax(f @ theta, dim=0)


def gap_from(combine):
    """A wrong combination of the data's mean and the model's."""

    def wrong(theta, features, x, points):
        f = features(points)
        return combine(features(x).mean(0), weights(theta, f) @ f)

    return wrong


def log_likelihood(theta, features, x, points):
    """mean log p(x), up to the volume of a cell."""
    return (features(x) @ theta).mean() - (features(points) @ theta).logsumexp(0)
