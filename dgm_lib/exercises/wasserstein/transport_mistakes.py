"""Wrong costs of a transport plan."""

import torch

from dgm_lib.exercises import Mistake


def _of(cost):
    """A wrong cost, of the plan and the distances."""
    return lambda plan, x, y: cost(plan, torch.cdist(x, y))


def _is_a_matrix(fn, generator):
    plan = torch.full((2, 3), 1 / 6)
    return fn(plan, torch.randn(2, 2, generator=generator), torch.zeros(3, 2)).ndim == 2


MISTAKES = (
    Mistake(
        "squared distances",
        _of(lambda plan, distance: (plan * distance**2).sum()),
        "the distances are squared, which makes W₂²: the earth mover pays the distance itself",
    ),
    Mistake(
        "root of the squares",
        _of(lambda plan, distance: (plan * distance**2).sum().sqrt()),
        "this is W₂, the root of the mean square: the earth mover pays the distance itself",
    ),
    Mistake(
        "mean",
        _of(lambda plan, distance: (plan * distance).mean()),
        "you divide by n·m: the masses of the plan add up to 1 already, so sum",
    ),
    Mistake(
        "per point",
        _of(lambda plan, distance: (plan * distance).sum() / len(plan)),
        "you divide by n: the masses of the plan add up to 1 already, so sum",
    ),
    Mistake(
        "plan unused",
        _of(lambda plan, distance: distance.mean()),
        "the plan is not used: this is the mean distance, as if all mass went everywhere",
    ),
    Mistake(
        "all distances",
        _of(lambda plan, distance: distance.sum()),
        "the plan is not used: this is the sum of all distances",
    ),
    Mistake(
        "diagonal",
        _of(lambda plan, distance: (plan * distance).diagonal().sum()),
        "only x[i] to y[i] is counted: mass may go from every x to every y",
    ),
    Mistake(
        "nearest",
        _of(lambda plan, distance: (plan.sum(1) * distance.amin(1)).sum()),
        "each x goes to its nearest y for you: the plan says where it goes",
    ),
    Mistake(
        "independent",
        _of(lambda plan, distance: (plan.sum(1)[:, None] * plan.sum(0) * distance).sum()),
        "the plan is replaced by the product of its margins, which sends all mass everywhere",
    ),
    Mistake(
        "most likely journey",
        _of(lambda plan, distance: (distance.gather(1, plan.argmax(1)[:, None])).mean()),
        "only each x's largest entry is counted: all of the plan's masses move",
    ),
    Mistake(
        "costliest",
        _of(lambda plan, distance: (plan * distance).max()),
        "only the costliest journey is counted: sum over all",
    ),
    Mistake(
        "rows made conditional",
        _of(lambda plan, distance: (plan / plan.sum(1, keepdim=True) * distance).sum()),
        "the rows are made to add up to 1: the plan is a joint law, 1 in total",
    ),
    Mistake(
        "conditional mean",
        _of(lambda plan, distance: (plan / plan.sum(1, keepdim=True) * distance).sum(1).mean()),
        "every x counts alike: each counts by its mass, which is in the plan",
    ),
    Mistake(
        "not summed",
        _of(lambda plan, distance: plan * distance),
        "this is the cost of each journey: sum them",
        _is_a_matrix,
    ),
    Mistake(
        "by rows",
        _of(lambda plan, distance: (plan * distance).sum(1)),
        "this is the cost of each x: sum over x too",
    ),
    Mistake(
        "by columns",
        _of(lambda plan, distance: (plan * distance).sum(0)),
        "this is the cost of each y: sum over y too",
    ),
    Mistake(
        "matrix product",
        _of(lambda plan, distance: (plan @ distance.T).sum()),
        "a matrix product mixes the journeys: multiply entry by entry, `*`",
    ),
    Mistake(
        "city block",
        lambda plan, x, y: (plan * torch.cdist(x, y, p=1)).sum(),
        "the coordinates' absolute differences are added: take the Euclidean distance",
    ),
    Mistake(
        "largest coordinate",
        lambda plan, x, y: (plan * torch.cdist(x, y, p=torch.inf)).sum(),
        "only the largest coordinate counts for you: take the Euclidean distance",
    ),
    Mistake(
        "signed",
        lambda plan, x, y: (plan * (x[:, None] - y).sum(-1)).sum(),
        "the differences are signed, so ways there and back cancel: take distances",
    ),
    Mistake(
        "means",
        lambda plan, x, y: (plan.sum(1) @ x - plan.sum(0) @ y).norm(),
        "this is the distance of the means: take the mean of the distances",
    ),
    Mistake(
        "entropy",
        _of(lambda plan, distance: (plan * distance).sum() + (plan * plan.log()).nansum()),
        "the plan's entropy is taken off: that is Sinkhorn's problem, here the bare cost",
    ),
    Mistake(
        "number of journeys",
        _of(lambda plan, distance: ((plan > 0) * distance).sum()),
        "each journey counts alike: it counts by its mass",
    ),
    Mistake(
        "squared masses",
        _of(lambda plan, distance: (plan**2 * distance).sum()),
        "the masses are squared: each counts once",
    ),
)
