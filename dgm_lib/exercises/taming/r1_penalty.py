"""R1: the discriminator pays for its slope at the data."""

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Fail
from dgm_lib.exercises.engine.games import Discriminator
from dgm_lib.exercises.taming.r1_mistakes import MISTAKES, WRITES_GRADIENTS


def r1_penalty(discriminator, x: Tensor, gamma: float) -> Tensor:
    """gamma/2 · mean ‖∇D(x)‖² over data x (n, d), where D is the logit -> ().

    The gradient in x is part of the loss: it keeps its own graph, so that the penalty trains D.
    discriminator(x): (n, d) -> logits (n,). Mescheder, Geiger & Nowozin (2018).
    """
    x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
    return gamma / 2 * gradient.square().sum(dim=1).mean()


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(n: int, d: int, gamma: float) -> tuple:
        x = 0.7 * torch.randn(n, d, generator=generator, dtype=torch.float64) + 0.2
        return Discriminator(d, dtype), x.to(dtype), gamma

    return [case(2, 3, 0.7), case(5, 2, 10.0), case(3, 4, 0.1), case(4, 1, 2.5), case(1, 7, 3.0)]


def _data() -> Tensor:
    return torch.tensor([[0.3, -1.1], [1.4, 0.2], [-0.7, 0.9]], dtype=torch.float64)


def gradients(fn) -> list[Tensor]:
    """Gradients of the penalty in the discriminator's parameters, zeros where none arrives."""
    discriminator = Discriminator(2, torch.float64)
    penalty, leaves = fn(discriminator, _data(), 3.0), list(discriminator.parameters())
    if not penalty.requires_grad:
        return [torch.zeros_like(leaf) for leaf in leaves]
    options = {"allow_unused": True, "materialize_grads": True}
    return list(torch.autograd.grad(penalty, leaves, **options))


def _trains(fn, generator):
    """gradients in the discriminator's parameters"""
    mine, right = gradients(fn), gradients(r1_penalty)
    if not any(gradient.any() for gradient in mine):
        raise Fail(
            "no gradient of the penalty reaches the discriminator: autograd.grad needs "
            "create_graph=True, and no `.detach()` or `.item()` after it"
        )
    if not all(map(torch.allclose, mine, right)):
        raise Fail(
            "the value is right, but the gradients in the discriminator's parameters are not"
        )


def _leaves_the_discriminator_alone(fn, generator):
    """leaves the discriminator as it is"""
    discriminator = Discriminator(2, torch.float64)
    fn(discriminator, _data(), 3.0)
    if any(parameter.grad is not None for parameter in discriminator.parameters()):
        raise Fail(WRITES_GRADIENTS)
    if not all(parameter.requires_grad for parameter in discriminator.parameters()):
        raise Fail("your function turns off requires_grad of the discriminator: it stays frozen")


def _of_a_generator_too(fn, generator):
    """points that hang on a graph, as fakes do"""
    discriminator = Discriminator(2, torch.float64)
    x = _data().requires_grad_()
    if not torch.isclose(fn(discriminator, 2 * x, 3.0), r1_penalty(discriminator, 2 * x, 3.0)):
        raise Fail("the penalty differs where x hangs on a graph: the gradient is in x itself")


# ------------------------------------------------------------------------ right answers


def _ones(discriminator, x, gamma):
    x = x.clone().detach().requires_grad_(True)
    logits = discriminator(x)
    gradient = torch.autograd.grad(logits, x, torch.ones_like(logits), create_graph=True)[0]
    return 0.5 * gamma * (gradient**2).sum(1).mean()


def _norms(discriminator, x, gamma):
    x = x.requires_grad_()
    (gradient,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
    return gamma * gradient.flatten(1).norm(dim=1).pow(2).mean() / 2


def _whole_batch(discriminator, x, gamma):
    x = x.detach().requires_grad_()
    gradient = torch.autograd.grad(discriminator(x).sum(), inputs=x, create_graph=True)[0]
    return gamma * gradient.pow(2).sum() / (2 * len(x))


def _functional(discriminator, x, gamma):
    slope = torch.func.vmap(torch.func.grad(lambda point: discriminator(point)))
    return (gamma / 2) * slope(x).square().sum(-1).mean()


def _point_by_point(discriminator, x, gamma):
    total = 0.0
    for point in x:
        point = point.detach()[None].requires_grad_()
        (slope,) = torch.autograd.grad(discriminator(point).sum(), point, create_graph=True)
        total = total + (slope * slope).sum()
    return gamma * total / (2 * x.shape[0])


Exercise(
    r1_penalty,
    title="The R1 penalty",
    minutes=10,
    difficulty=2,
    returns="(), one number",
    cases=_cases,
    properties=[_trains, _leaves_the_discriminator_alone, _of_a_generator_too],
    mistakes=MISTAKES,
    accepts=[_ones, _norms, _whole_batch, _functional, _point_by_point],
    hints=(
        "torch.autograd.grad(discriminator(x).sum(), x) has the gradient at every point: each "
        "logit depends on its own row of x alone, so the sum mixes nothing. x must ask for "
        "gradients: x.detach().requires_grad_().",
        "The penalty is trained by a gradient of this gradient: create_graph=True.",
        "Squares summed over the coordinates, dim=1, then the mean over the data, then gamma/2.",
    ),
)
