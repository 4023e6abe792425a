"""Wrong counts of modes and good samples."""

import torch

from dgm_lib.exercises import Mistake


def _of(count):
    """A wrong answer, of the distances (n, k) and the radius."""
    return lambda x, modes, radius: count(torch.cdist(x, modes), radius)


def _right(distances, radius):
    distance, nearest = distances.min(dim=1)
    good = distance <= radius
    return len(nearest[good].unique()), good.double().mean().item()


def _with(modes=None, share=None):
    """A wrong number of modes or a wrong share, beside the other, which is right."""

    def wrong(distances, radius):
        right = _right(distances, radius)
        first = modes(distances, radius) if modes else right[0]
        return first, share(distances, radius) if share else right[1]

    return _of(wrong)


def _reached(distances, radius):
    return (distances <= radius).any(dim=0).sum().item()


def _least(at_least):
    def count(distances, radius):
        distance, nearest = distances.min(dim=1)
        counts = nearest[distance <= radius].bincount(minlength=distances.shape[1])
        return (counts >= at_least).sum().item()

    return count


def _strictly(x, modes, radius):
    distance, nearest = torch.cdist(x, modes).min(dim=1)
    good = distance < radius
    return len(nearest[good].unique()), good.double().mean().item()


def _coordinate_by_coordinate(x, modes, radius):
    gaps = (x[:, None] - modes).abs().amax(-1)
    return _right(gaps, radius)


def _city_block(x, modes, radius):
    return _right(torch.cdist(x, modes, p=1), radius)


def _swaps(fn, generator):
    """Whether it answers in the wrong order where one of two samples is good."""
    return fn(torch.tensor([[0.0], [9.0]]), torch.zeros(1, 1), 1.0) == (0.5, 1)


MISTAKES = (
    Mistake(
        "squared distance",
        _of(lambda distances, radius: _right(distances**2, radius)),
        "the squared distance is compared with the radius: take the root, or square the radius",
    ),
    Mistake(
        "three radii",
        _of(lambda distances, radius: _right(distances, 3 * radius)),
        "the radius is taken three times: the 3 standard deviations are in it already",
    ),
    Mistake(
        "half a radius",
        _of(lambda distances, radius: _right(distances, radius / 2)),
        "the radius is halved: it is no diameter",
    ),
    Mistake(
        "strictly inside",
        _strictly,
        "a sample just on the edge is good: no further than the radius, <=",
    ),
    Mistake(
        "all nearest",
        _with(modes=lambda distances, radius: len(distances.argmin(1).unique())),
        "a mode counts as covered even if its samples are far away: use the good samples alone",
    ),
    Mistake(
        "within reach",
        _with(modes=_reached),
        "a sample counts for every mode within reach: it counts for the nearest alone",
    ),
    Mistake(
        "two samples",
        _with(modes=_least(2)),
        "a mode needs two good samples for you: one is enough",
    ),
    Mistake(
        "missed modes",
        _with(modes=lambda distances, r: distances.shape[1] - _right(distances, r)[0]),
        "this is the number of modes that are missed: those covered are asked for",
    ),
    Mistake(
        "all modes",
        _with(modes=lambda distances, radius: distances.shape[1]),
        "this is the number of modes that there are: count those with a good sample",
    ),
    Mistake(
        "good samples for modes",
        _with(modes=lambda distances, r: int((distances.amin(1) <= r).sum())),
        "this counts the good samples: several of one mode cover it once",
    ),
    Mistake(
        "swapped",
        _of(lambda distances, radius: _right(distances, radius)[::-1]),
        "the two are in the wrong order: the number of modes comes first",
        _swaps,
    ),
    Mistake(
        "share of modes",
        _with(modes=lambda distances, r: _right(distances, r)[0] / distances.shape[1]),
        "this is the share of the modes: their number, an int, is asked for",
        lambda fn, generator: type(fn(torch.ones(3, 2), torch.zeros(4, 2), 5.0)[0]) is float,
    ),
    Mistake(
        "share of all pairs",
        _with(share=lambda distances, r: (distances <= r).double().mean().item()),
        "the mean runs over all pairs of sample and mode: a sample is good by its nearest mode",
    ),
    Mistake(
        "number of good samples",
        _with(share=lambda distances, r: float((distances.amin(1) <= r).sum())),
        "this is the number of good samples: their share is asked for",
    ),
    Mistake(
        "share of bad samples",
        _with(share=lambda distances, r: 1 - _right(distances, r)[1]),
        "this is the share of bad samples: those near a mode are good",
    ),
    Mistake(
        "per mode",
        _with(share=lambda distances, r: _right(distances, r)[1] / distances.shape[1]),
        "the share is divided by the number of modes: it is of the samples",
    ),
    Mistake(
        "share of the modes",
        _with(share=lambda distances, r: _right(distances, r)[0] / distances.shape[1]),
        "the second number is the share of covered modes: that of good samples is asked for",
    ),
    Mistake(
        "percent",
        _with(share=lambda distances, r: 100 * _right(distances, r)[1]),
        "the share is in percent: it lies between 0 and 1",
    ),
    Mistake(
        "from the modes' side",
        _of(lambda distances, radius: _right(distances.T, radius)),
        "the minimum runs over the samples: each sample has a nearest mode, dim=1",
    ),
    Mistake(
        "square about the mode",
        _coordinate_by_coordinate,
        "each coordinate is compared with the radius, which makes a square: take the distance",
    ),
    Mistake(
        "city block",
        _city_block,
        "the coordinates' absolute differences are added: take the Euclidean distance",
    ),
    Mistake(
        "rounded",
        _with(share=lambda distances, r: float(_right(distances, r)[1] > 0.5)),
        "the share is rounded to 0 or 1: average the True and False as numbers",
    ),
)
