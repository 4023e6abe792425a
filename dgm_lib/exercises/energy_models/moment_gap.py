"""How an exponential family learns: moments of the data against moments of the model."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from dgm_lib.exercises import Exercise, Fail, Tolerance
from dgm_lib.exercises.energy_models.moment_gap_mistakes import MISTAKES
from dgm_lib.exercises.energy_models.moment_gap_mistakes.data_means import (
    WRITES_GRADIENTS,
)
from dgm_lib.exercises.energy_models.stand_ins import BENT, POWERS, WAVES


def moment_gap(theta: Tensor, features: Callable, x: Tensor, points: Tensor) -> Tensor:
    """The gradient in theta of the mean log-likelihood of x under p(x) ∝ exp(theta · f(x)).

    It is mean f(x) − E_p f, with p on the mid-points of a regular grid, whose cells are all alike.
    theta: (k,). features: the function f, (n, d) -> (n, k). x: data (n, d). points: (m, d).
    """
    p = torch.softmax(features(points) @ theta, dim=0)
    return features(x).mean(dim=0) - p @ features(points)


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(theta, features, n, m, d, far=0.0):
        """The grid's points are those of any other law: only their number and place matter."""
        x, points = (
            torch.randn(count, d, generator=generator, dtype=torch.float64).to(dtype)
            for count in (n, m)
        )
        return torch.tensor(theta, dtype=dtype), features, 0.8 * x + 0.4, 1.7 * points + far

    return [
        case([0.7, -0.4], POWERS, 4, 5, 1),
        case([0.6, -0.3, -0.8, 0.5, 0.4], BENT, 6, 9, 2),
        case([1.1, -0.7, 0.2, 0.9, -1.4, 0.6], WAVES, 2, 7, 3),
        case([0.4, -0.2, 0.3, -0.5], POWERS, 30, 25, 2),
        case([-0.9, 0.8], POWERS, 5, 5, 1),
        case([2.0, -1.5], POWERS, 4, 6, 1, far=30.0),
        case([0.6, 1.2, 0.9, 0.4, -0.3], BENT, 4, 7, 2, far=30.0),
    ]


def _leaves_theta_alone(fn, generator):
    """theta may be a parameter, and its .grad is left alone"""
    theta, *rest = _cases(generator, torch.float64)[1]
    parameter, right = nn.Parameter(theta.clone()), moment_gap(theta, *rest)
    for call in ("first", "second"):
        gap = fn(parameter, *rest)
        if parameter.grad is not None:
            raise Fail(WRITES_GRADIENTS)
        if not torch.allclose(gap, right):
            raise Fail(f"where theta is a parameter of a model, the {call} call is wrong")


# ------------------------------------------------------------------------ right answers


def _log_likelihood(theta, features, x, points):
    log_z = torch.logsumexp(features(points) @ theta, dim=0)
    return (features(x) @ theta).mean() - log_z


def _by_autograd(theta, features, x, points):
    theta = theta.detach().clone().requires_grad_()
    return torch.autograd.grad(_log_likelihood(theta, features, x, points), theta)[0]


def _by_functional_grad(theta, features, x, points):
    return torch.func.grad(_log_likelihood)(theta, features, x, points)


def _subtracts_the_maximum(theta, features, x, points):
    f = features(points)
    log_p = (f * theta).sum(-1)
    weights = (log_p - log_p.max()).exp()
    model = (weights[:, None] * f).sum(0) / weights.sum()
    return features(x).mean(0) - model


def _with_a_volume(theta, features, x, points):
    f, volume = features(points), 0.01
    log_p = torch.einsum("nk,k->n", f, theta)
    log_p = log_p - (log_p.logsumexp(-1) + torch.tensor(volume, dtype=f.dtype).log())
    return -(torch.einsum("n,nk->k", log_p.exp() * volume, f) - features(x).sum(0) / len(x))


def _point_by_point(theta, features, x, points):
    log_p = torch.stack([theta.dot(features(point)) for point in points])
    p = torch.nn.functional.softmax(log_p, dim=-1)
    model = sum(weight * features(point) for weight, point in zip(p, points))
    return sum(features(point) for point in x) / x.shape[0] - model


def _centred(theta, features, x, points):
    differences = features(x).mean(0) - features(points)
    return ((features(points) @ theta).log_softmax(0).exp().unsqueeze(-1) * differences).sum(0)


def _as_a_distribution(theta, features, x, points):
    law = torch.distributions.Categorical(logits=features(points) @ theta)
    return features(x).mean(0) - features(points).T @ law.probs


Exercise(
    moment_gap,
    title="Data minus model: the gap between moments",
    minutes=10,
    difficulty=2,
    returns="(k,), one number per feature",
    cases=_cases,
    properties=[_leaves_theta_alone],
    tolerances={torch.float32: Tolerance(1e-3, 1e-4)},  # theta·f of 1000 leaves four digits to exp
    mistakes=MISTAKES,
    accepts=[
        _by_autograd,
        _by_functional_grad,
        _subtracts_the_maximum,
        _with_a_volume,
        _point_by_point,
        _centred,
        _as_a_distribution,
    ],
    hints=(
        "The mean log-likelihood is theta · mean f(x) − log Z(theta). Differentiate both terms: "
        "the first gives mean f(x).",
        "∇ log Z = (Σ f·exp(theta·f)) / (Σ exp(theta·f)), sums over the grid: the mean of f under "
        "the model. A cell's volume stands above and below the line, and cancels.",
        "The weights exp(theta·f) / Σ exp(theta·f) are a softmax over the points: "
        "torch.softmax(features(points) @ theta, dim=0) never overflows.",
        "With p (m,) and features(points) (m, k), p @ features(points) is E_p f.",
    ),
)
