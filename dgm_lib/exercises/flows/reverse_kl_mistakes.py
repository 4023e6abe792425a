"""Wrong reverse KLs."""

import math

import torch

from dgm_lib.exercises import Mistake
from dgm_lib.exercises.flows.stand_ins import (
    QUARTIC,
    asks_for_log_prob,
    takes_a_pair_for_points,
    trains_like,
)


def _from(combine):
    """A wrong combination of log p(z) of the base, ladj, and log p(x) of the target."""

    def wrong(model, log_p, z):
        x, ladj = model.transform.inverse(z)
        return combine(model.base.log_prob(z), ladj, log_p(x))

    return wrong


def _with_forward(combine):
    """The same, with transform(z) where inverse(z) belongs."""

    def wrong(model, log_p, z):
        x, ladj = model.transform(z)
        return combine(model.base.log_prob(z), ladj, log_p(x))

    return wrong


_right = _from(lambda log_z, ladj, log_p: (log_z - ladj - log_p).mean())


def _target_at_z(model, log_p, z):
    _, ladj = model.transform.inverse(z)
    return (model.base.log_prob(z) - ladj - log_p(z)).mean()


def _base_at_x(model, log_p, z):
    x, ladj = model.transform.inverse(z)
    return (model.base.log_prob(x) - ladj - log_p(x)).mean()


def _points_swapped(model, log_p, z):
    x, ladj = model.transform.inverse(z)
    return (model.base.log_prob(x) - ladj - log_p(z)).mean()


def _likelihood(model, log_p, z):
    latent, ladj = model.transform(z)
    return -(model.base.log_prob(latent) + ladj).mean()


def _standard_normal(model, log_p, z):
    x, ladj = model.transform.inverse(z)
    log_z = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(-1)
    return (log_z - ladj - log_p(x)).mean()


def _unpacked_the_wrong_way(model, log_p, z):
    ladj, x = model.transform.inverse(z)
    return (model.base.log_prob(z) - ladj - log_p(x)).mean()


def _not_unpacked(model, log_p, z):
    return (model.base.log_prob(z) - log_p(model.transform.inverse(z))).mean()


def _ready_made(model, log_p, z):
    x, _ = model.transform.inverse(z)
    return (model.log_prob(x) - log_p(x)).mean()


def _own_samples(model, log_p, z):
    return _right(model, log_p, torch.randn_like(z))


def _detached(model, log_p, z):
    return _right(model, log_p, z).detach()


def _no_graph(model, log_p, z):
    with torch.no_grad():
        x, ladj = model.transform.inverse(z)
    return (model.base.log_prob(z) - ladj - log_p(x)).mean()


def _detached_ladj(model, log_p, z):
    x, ladj = model.transform.inverse(z)
    return (model.base.log_prob(z) - ladj.detach() - log_p(x)).mean()


def _detached_x(model, log_p, z):
    x, ladj = model.transform.inverse(z)
    return (model.base.log_prob(z) - ladj - log_p(x.detach())).mean()


def _log_q_of_detached_x(model, log_p, z):
    x, _ = model.transform.inverse(z)
    latent, ladj = model.transform(x.detach())
    return (model.base.log_prob(latent) + ladj - log_p(x)).mean()


def _wholly_detached_x(model, log_p, z):
    x = model.transform.inverse(z)[0].detach()
    latent, ladj = model.transform(x)
    return (model.base.log_prob(latent) + ladj - log_p(x)).mean()


MISTAKES = (
    Mistake(
        "sign",
        _from(lambda log_z, ladj, log_p: (log_p - log_z + ladj).mean()),
        "this is −KL(q‖p): it has a maximum where the KL has its minimum",
    ),
    Mistake(
        "ladj added",
        _from(lambda log_z, ladj, log_p: (log_z + ladj - log_p).mean()),
        "ladj has the wrong sign: log q(x) is log p(z) minus the ladj of inverse(z)",
    ),
    Mistake(
        "no ladj",
        _from(lambda log_z, ladj, log_p: (log_z - log_p).mean()),
        "ladj is missing: without it, all samples collapse onto the mode of p",
    ),
    Mistake(
        "no base",
        _from(lambda log_z, ladj, log_p: (-ladj - log_p).mean()),
        "log p(z) of the base is missing: it is constant for the transform, but part of the KL",
    ),
    Mistake(
        "entropy only",
        _from(lambda log_z, ladj, log_p: (log_z - ladj).mean()),
        "this is E log q(x) alone: the target's log p(x) is missing",
    ),
    Mistake(
        "target only",
        _from(lambda log_z, ladj, log_p: -log_p.mean()),
        "this is −E log p(x) alone: without log q(x) all samples collapse onto the mode of p",
    ),
    Mistake(
        "target added",
        _from(lambda log_z, ladj, log_p: (log_z - ladj + log_p).mean()),
        "log p(x) is added: the log ratio is log q(x) minus log p(x)",
    ),
    Mistake(
        "forward",
        _with_forward(lambda log_z, ladj, log_p: (log_z - ladj - log_p).mean()),
        "you call transform(z): that way goes from data to latent, samples need inverse(z)",
    ),
    Mistake(
        "forward, ladj added",
        _with_forward(lambda log_z, ladj, log_p: (log_z + ladj - log_p).mean()),
        "you call transform(z) and add its ladj: z is latent already, samples need inverse(z)",
    ),
    Mistake(
        "maximum likelihood",
        _likelihood,
        "this is the forward KL, −E log q, with z in the place of data: swap the roles",
    ),
    Mistake("target at z", _target_at_z, "the target is evaluated at z; it belongs at x"),
    Mistake("base at x", _base_at_x, "the base is evaluated at x; it belongs at z"),
    Mistake(
        "x and z swapped", _points_swapped, "x and z are swapped: the base takes z, the target x"
    ),
    Mistake(
        "sum",
        _from(lambda log_z, ladj, log_p: (log_z - ladj - log_p).sum()),
        "you sum over the samples: the mean estimates the expectation",
    ),
    Mistake(
        "no mean",
        _from(lambda log_z, ladj, log_p: log_z - ladj - log_p),
        "these are the terms, one per sample: return their mean",
    ),
    Mistake(
        "sum of ladj",
        _from(lambda log_z, ladj, log_p: (log_z - ladj.sum() - log_p).mean()),
        "ladj is summed over the samples: every one has its own",
    ),
    Mistake(
        "weighted",
        _from(lambda log_z, ladj, log_p: ((log_z - ladj).exp() * (log_z - ladj - log_p)).mean()),
        "you weight by q(x): samples from q come with the right frequency already",
    ),
    Mistake(
        "weighted by the target",
        _from(lambda log_z, ladj, log_p: (log_p.exp() * (log_p - log_z + ladj)).mean()),
        "you weight by p(x), as the forward KL would: here the average runs over q",
    ),
    Mistake(
        "ratio",
        _from(lambda log_z, ladj, log_p: (log_z - ladj - log_p).exp().mean()),
        "you average the ratio q/p: take its logarithm first",
    ),
    Mistake(
        "log of the mean",
        _from(lambda log_z, ladj, log_p: (log_z - ladj - log_p).exp().mean().log()),
        "this is the log of a mean; the KL is the mean of the logs",
    ),
    Mistake(
        "ladj as determinant",
        _from(lambda log_z, ladj, log_p: (log_z - ladj.exp() - log_p).mean()),
        "ladj is a logarithm already: subtract it as it is",
    ),
    Mistake(
        "target not log",
        _from(lambda log_z, ladj, log_p: (log_z - ladj - log_p.exp()).mean()),
        "log_p is a logarithm already: no exp",
    ),
    Mistake(
        "absolute value",
        _from(lambda log_z, ladj, log_p: (log_z - ladj - log_p).abs().mean()),
        "single terms may be negative: no absolute value",
    ),
    Mistake(
        "absolute value of the mean",
        _from(lambda log_z, ladj, log_p: (log_z - ladj - log_p).mean().abs()),
        "the estimate may be negative, since p need not be normalised: no absolute value",
    ),
    Mistake(
        "never negative",
        _from(lambda log_z, ladj, log_p: (log_z - ladj - log_p).mean().clamp(min=0)),
        "you cut off negative values: p need not be normalised, and where you cut nothing trains",
    ),
    Mistake(
        "bits",
        lambda *args: _right(*args) / math.log(2),
        "this is in bits: no division by log 2",
    ),
    Mistake(
        "standard normal",
        _standard_normal,
        "the base need not be the standard normal: use model.base.log_prob(z)",
    ),
    Mistake(
        "unpacked the wrong way",
        _unpacked_the_wrong_way,
        "you unpack ladj, x: inverse(z) returns x first, then ladj",
    ),
    Mistake(
        "not unpacked",
        _not_unpacked,
        "inverse(z) returns two things: x, ladj = model.transform.inverse(z)",
        lambda fn, generator: takes_a_pair_for_points(fn, QUARTIC),
    ),
    Mistake(
        "ready made",
        _ready_made,
        "log q(x) needs no model.log_prob, which goes back to z: you have z and ladj already",
        lambda fn, generator: asks_for_log_prob(fn, QUARTIC),
    ),
    Mistake("own samples", _own_samples, "you draw new samples: use the z that you are given"),
    Mistake(
        "no_grad",
        _no_graph,
        "inverse runs under no_grad: nothing of it can be trained",
        trains_like(_no_graph, QUARTIC),
    ),
    Mistake(
        "detached",
        _detached,
        "the loss is detached: it has the right value and trains nothing",
        trains_like(_detached, QUARTIC),
    ),
    Mistake(
        "ladj detached",
        _detached_ladj,
        "ladj is detached: the gradient sees a loss without it, all samples collapse",
        trains_like(_detached_ladj, QUARTIC),
    ),
    Mistake(
        "x detached",
        _detached_x,
        "log p(x) is cut off from the gradient: it never learns where p is large",
        trains_like(_detached_x, QUARTIC),
    ),
    Mistake(
        "log q of detached x",
        _log_q_of_detached_x,
        "x is detached before log q(x): the samples move with the parameters there too",
        trains_like(_log_q_of_detached_x, QUARTIC),
    ),
    Mistake(
        "samples detached",
        _wholly_detached_x,
        "the samples are detached: x must carry the gradient from both log q and log p",
        trains_like(_wholly_detached_x, QUARTIC),
    ),
)
