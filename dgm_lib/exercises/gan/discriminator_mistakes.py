"""Wrong losses of a discriminator."""

import math

import torch
from torch.nn.functional import logsigmoid, softplus

from dgm_lib.exercises import Mistake


def _means(real_part, fake_part):
    """A wrong function of the logits, averaged over data and over fakes."""
    return lambda real, fake: real_part(real).mean() + fake_part(fake).mean()


_right = _means(lambda a: softplus(-a), softplus)


def _differs_in_number(fn, generator):
    """Whether it works only where there are as many fakes as data."""
    logits = torch.randn(4, generator=generator, dtype=torch.float64)
    fn(logits, logits + 1)
    try:
        fn(logits, logits[:3])
    except RuntimeError as error:
        return "must match the size" in str(error)
    return False


MISTAKES = (
    Mistake(
        "labels swapped",
        _means(softplus, lambda a: softplus(-a)),
        "the labels are swapped: D is to be 1 at data and 0 at fakes",
    ),
    Mistake(
        "sign",
        lambda real, fake: -_right(real, fake),
        "this is the value that D maximises: a loss is minimised, so turn the sign",
    ),
    Mistake(
        "all real",
        _means(lambda a: softplus(-a), lambda a: softplus(-a)),
        "the fakes are labelled real: this is −log D at both, at fakes it is −log(1 − D)",
    ),
    Mistake(
        "all fake",
        _means(softplus, softplus),
        "the data are labelled fake: this is −log(1 − D) at both, at data it is −log D",
    ),
    Mistake(
        "difference",
        lambda real, fake: softplus(-real).mean() - softplus(fake).mean(),
        "the fakes' term is subtracted: both errors are to be small, so they are added",
    ),
    Mistake(
        "data only",
        lambda real, fake: softplus(-real).mean(),
        "the fakes' term is missing: D would call everything real",
    ),
    Mistake(
        "fakes only",
        lambda real, fake: softplus(fake).mean(),
        "the data's term is missing: D would call everything fake",
    ),
    Mistake(
        "sum",
        lambda real, fake: softplus(-real).sum() + softplus(fake).sum(),
        "you sum over the points: the means are asked for",
    ),
    Mistake(
        "mean of all",
        lambda real, fake: torch.cat([softplus(-real).flatten(), softplus(fake).flatten()]).mean(),
        "one mean over data and fakes together: each has its own mean, and the two are added",
    ),
    Mistake(
        "half",
        lambda real, fake: _right(real, fake) / 2,
        "the two means are averaged: they are added, with no factor 1/2",
    ),
    Mistake(
        "sigmoid twice",
        lambda real, fake: _right(real.sigmoid(), fake.sigmoid()),
        "the sigmoid is applied twice: softplus, logsigmoid and ..._with_logits take the logits "
        "themselves",
    ),
    Mistake(
        "no sigmoid",
        _means(lambda a: -a.log(), lambda a: -(1 - a).log()),
        "the logits are taken for probabilities: D is sigmoid(logit), and a log of a logit is NaN",
    ),
    Mistake(
        "unstable",
        _means(lambda a: -a.sigmoid().log(), lambda a: -(1 - a.sigmoid()).log()),
        "sigmoid rounds to 0 or 1 where D is sure, and the log is infinite: softplus or "
        "logsigmoid of the logit is exact",
    ),
    Mistake(
        "a small number in the log",
        _means(lambda a: -(a.sigmoid() + 1e-8).log(), lambda a: -(1 - a.sigmoid() + 1e-8).log()),
        "a small number in the log hides that sigmoid has rounded: where D is wrong and sure the "
        "gradient is lost. softplus or logsigmoid of the logit needs none",
    ),
    Mistake(
        "torch's clamp",
        _means(
            lambda a: -a.sigmoid().log().clamp(min=-100),
            lambda a: -(1 - a.sigmoid()).log().clamp(min=-100),
        ),
        "binary_cross_entropy cuts the log off at −100: ..._with_logits takes the logits and cuts "
        "nothing",
    ),
    Mistake(
        "probabilities",
        _means(lambda a: -a.sigmoid(), lambda a: a.sigmoid()),
        "the probabilities are averaged: their logarithms are asked for",
    ),
    Mistake(
        "log of the mean",
        lambda real, fake: -real.sigmoid().mean().log() - (1 - fake.sigmoid()).mean().log(),
        "the log is taken of the mean: take the logs first, then their mean",
    ),
    Mistake(
        "Wasserstein",
        lambda real, fake: fake.mean() - real.mean(),
        "the logits are averaged as they are: that is a critic (lecture 08). Here they go "
        "through −log sigmoid",
    ),
    Mistake(
        "hinge",
        _means(lambda a: (1 - a).relu(), lambda a: (1 + a).relu()),
        "this is the hinge loss: the cross-entropy is asked for",
    ),
    Mistake(
        "least squares",
        _means(lambda a: (a - 1) ** 2, lambda a: a**2),
        "this is the least-squares loss: the cross-entropy is asked for",
    ),
    Mistake(
        "smoothed",
        lambda real, fake: (
            0.9 * softplus(-real).mean() + 0.1 * softplus(real).mean() + softplus(fake).mean()
        ),
        "the label of data is smoothed to 0.9: here it is 1 (smoothing comes in 07b)",
    ),
    Mistake(
        "bits",
        lambda real, fake: _right(real, fake) / math.log(2),
        "this is in bits: logarithms are natural",
    ),
    Mistake(
        "pairs",
        lambda real, fake: (softplus(-real) + softplus(fake)).mean(),
        "data and fakes are added point by point, but there need not be as many: two means first",
        _differs_in_number,
    ),
    Mistake(
        "not averaged over the data",
        lambda real, fake: softplus(-real) + softplus(fake).mean(),
        "one number for each datum is left: average over the data too",
    ),
    Mistake(
        "fakes detached",
        lambda real, fake: softplus(-real).mean() + softplus(fake.detach()).mean(),
        "the fakes' logits are detached: D learns nothing from fakes. Detach the fakes x, before "
        "D sees them",
    ),
    Mistake(
        "data detached",
        lambda real, fake: softplus(-real.detach()).mean() + softplus(fake).mean(),
        "the data's logits are detached: D learns nothing from data",
    ),
    Mistake(
        "detached",
        lambda real, fake: -(logsigmoid(real).mean() + logsigmoid(-fake).mean()).detach(),
        "the loss is detached: it has the right value and trains nothing",
    ),
)
