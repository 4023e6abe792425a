"""Wrong functions of the energies."""

import torch

from dgm_lib.exercises import Mistake
from dgm_lib.exercises.energy_models.contrastive_loss_mistakes.pieces import (
    loss_from,
    right,
)
from dgm_lib.exercises.energy_models.contrastive_setting import (
    underflows,
)


def _at_the_means(model, x, negatives):
    x, negatives = x.reshape(-1, x.shape[-1]), negatives.detach().reshape(-1, x.shape[-1])
    return model.energy(x.mean(0)) - model.energy(negatives.mean(0))


def _distance(model, x, negatives):
    return (x.mean() - negatives.mean()).abs()


def _distance_of_means(model, x, negatives):
    x, negatives = x.reshape(-1, x.shape[-1]), negatives.detach().reshape(-1, x.shape[-1])
    return (x.mean(0) - negatives.mean(0)).square().sum()


def _difference_at_zero(model, x, negatives):
    return model.energy(x).mean() - model.energy(torch.zeros_like(x)).mean()


def _itself(model, x, negatives):
    return model.energy(x).mean() - model.energy(x.detach()).mean()


MISTAKES = (
    Mistake(
        "absolute value",
        loss_from(lambda down, up: (down.mean() - up.mean()).abs()),
        "the loss may be negative: no absolute value, it would turn the gradient round",
    ),
    Mistake(
        "squared",
        loss_from(lambda down, up: (down.mean() - up.mean()) ** 2),
        "the difference is squared: its sign is what says which way to go",
    ),
    Mistake(
        "hinge",
        loss_from(lambda down, up: (down.mean() - up.mean()).clamp(min=0)),
        "you cut off negative values: the loss may be negative, and where you cut nothing trains",
    ),
    Mistake(
        "margin",
        loss_from(lambda down, up: (1 + down.mean() - up.mean()).clamp(min=0)),
        "this is a hinge with a margin of 1: the likelihood's gradient has the bare difference",
    ),
    Mistake(
        "softplus",
        loss_from(lambda down, up: torch.nn.functional.softplus(down.mean() - up.mean())),
        "softplus is that of a classifier: the likelihood's gradient has the bare difference",
    ),
    Mistake(
        "classifier",
        loss_from(
            lambda down, up: (
                torch.nn.functional.softplus(down).mean() + torch.nn.functional.softplus(-up).mean()
            )
        ),
        "this is the logistic loss of a classifier of data against samples: here the energies "
        "themselves are averaged",
    ),
    Mistake(
        "exp",
        loss_from(lambda down, up: (-down).exp().mean() - (-up).exp().mean()),
        "you average exp(−E), the density: the logarithm's gradient has E itself",
    ),
    Mistake(
        "exp, the other way round",
        loss_from(lambda down, up: (-up).exp().mean() - (-down).exp().mean()),
        "you average exp(−E): the log-likelihood has the energy itself, no exp",
    ),
    Mistake(
        "exp of E",
        loss_from(lambda down, up: down.exp().mean() - up.exp().mean()),
        "you average exp(E): the log-likelihood has the energy itself, no exp",
    ),
    Mistake(
        "log Z from the samples",
        loss_from(lambda down, up: down.mean() + (-up).flatten().logsumexp(0)),
        "log Σ exp(−E) over samples of the model is not log Z, which weights all points alike: "
        "its gradient is −mean ∇E, that is what the samples are for",
    ),
    Mistake(
        "log-mean-exp of the samples",
        loss_from(lambda down, up: down.mean() + (-up).exp().mean().log()),
        "log mean exp(−E) over samples of the model is not log Z: average E itself, with a minus",
    ),
    Mistake(
        "stable log-mean-exp",
        loss_from(
            lambda down, up: (
                down.mean()
                + (-up).flatten().logsumexp(0)
                - torch.log(torch.tensor(float(up.numel()))).to(up)
            )
        ),
        "log mean exp(−E) over the samples is not log Z: average E itself over them, with a minus",
    ),
    Mistake(
        "softmax weights",
        loss_from(lambda down, up: down.mean() - ((-up.flatten()).softmax(0) * up.flatten()).sum()),
        "you weight the samples by exp(−E): they come from the model with the right frequency "
        "already",
    ),
    Mistake(
        "log-mean-exp of both",
        loss_from(lambda down, up: (down.exp().mean() / up.exp().mean()).log()),
        "this is the log of a ratio of mean exp(E): average the energies themselves",
    ),
    Mistake(
        "there and back",
        loss_from(lambda down, up: -(-down).exp().log().mean() + (-up).exp().log().mean()),
        "exp(−E) underflows where energies are large, and its log is lost: stay with E",
        lambda fn, generator: underflows(fn, right),
    ),
    Mistake(
        "ratio",
        loss_from(lambda down, up: down.mean() / up.mean()),
        "you divide the energies: the log of a ratio of densities is a difference",
    ),
    Mistake(
        "regularised",
        loss_from(lambda down, up: down.mean() - up.mean() + (down**2).mean() + (up**2).mean()),
        "mean E² of both is added: useful against energies that drift, but not part of this loss",
    ),
    Mistake(
        "at the means",
        _at_the_means,
        "this is the energy at the mean point: take the energies first, then their mean",
    ),
    Mistake(
        "distance",
        _distance,
        "you compare the points: the model's energy is what is compared",
    ),
    Mistake(
        "distance of the means",
        _distance_of_means,
        "you compare the mean points: the model's mean energies are what is compared",
    ),
    Mistake(
        "energy at zero",
        _difference_at_zero,
        "the energy is compared with that at 0: use the negatives that you are given",
    ),
    Mistake(
        "data against data",
        _itself,
        "x is used twice: the second mean is over the negatives",
    ),
)
