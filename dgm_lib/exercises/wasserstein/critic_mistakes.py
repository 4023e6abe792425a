"""Wrong losses of a critic."""

import torch
from torch.nn.functional import softplus

from dgm_lib.exercises import Mistake


def _right(real, fake):
    return fake.mean() - real.mean()


def _needs_pairs(fn, generator):
    """Whether it works only where there are as many fakes as data."""
    scores = torch.randn(4, generator=generator, dtype=torch.float64)
    fn(scores, scores + 1)
    try:
        fn(scores, scores[:3])
    except RuntimeError as error:
        return "must match the size" in str(error)
    return False


MISTAKES = (
    Mistake(
        "sign",
        lambda real, fake: -_right(real, fake),
        "this is the estimate of W₁, which the critic makes large: a loss is minimised, so turn "
        "the sign",
    ),
    Mistake(
        "added",
        lambda real, fake: real.mean() + fake.mean(),
        "the two means are added: data are to score high and fakes low",
    ),
    Mistake(
        "both minus",
        lambda real, fake: -real.mean() - fake.mean(),
        "both are to score high for you: the fakes' scores are to be low, with a plus",
    ),
    Mistake(
        "data only",
        lambda real, fake: -real.mean(),
        "the fakes' scores are missing: without them all scores rise",
    ),
    Mistake(
        "fakes only",
        lambda real, fake: fake.mean(),
        "the data's scores are missing: without them all scores fall",
    ),
    Mistake(
        "the generator's",
        lambda real, fake: -fake.mean(),
        "this is the generator's loss, −mean f(G(z)): the critic's has the data too",
    ),
    Mistake(
        "sums",
        lambda real, fake: fake.sum() - real.sum(),
        "you sum over the points: take means, there need not be as many fakes as data",
    ),
    Mistake(
        "one count",
        lambda real, fake: (fake.sum() - real.sum()) / len(real),
        "both sums are divided by the number of data: each batch has its own size",
    ),
    Mistake(
        "half",
        lambda real, fake: _right(real, fake) / 2,
        "there is no factor 1/2: two means, subtracted",
    ),
    Mistake(
        "absolute value",
        lambda real, fake: -_right(real, fake).abs(),
        "no absolute value: where the critic is the wrong way round, it must turn",
    ),
    Mistake(
        "cut off",
        lambda real, fake: -(real.mean() - fake.mean()).clamp(min=0),
        "you cut off an estimate below 0: just there the critic has most to learn",
    ),
    Mistake(
        "squared",
        lambda real, fake: _right(real, fake) ** 2,
        "the difference is squared: its sign is what says which way to go",
    ),
    Mistake(
        "sigmoid",
        lambda real, fake: fake.sigmoid().mean() - real.sigmoid().mean(),
        "a critic has no sigmoid: its scores are bare numbers, only their slope is bounded",
    ),
    Mistake(
        "cross-entropy",
        lambda real, fake: softplus(-real).mean() + softplus(fake).mean(),
        "this is the discriminator's cross-entropy (lecture 07a): the critic's scores are averaged "
        "as they are",
    ),
    Mistake(
        "log sigmoid of the fakes",
        lambda real, fake: softplus(-real).mean() - softplus(-fake).mean(),
        "the scores go through log sigmoid: the critic's are averaged as they are",
    ),
    Mistake(
        "logs",
        lambda real, fake: fake.log().mean() - real.log().mean(),
        "a log is taken of the scores, which may be negative: average them as they are",
    ),
    Mistake(
        "hinge",
        lambda real, fake: (1 - real).relu().mean() + (1 + fake).relu().mean(),
        "this is the hinge loss: the scores are averaged as they are",
    ),
    Mistake(
        "least squares",
        lambda real, fake: ((real - 1) ** 2).mean() + (fake**2).mean(),
        "this is the least-squares loss: the scores are averaged as they are",
    ),
    Mistake(
        "ratio",
        lambda real, fake: fake.mean() / real.mean(),
        "you divide the means: the dual has their difference",
    ),
    Mistake(
        "mean of all",
        lambda real, fake: torch.cat([fake.flatten(), -real.flatten()]).mean(),
        "one mean over data and fakes together: each has its own mean",
    ),
    Mistake(
        "largest",
        lambda real, fake: fake.max() - real.max(),
        "you compare the highest scores: take the means",
    ),
    Mistake(
        "medians",
        lambda real, fake: fake.flatten().median() - real.flatten().median(),
        "you compare the medians: take the means",
    ),
    Mistake(
        "drift",
        lambda real, fake: _right(real, fake) + 1e-3 * (real**2).mean(),
        "mean f² is added: useful against scores that drift, but not part of this loss",
    ),
    Mistake(
        "pairs",
        lambda real, fake: (fake - real).mean(),
        "data and fakes are no pairs, and need not be as many: take the two means first",
        _needs_pairs,
    ),
    Mistake(
        "fakes detached",
        lambda real, fake: fake.detach().mean() - real.mean(),
        "the fakes' scores are detached: the critic learns nothing from fakes. Detach the fakes, "
        "before the critic sees them",
    ),
    Mistake(
        "data detached",
        lambda real, fake: fake.mean() - real.detach().mean(),
        "the data's scores are detached: the critic learns nothing from data",
    ),
    Mistake(
        "detached",
        lambda real, fake: _right(real, fake).detach(),
        "the loss is detached: it has the right value and trains nothing",
    ),
)
