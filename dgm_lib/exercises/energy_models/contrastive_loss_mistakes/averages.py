"""Wrong signs, sums and means of energies."""

import torch

from dgm_lib.exercises import Mistake
from dgm_lib.exercises.energy_models.contrastive_loss_mistakes.pieces import loss_from, right
from dgm_lib.exercises.energy_models.contrastive_setting import takes_one_dimension, takes_pairs


def _per_coordinate(model, x, negatives):
    return right(model, x, negatives) / x.shape[-1]


def _over_len(model, x, negatives):
    down, up = model.energy(x), model.energy(negatives.detach())
    return down.sum() / len(x) - up.sum() / len(negatives)


def _over_one_count(model, x, negatives):
    down, up = model.energy(x), model.energy(negatives.detach())
    return (down.sum() - up.sum()) / down.numel()


def _as_many(model, x, negatives):
    return right(model, x, negatives[: len(x)])


MISTAKES = (
    Mistake(
        "sign",
        loss_from(lambda down, up: up.mean() - down.mean()),
        "the sign: minimising this raises the energy of the data and lowers that of the samples; "
        "it is mean E(x) − mean E(x⁻)",
    ),
    Mistake(
        "added",
        loss_from(lambda down, up: down.mean() + up.mean()),
        "the two energies are added: the samples are pushed up, with a minus",
    ),
    Mistake(
        "data only",
        loss_from(lambda down, up: down.mean()),
        "this is mean E(x) alone: without the samples' energy, E falls everywhere",
    ),
    Mistake(
        "minus the data",
        loss_from(lambda down, up: -down.mean()),
        "this is −mean E(x) alone: energy is high where data are few, so the data's is lowered",
    ),
    Mistake(
        "samples only",
        loss_from(lambda down, up: -up.mean()),
        "this is −mean E(x⁻) alone: the data's energy is missing",
    ),
    Mistake(
        "plus the samples",
        loss_from(lambda down, up: up.mean()),
        "this is mean E(x⁻) alone: the data's energy is missing, and the samples' has a minus",
    ),
    Mistake(
        "both signs",
        loss_from(lambda down, up: -down.mean() - up.mean()),
        "both energies have a minus: the data's is lowered, with a plus",
    ),
    Mistake(
        "sum",
        loss_from(lambda down, up: down.sum() - up.sum()),
        "you sum over the points: the means are asked for, since there need not be as many "
        "samples as data",
    ),
    Mistake(
        "sum of the data",
        loss_from(lambda down, up: down.sum() - up.mean()),
        "the data's energies are summed and the samples' averaged: both are means",
    ),
    Mistake(
        "sum of the samples",
        loss_from(lambda down, up: down.mean() - up.sum()),
        "the samples' energies are summed and the data's averaged: both are means",
    ),
    Mistake(
        "one count for both",
        _over_one_count,
        "both sums are divided by the number of data: there may be more or fewer samples",
    ),
    Mistake(
        "pairs",
        loss_from(lambda down, up: (down - up).mean()),
        "data and samples are not pairs, and need not be as many: take the two means first",
        lambda fn, generator: takes_pairs(fn, dimensions=0),
    ),
    Mistake(
        "no mean",
        loss_from(lambda down, up: down - up),
        "these are differences point by point, but data and samples are no pairs: take two means",
        lambda fn, generator: takes_pairs(fn, dimensions=1),
    ),
    Mistake(
        "no mean of the data",
        loss_from(lambda down, up: down - up.mean()),
        "one number per data point is left: average the data's energies too",
    ),
    Mistake(
        "no mean of the samples",
        loss_from(lambda down, up: down.mean() - up),
        "one number per sample is left: average the samples' energies too",
    ),
    Mistake(
        "mean of the first dimension",
        loss_from(lambda down, up: (down.mean(0) - up.mean(0)).mean()),
        "you average over the first dimension only: where the batch has others, .mean() takes "
        "them all",
        lambda fn, generator: takes_one_dimension(fn, right),
    ),
    Mistake(
        "over len(x)",
        _over_len,
        "you divide by len(x): where the batch has other dimensions, .mean() counts its points",
    ),
    Mistake(
        "per coordinate",
        _per_coordinate,
        "you divide by d: an energy belongs to a point, not to a coordinate",
    ),
    Mistake(
        "mean of all",
        loss_from(lambda down, up: torch.cat([down.flatten(), -up.flatten()]).mean()),
        "one mean over data and samples together: each has its own mean",
    ),
    Mistake(
        "as many as the data",
        _as_many,
        "only as many negatives are used as there are data: the mean takes all of them",
    ),
    Mistake(
        "twice",
        loss_from(lambda down, up: 2 * (down.mean() - up.mean())),
        "there is no factor 2: the gradient is that of the log-likelihood, once",
    ),
    Mistake(
        "half",
        loss_from(lambda down, up: 0.5 * (down.mean() - up.mean())),
        "there is no factor 1/2: the gradient is that of the log-likelihood, once",
    ),
)
