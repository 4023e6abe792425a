"""Wrong losses with free bits."""

import math

import torch

from dgm_lib.exercises import Mistake


def _term(kl_term):
    """A wrong KL term, of kl (n, d_z) and the free bits."""
    return lambda log_px, kl, beta, free_bits: -log_px.mean() + beta * kl_term(kl, free_bits)


def _from(combine):
    """A wrong combination of log_px and the KL term."""

    def wrong(log_px, kl, beta, free_bits):
        return combine(log_px, kl.mean(0).clamp(min=free_bits).sum(), beta)

    return wrong


_right = _from(lambda log_px, kl, beta: -log_px.mean() + beta * kl)


MISTAKES = (
    Mistake(
        "clamped before the mean",
        _term(lambda kl, free: kl.clamp(min=free).mean(0).sum()),
        "the free bits are granted to each datum: take the mean over the batch first, then clamp",
    ),
    Mistake(
        "clamped after the sum",
        _term(lambda kl, free: kl.mean(0).sum().clamp(min=free)),
        "the free bits are granted to all dimensions together: clamp each, then sum",
    ),
    Mistake(
        "each datum's sum clamped",
        _term(lambda kl, free: kl.sum(1).clamp(min=free).mean()),
        "each datum's whole KL is clamped: clamp each dimension's mean over the batch",
    ),
    Mistake(
        "free bits of all dimensions",
        _term(lambda kl, free: kl.mean(0).sum().clamp(min=free * kl.shape[1])),
        "the dimensions' free bits are pooled: clamp each dimension, then sum",
    ),
    Mistake(
        "clamped at most",
        _term(lambda kl, free: kl.mean(0).clamp(max=free).sum()),
        "the KL is cut off above the free bits: it is kept from falling below them, "
        ".clamp(min=free_bits)",
    ),
    Mistake(
        "subtracted",
        _term(lambda kl, free: (kl.mean(0) - free).clamp(min=0).sum()),
        "the free bits are subtracted, max(0, KL − free bits): the formula has max(free bits, KL), "
        "a constant more",
    ),
    Mistake(
        "subtracted, not cut",
        _term(lambda kl, free: (kl.mean(0) - free).sum()),
        "the free bits are subtracted and nothing is cut: the gradient does not change by that",
    ),
    Mistake(
        "added",
        _term(lambda kl, free: (kl.mean(0) + free).sum()),
        "the free bits are added: take the larger of the two",
    ),
    Mistake(
        "no free bits",
        _term(lambda kl, free: kl.mean(0).sum()),
        "the free bits have no effect: .clamp(min=free_bits) of each dimension's mean KL",
    ),
    Mistake(
        "zeroed",
        _term(lambda kl, free: (kl.mean(0) * (kl.mean(0) > free)).sum()),
        "dimensions below the free bits count as 0: they count as free_bits",
    ),
    Mistake(
        "mean over dimensions",
        _term(lambda kl, free: kl.mean(0).clamp(min=free).mean()),
        "you average over the latent dimensions: their KLs add up",
    ),
    Mistake(
        "mean over everything",
        _term(lambda kl, free: kl.mean().clamp(min=free)),
        "one mean over data and dimensions: average over the data, clamp, sum over dimensions",
    ),
    Mistake(
        "mean of clamped",
        _term(lambda kl, free: kl.clamp(min=free).mean()),
        "each entry is clamped and all are averaged: average over data, clamp, sum over dimensions",
    ),
    Mistake(
        "sum over data",
        _term(lambda kl, free: kl.sum(0).clamp(min=free).sum()),
        "the KL is summed over the data: average over them, as log_px is",
    ),
    Mistake(
        "sum of clamped",
        _term(lambda kl, free: kl.clamp(min=free).sum()),
        "each entry is clamped and all are summed: average over the data first",
    ),
    Mistake(
        "wrong axis",
        _term(lambda kl, free: kl.mean(1).clamp(min=free).sum()),
        "the mean runs over the latent dimensions, dim=1: the data are dim=0",
    ),
    Mistake(
        "sum over dimensions first",
        _term(lambda kl, free: kl.sum(1).clamp(min=free).sum()),
        "each datum's whole KL is clamped, and the sum taken over data",
    ),
    Mistake(
        "summed on both",
        lambda log_px, kl, beta, free: -log_px.sum() + beta * kl.sum(0).clamp(min=free).sum(),
        "you sum over the data: both parts are means over the batch",
    ),
    Mistake(
        "log_px summed",
        _from(lambda log_px, kl, beta: -log_px.sum() + beta * kl),
        "log_px is summed over the data: average it, as the KL is",
    ),
    Mistake(
        "per datum",
        _from(lambda log_px, kl, beta: -log_px + beta * kl),
        "log_px is not averaged: return one number, its mean over the batch",
    ),
    Mistake(
        "sign",
        _from(lambda log_px, kl, beta: log_px.mean() - beta * kl),
        "this is the bound, to be maximised: the loss is its negative",
    ),
    Mistake(
        "sign of log_px",
        _from(lambda log_px, kl, beta: log_px.mean() + beta * kl),
        "log_px has the wrong sign: the loss is −mean log_px + beta · KL",
    ),
    Mistake(
        "sign of the KL",
        _from(lambda log_px, kl, beta: -log_px.mean() - beta * kl),
        "the KL has the wrong sign: the loss is −mean log_px + beta · KL",
    ),
    Mistake(
        "no log_px",
        _from(lambda log_px, kl, beta: beta * kl),
        "−mean log_px is missing",
    ),
    Mistake("no KL", _from(lambda log_px, kl, beta: -log_px.mean()), "the KL is missing"),
    Mistake(
        "no beta",
        _from(lambda log_px, kl, beta: -log_px.mean() + kl),
        "beta has no effect: it multiplies the KL term",
    ),
    Mistake(
        "beta on log_px",
        _from(lambda log_px, kl, beta: -beta * log_px.mean() + kl),
        "beta multiplies log_px: it multiplies the KL term",
    ),
    Mistake(
        "beta on both",
        _from(lambda log_px, kl, beta: beta * (kl - log_px.mean())),
        "beta multiplies everything: it multiplies the KL term alone",
    ),
    Mistake(
        "mixture",
        _from(lambda log_px, kl, beta: -(1 - beta) * log_px.mean() + beta * kl),
        "log_px is weighted by 1 − beta: its weight is 1",
    ),
    Mistake(
        "beta added",
        _from(lambda log_px, kl, beta: -log_px.mean() + beta + kl),
        "beta is added: it multiplies the KL term",
    ),
    Mistake(
        "divided by beta",
        _from(lambda log_px, kl, beta: -log_px.mean() + kl / beta if beta else -log_px.mean()),
        "the KL is divided by beta: multiply",
    ),
    Mistake(
        "beta inside",
        lambda log_px, kl, beta, free: -log_px.mean() + (beta * kl.mean(0)).clamp(min=free).sum(),
        "beta stands inside the maximum: clamp the KL itself, then weight",
    ),
    Mistake(
        "beta inside, before the mean",
        lambda log_px, kl, beta, free: -log_px.mean() + (beta * kl).clamp(min=free).mean(0).sum(),
        "beta stands inside the maximum, and each datum is clamped: mean, clamp, sum, then weight",
    ),
    Mistake(
        "swapped",
        lambda log_px, kl, beta, free: -log_px.mean() + free * kl.mean(0).clamp(min=beta).sum(),
        "beta and free_bits are swapped: beta is the weight",
    ),
    Mistake(
        "bits for nats",
        lambda log_px, kl, beta, free: _right(log_px, kl, beta, free * math.log(2)),
        "free_bits is converted from bits: it is in nats, as the KL is, whatever the name says",
    ),
    Mistake(
        "free bits shared",
        lambda log_px, kl, beta, free: _right(log_px, kl, beta, free / kl.shape[1]),
        "free_bits is divided by the number of dimensions: each has all of it",
    ),
    Mistake(
        "detached",
        lambda *a: _right(*a).detach(),
        "the loss is detached: nothing trains",
    ),
    Mistake(
        "KL detached",
        lambda log_px, kl, beta, free: _right(log_px, kl.detach(), beta, free),
        "the KL is detached: nothing draws q to the prior",
    ),
    Mistake(
        "log_px detached",
        lambda log_px, kl, beta, free: _right(log_px.detach(), kl, beta, free),
        "log_px is detached: nothing learns to reconstruct",
    ),
    Mistake(
        "straight through",
        lambda log_px, kl, beta, free: (
            _right(log_px, kl.detach(), beta, free)
            + beta * (kl.mean(0) - kl.mean(0).detach()).sum()
        ),
        "the gradient passes where the KL is below the free bits: there it costs nothing",
    ),
    Mistake(
        "free bits added",
        lambda log_px, kl, beta, free: -log_px.mean() + beta * kl.mean(0).sum() + free,
        "free_bits is added: take the larger of the two, for each dimension",
    ),
    Mistake(
        "pooled and subtracted",
        _term(lambda kl, free: (kl.mean(0).sum() - free).clamp(min=0)),
        "free_bits is subtracted from the whole KL: max(free_bits, KL) for each dimension",
    ),
    Mistake(
        "distance from the free bits",
        _term(lambda kl, free: (kl.mean(0).sum() - free).abs()),
        "this pulls the KL to free_bits from both sides: max(free_bits, KL) for each dimension",
    ),
    Mistake(
        "distance of each dimension",
        _term(lambda kl, free: (kl.mean(0) - free).abs().sum()),
        "this pulls each KL to free_bits from both sides: take the larger of the two",
    ),
    Mistake(
        "each datum's whole KL, subtracted",
        _term(lambda kl, free: (kl.sum(1) - free).clamp(min=0).mean()),
        "free_bits is subtracted from each datum's whole KL: max(free_bits, mean KL) for each "
        "dimension",
    ),
    Mistake(
        "softplus",
        _term(lambda kl, free: torch.nn.functional.softplus(kl.mean(0) - free).sum()),
        "softplus is a soft max(0, KL − free bits): take max(free_bits, KL)",
    ),
    Mistake(
        "largest dimension",
        _term(lambda kl, free: kl.mean(0).clamp(min=free).max()),
        "only the largest dimension counts: sum over them",
    ),
    Mistake(
        "largest datum",
        _term(lambda kl, free: kl.max(0).values.clamp(min=free).sum()),
        "the largest KL over the data is used: their mean",
    ),
    Mistake(
        "beta in the free bits",
        lambda log_px, kl, beta, free: _right(log_px, kl, beta, beta * free),
        "free_bits is multiplied by beta inside the maximum: beta weights what comes out of it",
    ),
    Mistake(
        "loss clamped",
        lambda log_px, kl, beta, free: -(log_px - beta * kl.sum(1)).mean().clamp(min=free),
        "the bound itself is clamped: the free bits are for each dimension's KL",
    ),
    Mistake(
        "not summed over dimensions",
        _term(lambda kl, free: kl.mean(0).clamp(min=free)),
        "the dimensions are not summed: their KLs add up to one number",
    ),
    Mistake(
        "plain loss per datum",
        lambda log_px, kl, beta, free: -log_px + beta * kl.sum(1),
        "this is a loss per datum, without free bits: average over the batch",
    ),
)
