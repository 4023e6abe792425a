"""Wrong score-function losses."""

import torch

from dgm_lib.exercises import Mistake
from dgm_lib.exercises.variational_inference.score_setting import trains_like


def _from(combine):
    """A wrong combination of log f − baseline, held fixed, and log q."""
    return lambda log_f, log_q, baseline: combine((log_f - baseline).detach(), log_q)


def _no_graph(log_f, log_q, baseline):
    with torch.no_grad():
        return -((log_f - baseline) * log_q).mean()


def _fixed(baseline):
    return torch.as_tensor(baseline).detach()


def _mistake(name: str, wrong, hint: str) -> Mistake:
    return Mistake(name, wrong, hint, trains_like(wrong))


MISTAKES = (
    _mistake(
        "sign",
        _from(lambda advantage, log_q: (advantage * log_q).mean()),
        "the gradient has the wrong sign: a loss is minimised, so it estimates −∇E[log f]",
    ),
    _mistake(
        "no detach",
        lambda log_f, log_q, baseline: -((log_f - baseline) * log_q).mean(),
        "log_f − baseline carries a gradient of its own: detach it, only log q is differentiated",
    ),
    _mistake(
        "no detach, sign",
        lambda log_f, log_q, baseline: ((log_f - baseline) * log_q).mean(),
        "log_f − baseline carries a gradient (detach it), and the sign is that of a gain, not of a "
        "loss",
    ),
    _mistake(
        "log_f not detached",
        lambda log_f, log_q, baseline: -((log_f - _fixed(baseline)) * log_q).mean(),
        "log_f carries a gradient of its own: detach it too",
    ),
    _mistake(
        "baseline not detached",
        lambda log_f, log_q, baseline: -((log_f.detach() - baseline) * log_q).mean(),
        "the baseline carries a gradient: detach it too, or the loss trains it through q",
    ),
    _mistake(
        "no baseline",
        lambda log_f, log_q, baseline: -(log_f.detach() * log_q).mean(),
        "the baseline has no effect: subtract it from log_f before multiplying with log q",
    ),
    _mistake(
        "no baseline, no detach",
        lambda log_f, log_q, baseline: -(log_f * log_q).mean(),
        "the baseline is not used, and log_f is not detached",
    ),
    _mistake(
        "no baseline, sign",
        lambda log_f, log_q, baseline: (log_f.detach() * log_q).mean(),
        "the baseline is not used, and the sign is that of a gain, not of a loss",
    ),
    _mistake(
        "baseline added",
        lambda log_f, log_q, baseline: -((log_f + baseline).detach() * log_q).mean(),
        "the baseline is added: subtract it",
    ),
    _mistake(
        "baseline outside",
        lambda log_f, log_q, baseline: -(log_f.detach() * log_q - baseline).mean(),
        "the baseline is subtracted from the product: subtract it from log_f, before log q "
        "multiplies",
    ),
    _mistake(
        "baseline outside the mean",
        lambda log_f, log_q, baseline: -(log_f.detach() * log_q).mean() - baseline,
        "the baseline is subtracted from the product: subtract it from log_f, before log q "
        "multiplies",
    ),
    _mistake(
        "baseline from log q",
        lambda log_f, log_q, baseline: -(log_f.detach() * (log_q - baseline)).mean(),
        "the baseline is subtracted from log q: subtract it from log_f",
    ),
    _mistake(
        "baseline multiplies",
        lambda log_f, log_q, baseline: -(log_f * baseline).detach().mul(log_q).mean(),
        "the baseline multiplies log_f: subtract it",
    ),
    _mistake(
        "product of means",
        _from(lambda advantage, log_q: -advantage.mean() * log_q.mean()),
        "this is a product of two means: multiply draw by draw, then average",
    ),
    _mistake(
        "product of means, no detach",
        lambda log_f, log_q, baseline: -(log_f - baseline).mean() * log_q.mean(),
        "this is a product of two means, and not detached: multiply draw by draw, then average",
    ),
    _mistake(
        "sum",
        _from(lambda advantage, log_q: -(advantage * log_q).sum()),
        "you sum over the draws: the mean estimates the expectation",
    ),
    _mistake(
        "over len",
        _from(lambda advantage, log_q: -(advantage * log_q).sum() / max(log_q.shape + (1,))),
        "you divide by one dimension's size: .mean() counts all draws",
    ),
    _mistake(
        "mean times sum",
        _from(lambda advantage, log_q: -advantage.sum() * log_q.mean()),
        "the advantages are summed before log q multiplies: multiply draw by draw",
    ),
    Mistake(
        "no mean",
        _from(lambda advantage, log_q: -advantage * log_q),
        "these are the terms, one per draw: return their mean",
    ),
    Mistake(
        "mean over the first dimension",
        _from(lambda advantage, log_q: -(advantage * log_q).mean(0)),
        "you average over the first dimension only: .mean() takes them all",
    ),
    _mistake(
        "absolute loss",
        _from(lambda advantage, log_q: (advantage * log_q).mean().abs()),
        "the loss may be negative, its value means nothing: no absolute value",
    ),
    _mistake(
        "absolute gain",
        _from(lambda advantage, log_q: -(advantage * log_q).mean().abs()),
        "the loss may be negative, its value means nothing: no absolute value",
    ),
    _mistake(
        "log q detached",
        lambda log_f, log_q, baseline: -((log_f - baseline) * log_q.detach()).mean(),
        "log q is detached and log_f is not: it is the other way round",
    ),
    Mistake(
        "all detached",
        _from(lambda advantage, log_q: -(advantage * log_q).mean().detach()),
        "everything is detached: nothing trains; only log_f − baseline is held fixed",
    ),
    Mistake(
        "no_grad",
        _no_graph,
        "everything is detached: nothing trains; only log_f − baseline is held fixed",
    ),
    _mistake(
        "pathwise",
        lambda log_f, log_q, baseline: -(log_f - baseline).mean(),
        "log q is missing: the draws carry no gradient, so log_f has none of what is asked for",
    ),
    _mistake(
        "pathwise, no baseline",
        lambda log_f, log_q, baseline: -log_f.mean(),
        "this is −mean log f: the draws carry no gradient, log q must",
    ),
    _mistake(
        "log_f added",
        lambda log_f, log_q, baseline: -((log_f - baseline).detach() * log_q + log_f).mean(),
        "log_f is added undetached: its own gradient in q's parameters has mean zero, and is noise",
    ),
    _mistake(
        "score only",
        lambda log_f, log_q, baseline: -log_q.mean(),
        "log q is not weighted: multiply that of each draw by log_f − baseline",
    ),
    _mistake(
        "score minus baseline",
        lambda log_f, log_q, baseline: -(log_q - baseline).mean(),
        "log_f is missing: weight each draw's log q by log_f − baseline",
    ),
    _mistake(
        "density for its log",
        _from(lambda advantage, log_q: -(advantage * log_q.exp()).mean()),
        "this has ∇q = q ∇log q: draws of q come with that frequency already, so no exp of log q",
    ),
    _mistake(
        "f for its log",
        lambda log_f, log_q, baseline: -((log_f.exp() - baseline).detach() * log_q).mean(),
        "exp(log_f) is used: E[log f] is what is to grow",
    ),
    _mistake(
        "exp of the advantage",
        _from(lambda advantage, log_q: -(advantage.exp() * log_q).mean()),
        "exp is taken of log_f − baseline: it multiplies log q as it is",
    ),
    _mistake(
        "divided",
        _from(lambda advantage, log_q: -(advantage / log_q).mean()),
        "you divide by log q: multiply",
    ),
    _mistake(
        "squared",
        _from(lambda advantage, log_q: -(advantage**2 * log_q).mean()),
        "the advantage is squared: its sign says which draws become more likely",
    ),
    _mistake(
        "absolute",
        _from(lambda advantage, log_q: -(advantage.abs() * log_q).mean()),
        "the advantage may be negative: no absolute value",
    ),
    _mistake(
        "never negative",
        _from(lambda advantage, log_q: -(advantage.clamp(min=0) * log_q).mean()),
        "negative advantages are cut off: these draws must become less likely",
    ),
    _mistake(
        "standardised",
        _from(lambda advantage, log_q: -(advantage / advantage.std() * log_q).mean()),
        "the advantage is divided by its standard deviation: that changes the gradient's size",
    ),
    _mistake(
        "whitened",
        _from(
            lambda advantage, log_q: (
                -((advantage - advantage.mean()) / advantage.std() * log_q).mean()
            )
        ),
        "the advantage is standardised: the estimate is no longer unbiased",
    ),
    _mistake(
        "centred",
        _from(lambda advantage, log_q: -((advantage - advantage.mean()) * log_q).mean()),
        "the mean advantage is subtracted too: it depends on each draw, and that is a bias; the "
        "baseline is given",
    ),
    _mistake(
        "softmax",
        _from(lambda advantage, log_q: -(advantage.flatten().softmax(0) @ log_q.flatten())),
        "the advantages go through a softmax: they multiply log q as they are",
    ),
)
