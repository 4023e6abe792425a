"""Wrong forward KLs."""

import math

import torch

from dgm_lib.exercises import Mistake
from dgm_lib.exercises.flows.stand_ins import (
    asks_for_log_prob,
    takes_a_pair_for_points,
    trains_like,
)


def _from(combine):
    """A wrong combination of log p(z) and ladj."""

    def wrong(model, x):
        z, ladj = model.transform(x)
        return combine(model.base.log_prob(z), ladj)

    return wrong


_right = _from(lambda log_p, ladj: -(log_p + ladj).mean())


def _base_at_x(model, x):
    return -(model.base.log_prob(x) + model.transform(x)[1]).mean()


def _inverse(model, x):
    z, ladj = model.transform.inverse(x)
    return -(model.base.log_prob(z) + ladj).mean()


def _inverse_subtracted(model, x):
    z, ladj = model.transform.inverse(x)
    return -(model.base.log_prob(z) - ladj).mean()


def _ladj_of_the_inverse_at_x(model, x):
    return -(model.base.log_prob(model.transform(x)[0]) + model.transform.inverse(x)[1]).mean()


def _over_coordinates(model, x):
    return _right(model, x) / x.shape[-1]


def _no_graph(model, x):
    with torch.no_grad():
        z, ladj = model.transform(x)
    return -(model.base.log_prob(z) + ladj).mean()


def _detached_z(model, x):
    z, ladj = model.transform(x)
    return -(model.base.log_prob(z.detach()) + ladj).mean()


def _detached_ladj(model, x):
    z, ladj = model.transform(x)
    return -(model.base.log_prob(z) + ladj.detach()).mean()


def _over_len(model, x):
    z, ladj = model.transform(x)
    return -(model.base.log_prob(z) + ladj).sum() / len(x)


def _standard_normal(model, x):
    z, ladj = model.transform(x)
    return -(torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(-1) + ladj).mean()


def _unpacked_the_wrong_way(model, x):
    ladj, z = model.transform(x)
    return -(model.base.log_prob(z) + ladj).mean()


def _not_unpacked(model, x):
    return -model.base.log_prob(model.transform(x)).mean()


def _detached(model, x):
    return _right(model, x).detach()


def _ready_made(model, x):
    return -model.log_prob(x).mean()


MISTAKES = (
    Mistake(
        "sign",
        _from(lambda log_p, ladj: (log_p + ladj).mean()),
        "this is the mean log-likelihood: its negative is what is minimised",
    ),
    Mistake(
        "ladj subtracted",
        _from(lambda log_p, ladj: -(log_p - ladj).mean()),
        "ladj is subtracted from log p(z): transform runs from data to latent, so it is added",
    ),
    Mistake(
        "no ladj",
        _from(lambda log_p, ladj: -log_p.mean()),
        "ladj is missing: without it, the flow squeezes all data onto the base's mode",
    ),
    Mistake(
        "log p(z) with the wrong sign",
        _from(lambda log_p, ladj: (log_p - ladj).mean()),
        "log p(z) has the wrong sign: the loss is −log p(z) − ladj",
    ),
    Mistake("only ladj", _from(lambda log_p, ladj: -ladj.mean()), "the base's log p(z) is missing"),
    Mistake(
        "sum",
        _from(lambda log_p, ladj: -(log_p + ladj).sum()),
        "you sum over the data: the mean is asked for",
    ),
    Mistake(
        "sum of the base",
        _from(lambda log_p, ladj: -(log_p.sum() + ladj.mean())),
        "log p(z) is summed over the data but ladj averaged",
    ),
    Mistake(
        "sum of ladj",
        _from(lambda log_p, ladj: -(log_p.mean() + ladj.sum())),
        "ladj is summed over the data but log p(z) averaged",
    ),
    Mistake(
        "no mean",
        _from(lambda log_p, ladj: -(log_p + ladj)),
        "these are the terms, one per point: return their mean",
    ),
    Mistake(
        "mean of the first dimension",
        _from(lambda log_p, ladj: -(log_p + ladj).mean(0)),
        "you average over the first dimension of the batch only: .mean() takes them all",
    ),
    Mistake("base at x", _base_at_x, "the base is evaluated at x; it belongs at z"),
    Mistake(
        "inverse",
        _inverse,
        "you call inverse: the forward KL needs data → latent, which is transform(x)",
    ),
    Mistake(
        "inverse, ladj subtracted",
        _inverse_subtracted,
        "you call inverse and turn ladj's sign: from data to latent there is transform(x) itself",
    ),
    Mistake(
        "ladj of inverse",
        _ladj_of_the_inverse_at_x,
        "ladj comes from inverse(x): take the one that transform(x) returns with z",
    ),
    Mistake(
        "ladj as determinant",
        _from(lambda log_p, ladj: -(log_p + ladj.exp()).mean()),
        "ladj is a logarithm already: add it as it is",
    ),
    Mistake(
        "log of ladj",
        _from(lambda log_p, ladj: -(log_p + ladj.abs().log()).mean()),
        "ladj is a logarithm already: no second log",
    ),
    Mistake(
        "absolute value",
        _from(lambda log_p, ladj: -(log_p + ladj.abs()).mean()),
        "ladj may be negative: the absolute value is taken of the determinant, not of its log",
    ),
    Mistake(
        "product",
        _from(lambda log_p, ladj: -(log_p * ladj).mean()),
        "the two logs are multiplied: the log of a product is their sum",
    ),
    Mistake(
        "density",
        _from(lambda log_p, ladj: -(log_p + ladj).exp().mean()),
        "this averages q(x) itself: the logarithm comes first",
    ),
    Mistake(
        "log of the mean",
        _from(lambda log_p, ladj: -(log_p + ladj).exp().mean().log()),
        "this is the log of the mean density; the KL has the mean of the logs",
    ),
    Mistake(
        "underflow",
        _from(lambda log_p, ladj: -(log_p.exp() * ladj.exp()).log().mean()),
        "exp underflows far from the mode: stay in logs",
    ),
    Mistake(
        "weighted",
        _from(lambda log_p, ladj: -((log_p + ladj).exp() * (log_p + ladj)).mean()),
        "you weight by q(x): data come with the right frequency already, and it is p's, not q's",
    ),
    Mistake(
        "per coordinate",
        _over_coordinates,
        "you divide by d: the loss is in nats per point, not per coordinate",
    ),
    Mistake(
        "bits",
        lambda model, x: _right(model, x) / math.log(2),
        "this is in bits: no division by log 2",
    ),
    Mistake(
        "over len(x)",
        _over_len,
        "you divide by len(x): where the batch has other dimensions, .mean() counts its points",
    ),
    Mistake(
        "standard normal",
        _standard_normal,
        "the base need not be the standard normal: use model.base.log_prob(z)",
    ),
    Mistake(
        "unpacked the wrong way",
        _unpacked_the_wrong_way,
        "you unpack ladj, z: transform(x) returns z first, then ladj",
    ),
    Mistake(
        "not unpacked",
        _not_unpacked,
        "transform(x) returns two things: z, ladj = model.transform(x)",
        lambda fn, generator: takes_a_pair_for_points(fn),
    ),
    Mistake(
        "ready made",
        _ready_made,
        "write log q(x) yourself, from model.transform and model.base: no model.log_prob here",
        lambda fn, generator: asks_for_log_prob(fn),
    ),
    Mistake(
        "no_grad",
        _no_graph,
        "transform runs under no_grad: nothing of it can be trained",
        trains_like(_no_graph),
    ),
    Mistake(
        "z detached",
        _detached_z,
        "z is detached: the gradient through log p(z) is lost",
        trains_like(_detached_z),
    ),
    Mistake(
        "ladj detached",
        _detached_ladj,
        "ladj is detached: the gradient sees a loss without it",
        trains_like(_detached_ladj),
    ),
    Mistake(
        "detached",
        _detached,
        "the loss is detached: it has the right value and trains nothing",
        trains_like(_detached),
    ),
)
