"""Steps that are wrong as a whole: what they use, keep and return."""

from dgm_lib.exercises import Mistake
from dgm_lib.exercises.variational_inference.em_step_mistakes.pieces import (
    distances,
    maximise,
    responsibilities,
    right,
)


def _old_means(x, weights, means, sigma):
    r = responsibilities(x, weights, means, sigma)
    return maximise(x, r, distances(x, means))


def _new_responsibilities(x, weights, means, sigma):
    new_weights, new_means, _ = right(x, weights, means, sigma)
    r = responsibilities(x, new_weights, new_means, sigma)
    return new_weights, new_means, maximise(x, r, distances(x, new_means))[2]


def _two_steps(x, *parameters):
    return right(x, *right(x, *parameters))


def _only_e(*arguments):
    return responsibilities(*arguments)


def _kept_sigma(x, weights, means, sigma):
    return *right(x, weights, means, sigma)[:2], sigma.clone()


def _means_first(*arguments):
    weights, means, sigma = right(*arguments)
    return means, weights, sigma


MISTAKES = (
    Mistake(
        "old means in the variance",
        _old_means,
        "the variance is taken about the old means: use the new ones",
    ),
    Mistake(
        "old sigma",
        _kept_sigma,
        "sigma is not updated: its square becomes the mean squared distance per coordinate",
    ),
    Mistake(
        "new responsibilities",
        _new_responsibilities,
        "the responsibilities are computed again for sigma: one E-step serves the whole M-step",
    ),
    Mistake("two steps", _two_steps, "these are two steps: one is asked for"),
    Mistake(
        "only the E-step",
        _only_e,
        "these are the responsibilities: the M-step makes new weights, means and sigma of them",
    ),
    Mistake(
        "means first",
        _means_first,
        "the order is another: return the weights, then the means, then sigma",
    ),
    Mistake(
        "unchanged",
        lambda x, weights, means, sigma: (weights.clone(), means.clone(), sigma.clone()),
        "the parameters come back as they were: return the new ones",
    ),
)
