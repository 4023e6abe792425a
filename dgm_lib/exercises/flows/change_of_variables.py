"""The density of a transformed variable, in one dimension."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Fail
from dgm_lib.exercises.flows.change_of_variables_mistakes import MISTAKES, WRITES_GRADIENTS
from dgm_lib.exercises.flows.stand_ins import Named


def change_of_variables(x: Tensor, f: Callable, base_log_prob: Callable) -> Tensor:
    """log q(x) = log p(f(x)) + log |f'(x)| for an elementwise map z = f(x), x (*batch,)."""
    x = x if x.requires_grad else x.detach().requires_grad_()
    z = f(x)
    (slope,) = torch.autograd.grad(z.sum(), x, create_graph=True)
    return base_log_prob(z) + slope.abs().log()


def _normal_log_prob(z):
    return -0.5 * ((z - 0.3) / 1.2) ** 2 - math.log(1.2 * math.sqrt(2 * math.pi))


NORMAL = Named("log N(z; 0.3, 1.2²)", _normal_log_prob)
GUMBEL = Named("−z − exp(−z)", lambda z: -z - torch.exp(-z))
UNIFORM = Named("0 on (0, 1)", torch.zeros_like)


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def draw(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)

    return [
        (torch.tensor(0.7, dtype=dtype), Named("x + x³", lambda x: x + x**3), NORMAL),
        (draw(3), Named("3 − 2x", lambda x: 3 - 2 * x), NORMAL),
        (draw(5), Named("−sinh x", lambda x: -torch.sinh(x)), GUMBEL),
        (draw(2, 3), Named("(1 + tanh x)/2", lambda x: (1 + torch.tanh(x)) / 2), UNIFORM),
        (70 + draw(4), Named("x³/5000", lambda x: x**3 / 5000), NORMAL),
        (draw(2, 3, 4).exp(), Named("−2 ln x", lambda x: -2 * torch.log(x)), GUMBEL),
    ]


def _gradient_in_the_map(fn):
    """Gradients of a random combination of log densities in the two parameters of a map."""
    x = torch.tensor([-1.1, 0.2, 0.7, 1.6], dtype=torch.float64)
    theta = torch.tensor([0.8, -0.3], dtype=torch.float64, requires_grad=True)
    out = fn(x, lambda x: theta[0] * torch.sinh(x) + theta[1] + x**3 / 3, _normal_log_prob)
    weights = torch.tensor([0.9, -0.4, 1.3, 0.6], dtype=torch.float64)
    return torch.autograd.grad((weights * out).sum(), theta)[0]


def _trains_the_map(fn, generator):
    """gradients in the parameters of f"""
    try:
        gradient = _gradient_in_the_map(fn)
    except RuntimeError as error:
        if "does not require grad" in str(error) or "not have been used" in str(error):
            raise Fail("no gradient reaches the parameters of f: it cannot be trained") from None
        raise
    if not torch.allclose(gradient, _gradient_in_the_map(change_of_variables)):
        raise Fail(
            "the values are right, but the gradient in the parameters of f is not: "
            "f'(x) depends on them too"
        )


def _leaves_gradients_alone(fn, generator):
    """writes into no .grad"""
    theta = torch.tensor(0.8, requires_grad=True)
    fn(torch.tensor([0.2, 0.7]), lambda x: theta * torch.sinh(x), _normal_log_prob)
    if theta.grad is not None:
        raise Fail(WRITES_GRADIENTS)


# ------------------------------------------------------------------------ right answers


def _requires_grad_always(x, f, base):
    x.requires_grad_(True)
    z = f(x)
    slope = torch.autograd.grad(z, x, grad_outputs=torch.ones_like(z), create_graph=True)[0]
    return base(z) + torch.log(torch.abs(slope))


def _forward_mode(x, f, base):
    z, slope = torch.func.jvp(f, (x,), (torch.ones_like(x),))
    return base(z) + torch.log(slope.abs())


def _point_by_point(x, f, base):
    slope = torch.func.vmap(torch.func.grad(f))(x.reshape(-1)).reshape(x.shape)
    return base(f(x)) + 0.5 * slope.square().log()


def _diagonal_of_the_jacobian(x, f, base):
    flat = x.flatten()
    jacobian = torch.autograd.functional.jacobian(f, flat, create_graph=True)
    return base(f(x)) + jacobian.diagonal().abs().log().view_as(x)


def _from_the_inverse(x, f, base):
    x = x.clone().requires_grad_()
    slope = torch.autograd.grad(f(x).sum(), x, create_graph=True)[0]
    return base(f(x)) - torch.log(1 / torch.where(slope < 0, -slope, slope))


Exercise(
    change_of_variables,
    title="Change of variables",
    minutes=8,
    difficulty=1,
    returns="(*batch,), one log density for each x",
    cases=_cases,
    properties=[_trains_the_map, _leaves_gradients_alone],
    grad_wrt=("x",),
    mistakes=MISTAKES,
    accepts=[
        _requires_grad_always,
        _forward_mode,
        _point_by_point,
        _diagonal_of_the_jacobian,
        _from_the_inverse,
    ],
    hints=(
        "The mass near x and the mass near z = f(x) are the same: q(x) |dx| = p(z) |dz|.",
        "In logs: log q(x) = log p(f(x)) + log |f'(x)|. The absolute value serves decreasing f.",
        "f acts on each number alone, so torch.autograd.grad(f(x).sum(), x) holds every f'(x); "
        "x must ask for gradients first.",
        "create_graph=True lets gradients flow through f'(x): without it, f cannot be trained.",
    ),
)
