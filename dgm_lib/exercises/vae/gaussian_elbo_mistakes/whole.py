"""Right parts put together in a wrong way."""

import math

from dgm_lib.exercises import Mistake
from dgm_lib.exercises.vae.gaussian_elbo_mistakes.pieces import (
    kl_to_prior,
    log_likelihood,
    right,
)


def _from(combine):
    """A wrong combination of log p(x|z) and the KL."""
    return lambda x, x_mean, sigma, *q: combine(log_likelihood(x, x_mean, sigma), kl_to_prior(*q))


MISTAKES = (
    Mistake("sign", _from(lambda p, kl: kl - p), "this is −ELBO, the loss: the bound is asked for"),
    Mistake(
        "KL added",
        _from(lambda p, kl: p + kl),
        "the KL is added: it is the price of z, subtract it",
    ),
    Mistake("no KL", _from(lambda p, kl: p), "the KL is missing: this is log p(x|z) alone"),
    Mistake("only the KL", _from(lambda p, kl: -kl), "log p(x|z) is missing: this is −KL alone"),
    Mistake(
        "sum over the batch",
        _from(lambda p, kl: (p - kl).sum()),
        "you sum over the batch: each x has its own bound",
    ),
    Mistake(
        "mean over the batch",
        _from(lambda p, kl: (p - kl).mean()),
        "you average over the batch: each x has its own bound",
    ),
    Mistake(
        "KL averaged over the batch",
        _from(lambda p, kl: p - kl.mean()),
        "the KL is averaged over the batch: each x has its own",
    ),
    Mistake(
        "KL summed over the batch",
        _from(lambda p, kl: p - kl.sum()),
        "the KL is summed over the batch: each x has its own",
    ),
    Mistake(
        "log p(x|z) averaged over the batch",
        _from(lambda p, kl: p.mean() - kl),
        "log p(x|z) is averaged over the batch: each x has its own",
    ),
    Mistake(
        "log p(x|z) summed over the batch",
        _from(lambda p, kl: p.sum() - kl),
        "log p(x|z) is summed over the batch: each x has its own",
    ),
    Mistake(
        "both averaged",
        lambda x, m, s, mu, v: (
            log_likelihood(x, m, s) / x.shape[-1] - kl_to_prior(mu, v) / mu.shape[-1]
        ),
        "both parts are averaged over coordinates: logs of independent coordinates add up",
    ),
    Mistake(
        "no logs",
        lambda x, m, s, mu, v: log_likelihood(x, m, s).exp() - kl_to_prior(mu, v),
        "p(x|z) stands in the bound: its log belongs there",
    ),
    Mistake(
        "bits",
        lambda *a: right(*a) / math.log(2),
        "this is in bits: no division by log 2",
    ),
    Mistake(
        "detached",
        lambda *a: right(*a).detach(),
        "the bound is detached: nothing trains",
    ),
    Mistake(
        "reconstruction detached",
        lambda x, m, s, mu, v: right(x, m.detach(), s, mu, v),
        "x_mean is detached: neither decoder nor encoder learns to reconstruct",
    ),
    Mistake(
        "sigma detached",
        lambda x, m, s, mu, v: right(x, m, s.detach(), mu, v),
        "sigma is detached (or `.item()`, `float`, `math.log`): the decoder's sigma is learned too",
    ),
    Mistake(
        "log sigma detached",
        lambda x, m, s, mu, v: right(x, m, s, mu, v) + x.shape[-1] * (s.log() - math.log(s.item())),
        "log sigma has no gradient (`math.log`, `.item()`): then sigma grows without end",
    ),
    Mistake(
        "KL detached",
        lambda x, m, s, mu, v: log_likelihood(x, m, s) - kl_to_prior(mu, v).detach(),
        "the KL is detached: nothing draws q to the prior",
    ),
    Mistake(
        "entropy counted twice",
        lambda x, m, s, mu, v: right(x, m, s, mu, v) + 0.5 * v.sum(-1),
        "the entropy of q is added once more: it is in the KL already",
    ),
)
