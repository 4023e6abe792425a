"""Score matching with a random slice of the Jacobian instead of its trace."""

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Fail, Mistake
from dgm_lib.exercises.score_matching.implicit_loss import NO_NORM
from dgm_lib.exercises.score_matching.sliced_answers import (
    ANSWERS,
    freed,
    loss_of,
    norm,
    parts,
    sliced,
    without_v,
)
from dgm_lib.exercises.score_matching.stand_ins import (
    Field,
    gradients,
    is_random,
    points,
    raises,
    require_training,
    same,
)


def sliced_loss(score, x: Tensor, probes: Tensor) -> Tensor:
    """mean of ½‖s(x)‖² + vᵀ ∇s(x) v over the data, and over k probes v for each of them -> ().

    x (n, d), probes (k, n, d) with E[v vᵀ] = I, as random signs have; score(x): (n, d) -> (n, d),
    point by point. One backward pass for each probe, whatever d is. Song et al. (2019).
    """
    x = x.detach().requires_grad_()
    s, trace = score(x), 0.0
    for v in probes:
        (pulled,) = torch.autograd.grad((s * v).sum(), x, create_graph=True)
        trace = trace + (pulled * v).sum(dim=1) / len(probes)
    return (s.square().sum(dim=1) / 2 + trace).mean()


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(k: int, n: int, d: int, signs: bool = False) -> tuple:
        x = 0.9 * torch.randn(n, d, generator=generator, dtype=torch.float64) + 0.2
        probes = torch.randn(k, n, d, generator=generator, dtype=torch.float64)
        return Field(d, dtype), x.to(dtype), (probes.sign() if signs else probes).to(dtype)

    return [
        case(1, 2, 2),
        case(2, 2, 2, signs=True),
        case(2, 3, 2),
        case(3, 2, 3, signs=True),
        case(4, 4, 1),
        case(3, 5, 4),
        case(2, 4, 3),
    ]


NO_GRAPH = (
    "the slices have the right value and train nothing: autograd.grad needs create_graph=True, "
    "and no `.detach()` or `.item()` after it"
)
PROBES = torch.tensor(
    [[[1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]], [[0.4, 1.2], [-0.9, 0.3], [1.1, 0.7]]],
    dtype=torch.float64,
)


def _half_norm(score, x, probes):
    return score(x).square().sum(1).mean() / 2


def _trains(fn, generator):
    """both terms train the network"""
    mine = gradients(fn, points(), PROBES.clone())
    if same(mine, gradients(_half_norm, points(), PROBES)):
        raise Fail(NO_GRAPH)
    if same(mine, gradients(_detached_norm, points(), PROBES)):
        raise Fail(NO_NORM)
    require_training(mine, gradients(sliced_loss, points(), PROBES))


# ------------------------------------------------------------------------ wrong answers


def _no_graph(score, x, probes):
    s, pulled = parts(score, x, probes)
    return (norm(s) + sliced(pulled.detach(), probes)).mean()


def _detached_norm(score, x, probes):
    s, pulled = parts(score, x, probes)
    return (norm(s.detach()) + sliced(pulled, probes)).mean()


def _own_probes(score, x, probes):
    return sliced_loss(score, x, torch.randn_like(probes).sign())


def _one_probe(score, x, probes):
    return sliced_loss(score, x, probes[:, :1].expand_as(probes))


MISTAKES = (
    Mistake(
        "not multiplied again",
        loss_of(lambda s, Jv, v: (norm(s) + Jv.sum(-1).mean(0)).mean()),
        "vᵀ∇s is not multiplied by v again: v is in it once, and on average nothing is left",
    ),
    Mistake(
        "v only outside",
        without_v,
        "the gradient is that of s.sum(), a probe of ones: that of (s · v).sum() is asked for",
    ),
    Mistake(
        "probe of ones",
        lambda score, x, probes: sliced_loss(score, x, torch.ones_like(probes)),
        "the probes are not used: ones give the sum of all entries of ∇s, not its trace",
    ),
    Mistake(
        "squared",
        loss_of(lambda s, Jv, v: (norm(s) + Jv.square().sum(-1).mean(0)).mean()),
        "this is ‖vᵀ∇s‖²: multiply vᵀ∇s by v and add up",
    ),
    Mistake(
        "no sum over coordinates",
        loss_of(lambda s, Jv, v: (norm(s) + (Jv * v).mean((0, -1))).mean()),
        "vᵀ∇s · v is averaged over the coordinates: it is a product of vectors, a sum",
    ),
    Mistake(
        "probes of length 1",
        loss_of(lambda s, Jv, v: (norm(s) + sliced(Jv, v / v.square().sum(-1, True))).mean()),
        "the probes are normalised: then E[v vᵀ] = I/d, and the trace comes out d times too small",
    ),
    Mistake(
        "times d",
        loss_of(lambda s, Jv, v: (norm(s) + sliced(Jv, v) * s.shape[1]).mean()),
        "the slice is multiplied by d: as E[v vᵀ] = I it is unbiased as it is",
    ),
    Mistake(
        "sum over probes",
        loss_of(lambda s, Jv, v: (norm(s) + (Jv * v).sum((0, -1))).mean()),
        "the slices are summed over the probes: each is an estimate, take their mean",
    ),
    Mistake(
        "first probe",
        loss_of(lambda s, Jv, v: (norm(s) + (Jv[0] * v[0]).sum(-1)).mean()),
        "only the first probe is used: average over all k",
    ),
    Mistake(
        "averaged probe",
        lambda score, x, probes: sliced_loss(score, x, probes.mean(0, keepdim=True)),
        "the probes are averaged before they are used: average the slices vᵀ∇s v",
    ),
    Mistake(
        "one probe for all",
        _one_probe,
        "all points share the first point's probe: each has its own",
    ),
    Mistake(
        "signs of the probes",
        lambda score, x, probes: sliced_loss(score, x, probes.sign()),
        "only the signs of the probes are used: use the probes as they are",
    ),
    Mistake(
        "own probes",
        _own_probes,
        "you draw probes of your own: use those that you are given",
        is_random(PROBES),
    ),
    Mistake(
        "along the score",
        lambda score, x, probes: sliced_loss(score, x, score(x).detach()[None]),
        "the slice is taken along s: take it along the probes",
    ),
    Mistake(
        "no half",
        loss_of(lambda s, Jv, v: (2 * norm(s) + sliced(Jv, v)).mean()),
        "the factor 1/2 of ‖s‖² is missing",
    ),
    Mistake(
        "half of both",
        loss_of(lambda s, Jv, v: (norm(s) + sliced(Jv, v) / 2).mean()),
        "the slice is halved too: only ‖s‖² has the factor 1/2",
    ),
    Mistake(
        "projected norm",
        loss_of(lambda s, Jv, v: ((s * v).sum(-1).square().mean(0) / 2 + sliced(Jv, v)).mean()),
        "½(vᵀs)² is right on average too, but noisier: ‖s‖² is known, and asked for",
    ),
    Mistake(
        "sign of the slice",
        loss_of(lambda s, Jv, v: (norm(s) - sliced(Jv, v)).mean()),
        "the slice is subtracted: partial integration gives it a plus here",
    ),
    Mistake(
        "slice alone",
        loss_of(lambda s, Jv, v: sliced(Jv, v).mean()),
        "½‖s‖² is missing: the slice alone has no least value",
    ),
    Mistake(
        "norm alone",
        loss_of(lambda s, Jv, v: norm(s).mean()),
        "the slice is missing: ‖s‖² alone is least where s is 0",
    ),
    Mistake(
        "sum",
        loss_of(lambda s, Jv, v: (norm(s) + sliced(Jv, v)).sum()),
        "the loss is summed over the data: their mean is asked for",
    ),
    Mistake(
        "point by point",
        loss_of(lambda s, Jv, v: norm(s) + sliced(Jv, v)),
        "one number for each point is left: average them",
    ),
    Mistake(
        "graph freed",
        freed,
        "the graph is freed by the first autograd.grad: create_graph=True keeps it",
        raises("second time", PROBES),
    ),
    Mistake(
        "asks for no gradient",
        lambda score, x, probes: torch.autograd.grad((score(x) * probes).sum(), x)[0].sum(),
        "x does not ask for gradients: .detach().requires_grad_() before the network sees it",
        raises("not require grad", PROBES),
    ),
    Mistake("no graph", _no_graph, NO_GRAPH),
    Mistake(
        "detached",
        lambda score, x, probes: sliced_loss(score, x, probes).detach(),
        "no gradient of the loss reaches the network: no `.detach()`, `.item()`",
    ),
    Mistake("detached norm", _detached_norm, NO_NORM),
    Mistake(
        "squared slices",
        loss_of(lambda s, Jv, v: (norm(s) + (Jv * v).sum(-1).square().mean(0)).mean()),
        "the slices are squared: they may be negative, and should be",
    ),
    Mistake(
        "last probe",
        loss_of(lambda s, Jv, v: (norm(s) + (Jv[-1] * v[-1]).sum(-1)).mean()),
        "only the last probe is kept: add the slices up, and take their mean",
    ),
    Mistake(
        "last probe over k",
        loss_of(lambda s, Jv, v: (norm(s) + (Jv[-1] * v[-1]).sum(-1) / len(v)).mean()),
        "only the last probe is kept, and divided by k: add the slices up first",
    ),
    Mistake(
        "divided by n",
        loss_of(lambda s, Jv, v: (norm(s) + (Jv * v).sum((0, -1)) / len(s)).mean()),
        "the slices are divided by n, and not by the number k of probes, len(probes)",
    ),
    Mistake(
        "norm for each probe",
        loss_of(lambda s, Jv, v: (len(v) * (norm(s) + sliced(Jv, v))).mean()),
        "both terms are summed over the probes: take the mean over them",
    ),
    Mistake(
        "norm averaged",
        loss_of(lambda s, Jv, v: s.square().mean() / 2 + sliced(Jv, v).mean()),
        "s² is averaged over the coordinates: ‖s‖² is a sum",
    ),
    Mistake(
        "slices in size",
        loss_of(lambda s, Jv, v: (norm(s) + (Jv * v).sum(-1).abs().mean(0)).mean()),
        "the slices' size is taken: they may be negative, and should be",
    ),
    Mistake(
        "gradient of a mean",
        loss_of(lambda s, Jv, v: (norm(s) + sliced(Jv, v) / s.numel()).mean()),
        "the gradient is that of a mean, which divides by n d: take that of (s * v).sum()",
    ),
)

Exercise(
    sliced_loss,
    title="Sliced score matching",
    minutes=10,
    difficulty=3,
    returns="(), one number",
    cases=_cases,
    properties=[_trains],
    mistakes=MISTAKES,
    accepts=ANSWERS,
    hints=(
        "If E[v vᵀ] = I then E[vᵀ A v] = tr A: one product with v replaces d backward passes.",
        "torch.autograd.grad((s * v).sum(), x, create_graph=True) is vᵀ∇s for every point; times v "
        "and summed over the coordinates it is a slice.",
        "Average the slices over the probes; ½‖s‖² needs no probe.",
    ),
)
