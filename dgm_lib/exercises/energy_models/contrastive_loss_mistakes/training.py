"""Wrong ways to ask the model, and wrong gradients."""

import torch

from dgm_lib.exercises import Mistake
from dgm_lib.exercises.energy_models.contrastive_loss_mistakes.pieces import right
from dgm_lib.exercises.energy_models.contrastive_setting import (
    asks,
    calls_backward,
    data,
    trains_like,
)
from dgm_lib.exercises.energy_models.stand_ins import Model

WRITES_GRADIENTS = (
    "backward() belongs to the training loop: here it fills the parameters' .grad, and the loop's "
    "own adds to it"
)


def _not_detached(model, x, negatives):
    return model.energy(x).mean() - model.energy(negatives).mean()


def _detached_energy(model, x, negatives):
    return model.energy(x).mean() - model.energy(negatives).mean().detach()


def _detached_data(model, x, negatives):
    return model.energy(x).mean().detach() - model.energy(negatives.detach()).mean()


def _detached(model, x, negatives):
    return right(model, x, negatives).detach()


def _called(model, x, negatives):
    return model(x).mean() - model(negatives.detach()).mean()


def _log_prob(model, x, negatives):
    return model.log_prob(negatives.detach()).mean() - model.log_prob(x).mean()


def _own_samples(model, x, negatives):
    return right(model, x, torch.randn_like(x))


def _backward(model, x, negatives):
    loss = right(model, x, negatives)
    loss.backward(retain_graph=True)
    return loss


def _frozen(model, x, negatives):
    loss = model.energy(x).mean()
    model.requires_grad_(False)
    return loss - model.energy(negatives.detach()).mean()


def _is_random(fn, generator):
    model, x = Model(3, torch.float64), data()
    return not torch.equal(fn(model, x, x + 0.2), fn(model, x, x + 0.2))


MISTAKES = (
    Mistake(
        "called",
        _called,
        "the energy is model.energy(x), not model(x)",
        lambda fn, generator: asks(fn, "forward"),
    ),
    Mistake(
        "log_prob",
        _log_prob,
        "the model has no log_prob, since log Z is not known: its energies must do",
        lambda fn, generator: asks(fn, "log_prob", "log_Z", "score"),
    ),
    Mistake(
        "own samples",
        _own_samples,
        "the loss is random: use the negatives that you are given, as they are",
        _is_random,
    ),
    Mistake(
        "not detached",
        _not_detached,
        "a gradient flows through the negatives into the sampler that made them: the likelihood's "
        "gradient takes them as fixed, negatives.detach()",
        trains_like(_not_detached),
    ),
    Mistake(
        "energy detached",
        _detached_energy,
        "the samples' energy is detached: then E falls everywhere. Detach the points, not E",
        trains_like(_detached_energy),
    ),
    Mistake(
        "data detached",
        _detached_data,
        "the data's energy is detached: only the samples train, and E rises everywhere",
        trains_like(_detached_data),
    ),
    Mistake(
        "detached",
        _detached,
        "the loss is detached: it has the right value and trains nothing",
        trains_like(_detached),
    ),
    Mistake("backward", _backward, WRITES_GRADIENTS, lambda fn, generator: calls_backward(fn)),
    Mistake(
        "frozen",
        _frozen,
        "the parameters are frozen for the samples: these must train too, only the points are "
        "detached",
        trains_like(_frozen),
    ),
)
