"""Score matching without the score: a norm and a trace."""

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Fail, Mistake
from dgm_lib.exercises.score_matching.implicit_answers import ANSWERS
from dgm_lib.exercises.score_matching.stand_ins import (
    Field,
    gradients,
    points,
    raises,
    require_training,
    same,
)


def implicit_loss(score, x: Tensor) -> Tensor:
    """mean of ½‖s(x)‖² + tr ∇s(x) over the data, the trace by autograd -> ().

    x (n, d); score(x): (n, d) -> (n, d), point by point. Both terms train the network, the trace
    too. Hyvärinen (2005).
    """
    x = x.detach().requires_grad_()
    s, trace = score(x), 0.0
    for j in range(x.shape[1]):
        (row,) = torch.autograd.grad(s[:, j].sum(), x, create_graph=True)
        trace = trace + row[:, j]
    return (s.square().sum(dim=1) / 2 + trace).mean()


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(n: int, d: int) -> tuple:
        x = 0.9 * torch.randn(n, d, generator=generator, dtype=torch.float64) + 0.2
        return Field(d, dtype), x.to(dtype)

    return [case(1, 2), case(3, 2), case(2, 3), case(4, 1), case(5, 4), case(3, 3)]


NO_GRAPH = (
    "the trace has the right value and trains nothing: autograd.grad needs create_graph=True, "
    "and no `.detach()` or `.item()` after it"
)


NO_NORM = "½‖s‖² has the right value and trains nothing: no `.detach()`, `.data` or `.item()` on s"


def _half_norm(score, x):
    return score(x).square().sum(1).mean() / 2


def _trains(fn, generator):
    """both terms train the network"""
    mine = gradients(fn, points())
    if same(mine, gradients(_half_norm, points())):
        raise Fail(NO_GRAPH)
    if same(mine, gradients(_detached_norm, points())):
        raise Fail(NO_NORM)
    require_training(mine, gradients(implicit_loss, points()))


# ------------------------------------------------------------------------ wrong answers


def _parts(score, x):
    """s (n, d) and its Jacobians (n, d, d), the output first."""
    x = x.detach().requires_grad_()
    s = score(x)
    rows = [torch.autograd.grad(part.sum(), x, create_graph=True)[0] for part in s.unbind(1)]
    return s, torch.stack(rows, dim=1)


def _of(loss):
    """A wrong loss of s and its Jacobians."""
    return lambda score, x: loss(*_parts(score, x))


def _norm(s):
    return s.square().sum(1) / 2


def _trace(jacobians):
    return jacobians.diagonal(dim1=1, dim2=2).sum(1)


def _no_graph(score, x):
    s, jacobians = _parts(score, x)
    return (_norm(s) + _trace(jacobians.detach())).mean()


def _detached_norm(score, x):
    s, jacobians = _parts(score, x)
    return (_norm(s.detach()) + _trace(jacobians)).mean()


def _asked_too_late(score, x):
    s = score(x)
    x = x.detach().requires_grad_()
    return torch.autograd.grad(s.sum(), x)[0].sum()


def _freed(score, x):
    x = x.detach().requires_grad_()
    s = score(x)
    rows = [torch.autograd.grad(s[:, j].sum(), x)[0][:, j] for j in range(x.shape[1])]
    return (_norm(s) + sum(rows)).mean()


MISTAKES = (
    Mistake(
        "no half",
        _of(lambda s, J: (2 * _norm(s) + _trace(J)).mean()),
        "the factor 1/2 of ‖s‖² is missing: with it the least loss is where s is the score",
    ),
    Mistake(
        "half of both",
        _of(lambda s, J: (_norm(s) + _trace(J) / 2).mean()),
        "the trace is halved too: only ‖s‖² has the factor 1/2",
    ),
    Mistake(
        "sign of the trace",
        _of(lambda s, J: (_norm(s) - _trace(J)).mean()),
        "the trace is subtracted: partial integration gives it a plus here",
    ),
    Mistake(
        "sign",
        _of(lambda s, J: -(_norm(s) + _trace(J)).mean()),
        "this is the negative of the loss: a loss is minimised",
    ),
    Mistake(
        "no trace",
        _of(lambda s, J: _norm(s).mean()),
        "the trace is missing: ‖s‖² alone is least where s is 0",
    ),
    Mistake(
        "trace alone",
        _of(lambda s, J: _trace(J).mean()),
        "½‖s‖² is missing: the trace alone has no least value",
    ),
    Mistake(
        "all entries",
        _of(lambda s, J: (_norm(s) + J.sum((1, 2))).mean()),
        "all entries of the Jacobian are summed: the trace is its diagonal, ∂s_j/∂x_j",
    ),
    Mistake(
        "first entry",
        _of(lambda s, J: (_norm(s) + J[:, 0, 0]).mean()),
        "only ∂s_1/∂x_1 is there: the trace is the sum over all j",
    ),
    Mistake(
        "last entry",
        _of(lambda s, J: (_norm(s) + J[:, -1, -1]).mean()),
        "only the last ∂s_j/∂x_j is kept: add them up over j",
    ),
    Mistake(
        "mean of the diagonal",
        _of(lambda s, J: (_norm(s) + _trace(J) / s.shape[1]).mean()),
        "the diagonal is averaged: a trace is a sum",
    ),
    Mistake(
        "mean over coordinates",
        _of(lambda s, J: (s.square().mean(1) / 2 + _trace(J)).mean()),
        "s² is averaged over the coordinates: ‖s‖² is a sum",
    ),
    Mistake(
        "mean of all squares",
        _of(lambda s, J: s.square().mean() + _trace(J).mean()),
        "s² is averaged over points and coordinates: that is right for d = 2 only, ½‖s‖² sums",
    ),
    Mistake(
        "both averaged",
        _of(lambda s, J: ((_norm(s) + _trace(J)) / s.shape[1]).mean()),
        "both terms are averaged over the coordinates: the norm and the trace are sums",
    ),
    Mistake(
        "norm not squared",
        _of(lambda s, J: (s.norm(dim=1) / 2 + _trace(J)).mean()),
        "the norm of s is not squared",
    ),
    Mistake(
        "squared trace",
        _of(lambda s, J: (_norm(s) + _trace(J).square()).mean()),
        "the trace is squared: it may be negative, and should be",
    ),
    Mistake(
        "trace in size",
        _of(lambda s, J: (_norm(s) + _trace(J).abs()).mean()),
        "the trace's size is taken: where p has a mode it must count as negative",
    ),
    Mistake(
        "norm of the Jacobian",
        _of(lambda s, J: (_norm(s) + J.square().sum((1, 2))).mean()),
        "this is the squared norm of the Jacobian, a penalty on slopes: the trace is asked for",
    ),
    Mistake(
        "determinant",
        _of(lambda s, J: (_norm(s) + torch.linalg.det(J)).mean()),
        "this is the Jacobian's determinant: its trace is asked for",
    ),
    Mistake(
        "of the mean",
        _of(lambda s, J: (_norm(s) + _trace(J) / len(s)).mean()),
        "the trace is divided by n once more: take the gradient of a sum over the data",
    ),
    Mistake(
        "sum",
        _of(lambda s, J: (_norm(s) + _trace(J)).sum()),
        "the loss is summed over the data: their mean is asked for",
    ),
    Mistake(
        "point by point",
        _of(lambda s, J: _norm(s) + _trace(J)),
        "one number for each point is left: average them",
    ),
    Mistake(
        "graph freed",
        _freed,
        "the graph is freed by the first autograd.grad: create_graph=True keeps it",
        raises("second time"),
    ),
    Mistake(
        "asks for no gradient",
        lambda score, x: torch.autograd.grad(score(x).sum(), x)[0].sum(),
        "x does not ask for gradients: .detach().requires_grad_() before the network sees it",
        raises("not require grad"),
    ),
    Mistake("no graph", _no_graph, NO_GRAPH),
    Mistake("detached norm", _detached_norm, NO_NORM),
    Mistake(
        "detached",
        lambda score, x: implicit_loss(score, x).detach(),
        "no gradient of the loss reaches the network: no `.detach()`, `.item()`",
    ),
    Mistake(
        "squared entries",
        _of(lambda s, J: (_norm(s) + J.diagonal(dim1=1, dim2=2).square().sum(1)).mean()),
        "the entries ∂s_j/∂x_j are squared: the trace adds them up as they are, with their signs",
    ),
    Mistake(
        "asked too late",
        _asked_too_late,
        "s was made before x asked for gradients: first x.detach().requires_grad_(), then score(x)",
        raises("to not have been used in the graph"),
    ),
    Mistake(
        "first column",
        _of(lambda s, J: (_norm(s) + J[:, :, 0].sum(1)).mean()),
        "the first column is taken each time, ∂s_j/∂x_1: of the gradient of s_j take column j",
    ),
)

Exercise(
    implicit_loss,
    title="Implicit score matching",
    minutes=12,
    difficulty=3,
    returns="(), one number",
    cases=_cases,
    properties=[_trains],
    mistakes=MISTAKES,
    accepts=ANSWERS,
    hints=(
        "The trace is Σ_j ∂s_j/∂x_j: one backward pass for each coordinate j, from s[:, j] to x, "
        "of which the column j is kept.",
        "torch.autograd.grad(s[:, j].sum(), x, create_graph=True) has ∂s_j/∂x for every point, as "
        "no point's s depends on another's x; x must require gradients.",
        "½‖s‖² sums over the coordinates, dim=1; add the trace, and average over the points.",
    ),
)
