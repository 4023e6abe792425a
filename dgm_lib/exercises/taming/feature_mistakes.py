"""Wrong losses of feature matching."""

import torch

from dgm_lib.exercises import Mistake


def _gap(distance):
    """A wrong distance of the mean features."""
    return lambda real, fake: distance(real.mean(0) - fake.mean(0))


_right = _gap(lambda gap: gap.square().sum())


def _pairs(real, fake):
    return (real - fake).square().sum(1).mean()


def _needs_pairs(fn, generator):
    """Whether it works only where there are as many fakes as data."""
    real, fake = torch.randn(2, 4, 3, generator=generator, dtype=torch.float64)
    fn(real, fake)
    try:
        fn(real, fake[:3])
    except RuntimeError as error:
        return "must match the size" in str(error)
    return False


def _cosine(real, fake):
    return 1 - torch.cosine_similarity(real.mean(0), fake.mean(0), dim=0)


def _second_moments(real, fake):
    return _right(real, fake) + _right(real**2, fake**2)


MISTAKES = (
    Mistake(
        "norm",
        _gap(lambda gap: gap.square().sum().sqrt()),
        "this is the norm: its square is asked for, without the root",
    ),
    Mistake(
        "mean over the features",
        _gap(lambda gap: gap.square().mean()),
        "the squares are averaged over the features: the squared norm is their sum",
    ),
    Mistake(
        "absolute values",
        _gap(lambda gap: gap.abs().sum()),
        "you sum absolute values: the squared Euclidean norm sums squares",
    ),
    Mistake(
        "not squared",
        _gap(lambda gap: gap.sum()),
        "the differences are summed as they are: square each first, or they cancel",
    ),
    Mistake(
        "squared after the sum",
        _gap(lambda gap: gap.sum() ** 2),
        "the sum is squared: square each feature's difference, then sum",
    ),
    Mistake(
        "a vector",
        _gap(lambda gap: gap.square()),
        "one number for each feature is left: sum them",
    ),
    Mistake(
        "half",
        _gap(lambda gap: gap.square().sum() / 2),
        "there is no factor 1/2",
    ),
    Mistake(
        "sign",
        _gap(lambda gap: -gap.square().sum()),
        "the sign is flipped: the generator makes the distance small",
    ),
    Mistake(
        "largest",
        _gap(lambda gap: gap.abs().max() ** 2),
        "only the largest difference counts for you: sum the squares of all features",
    ),
    Mistake(
        "pairs",
        _pairs,
        "data and fakes are compared one by one, but they are no pairs: average each batch first",
        _needs_pairs,
    ),
    Mistake(
        "each fake to the mean",
        lambda real, fake: (real.mean(0) - fake).square().sum(1).mean(),
        "each fake is drawn to the data's mean, which collapses them: average the fakes first",
    ),
    Mistake(
        "each datum to the mean",
        lambda real, fake: (real - fake.mean(0)).square().sum(1).mean(),
        "the data are compared one by one with the fakes' mean: average the data first",
    ),
    Mistake(
        "all pairs",
        lambda real, fake: torch.cdist(real, fake).square().mean(),
        "this averages the distances of all pairs: average the features first, then compare",
    ),
    Mistake(
        "over the features",
        lambda real, fake: (real.mean() - fake.mean()) ** 2,
        "the mean runs over the features too: each feature has its own, dim=0",
    ),
    Mistake(
        "sums",
        lambda real, fake: (real.sum(0) - fake.sum(0)).square().sum(),
        "the features are summed over the batch: take means, there may be more fakes than data",
    ),
    Mistake(
        "one count",
        lambda real, fake: ((real.sum(0) - fake.sum(0)) / len(real)).square().sum(),
        "both sums are divided by the number of data: each batch has its own size",
    ),
    Mistake(
        "squares of the means",
        lambda real, fake: real.mean(0).square().sum() - fake.mean(0).square().sum(),
        "you subtract the squared norms: take the difference first, then the squared norm",
    ),
    Mistake(
        "added",
        lambda real, fake: (real.mean(0) + fake.mean(0)).square().sum(),
        "the means are added: their difference is to be small",
    ),
    Mistake(
        "fakes only",
        lambda real, fake: fake.mean(0).square().sum(),
        "the data's features are not used: they are what the fakes' are to match",
    ),
    Mistake(
        "data only",
        lambda real, fake: real.mean(0).square().sum() + 0 * fake.sum(),
        "the fakes' features are not used: they are what the generator can change",
    ),
    Mistake(
        "cosine",
        _cosine,
        "you compare directions only: the squared distance of the means is asked for",
    ),
    Mistake(
        "second moments",
        _second_moments,
        "mean squares are matched too: a good idea, but here the means alone",
    ),
    Mistake(
        "spread",
        lambda real, fake: (real.std(0, correction=0) - fake.std(0, correction=0)).square().sum(),
        "you match standard deviations: the means are asked for",
    ),
    Mistake(
        "medians",
        lambda real, fake: (real.median(0).values - fake.median(0).values).square().sum(),
        "you match medians: the means are asked for",
    ),
    Mistake(
        "fakes detached",
        lambda real, fake: _right(real, fake.detach()) + 0 * fake.sum(),
        "the fakes' features are detached: no gradient reaches the generator. It is the data's "
        "that may be detached",
        lambda fn, generator: _trains_nothing(fn),
    ),
)


def _trains_nothing(fn):
    """Whether the value is right, and no gradient reaches the fakes."""
    real, fake = torch.tensor([[0.4, 1.0]]), torch.tensor([[1.0, -0.3], [0.2, 0.8]])
    fake.requires_grad_()
    loss = fn(real, fake)
    if loss.requires_grad:
        loss.backward()
    is_right = torch.isclose(loss, _right(real, fake))
    return bool(is_right) and (fake.grad is None or not fake.grad.any())
