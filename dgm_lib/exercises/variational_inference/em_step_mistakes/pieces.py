"""Pieces that the wrong steps are made of."""


def distances(x, means):
    """‖x_n − mean_k‖², (n, K)."""
    return ((x[:, None] - means) ** 2).sum(-1)


def log_joint(x, weights, means, sigma):
    """log p(x_n, k) without a constant, (n, K)."""
    d = x.shape[-1]
    return weights.log() - d * sigma.log() - distances(x, means) / (2 * sigma**2)


def responsibilities(*arguments):
    """p(k | x_n), (n, K)."""
    return log_joint(*arguments).softmax(-1)


def maximise(x, r, squared=None):
    """The M-step; squared: (n, K), by default about the new means."""
    n, d = r.sum(0), x.shape[-1]
    means = r.T @ x / n[:, None]
    squared = distances(x, means) if squared is None else squared
    return n / len(x), means, ((r * squared).sum(0) / (d * n)).sqrt()


def right(*arguments):
    """The step as it should be."""
    return maximise(arguments[0], responsibilities(*arguments))
