"""The gradient penalty: on the lines between data and fakes the critic's slope is to be 1."""

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Fail
from dgm_lib.exercises.engine.games import Critic
from dgm_lib.exercises.wasserstein.penalty_mistakes import MISTAKES, WRITES_GRADIENTS


def gradient_penalty(critic, x_real: Tensor, x_fake: Tensor, epsilon: Tensor) -> Tensor:
    """mean (‖∇f(x̂)‖ − 1)² at x̂ = epsilon · x_real + (1 − epsilon) · x_fake, without weight -> ().

    The gradient in x̂ is part of the loss: it keeps its own graph, so that the penalty trains the
    critic; none flows into the fakes. x_real, x_fake (n, d), epsilon (n, 1), one for each pair;
    critic(x): (n, d) -> scores (n,). Gulrajani et al. (2017).
    """
    x = (epsilon * x_real + (1 - epsilon) * x_fake).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return (gradient.norm(dim=1) - 1).square().mean()


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(n: int, d: int, scale: float) -> tuple:
        x_real, x_fake = torch.randn(2, n, d, generator=generator, dtype=torch.float64)
        epsilon = 0.15 + 0.8 * torch.rand(n, 1, generator=generator, dtype=torch.float64)
        points = 0.6 * x_real + 0.5, 0.8 * x_fake - 0.4, epsilon
        return Critic(d, dtype, scale), *(a.to(dtype) for a in points)

    return [case(2, 2, 2.0), case(3, 4, 1.5), case(5, 2, 1.0), case(4, 1, 0.8), case(4, 3, 0.4)]


def _points() -> list[Tensor]:
    """Data, fakes and epsilon."""
    values = [[[0.3, -1.1], [1.4, 0.2], [-0.7, 0.9]], [[1.2, -0.6], [-1.5, 0.7], [0.4, 2.0]]]
    return [
        *torch.tensor(values, dtype=torch.float64),
        torch.tensor([[0.2], [0.7], [0.45]]).double(),
    ]


def gradients(fn) -> list[Tensor]:
    """Gradients of the penalty in the critic's parameters, zeros where none arrives."""
    critic = Critic(2, torch.float64, scale=1.5)
    penalty, leaves = fn(critic, *_points()), list(critic.parameters())
    if not penalty.requires_grad:
        return [torch.zeros_like(leaf) for leaf in leaves]
    options = {"allow_unused": True, "materialize_grads": True}
    return list(torch.autograd.grad(penalty, leaves, **options))


def _trains(fn, generator):
    """gradients in the critic's parameters"""
    mine, right = gradients(fn), gradients(gradient_penalty)
    if not any(gradient.any() for gradient in mine):
        raise Fail(
            "no gradient of the penalty reaches the critic: autograd.grad needs "
            "create_graph=True, and no `.detach()` or `.item()` after it"
        )
    if not all(map(torch.allclose, mine, right)):
        raise Fail("the value is right, but the gradients in the critic's parameters are not")


def _stops_at_the_fakes(fn, generator):
    """no gradient flows into the fakes"""
    x_real, x_fake, epsilon = _points()
    x_fake.requires_grad_()
    penalty = fn(Critic(2, torch.float64), x_real, 2 * x_fake - 1, epsilon)
    (found,) = torch.autograd.grad(penalty, x_fake, allow_unused=True, materialize_grads=True)
    if found.any():
        raise Fail("a gradient of the penalty flows through the fakes into G: detach the points x̂")


def _leaves_the_critic_alone(fn, generator):
    """leaves the critic as it is"""
    critic = Critic(2, torch.float64)
    fn(critic, *_points())
    if any(parameter.grad is not None for parameter in critic.parameters()):
        raise Fail(WRITES_GRADIENTS)
    if not all(parameter.requires_grad for parameter in critic.parameters()):
        raise Fail("your function turns off requires_grad of the critic: it stays frozen")


# ------------------------------------------------------------------------ right answers


def _ones(critic, x_real, x_fake, epsilon):
    x = torch.lerp(x_fake.detach(), x_real, epsilon).requires_grad_(True)
    scores = critic(x)
    gradient = torch.autograd.grad(scores, x, torch.ones_like(scores), create_graph=True)[0]
    return ((gradient.norm(2, dim=1) - 1) ** 2).mean()


def _no_grad(critic, x_real, x_fake, epsilon):
    with torch.no_grad():
        x = x_fake + epsilon * (x_real - x_fake)
    x.requires_grad = True
    (gradient,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    norm = gradient.square().sum(-1).sqrt()
    return (norm**2 - 2 * norm + 1).mean()


def _mse(critic, x_real, x_fake, epsilon):
    x = (epsilon * x_real + (1 - epsilon) * x_fake).data.requires_grad_()
    gradient = torch.autograd.grad(critic(x).sum(), [x], create_graph=True)[0]
    norms = torch.linalg.vector_norm(gradient.flatten(1), dim=1)
    return torch.nn.functional.mse_loss(norms, torch.ones_like(norms))


def _functional(critic, x_real, x_fake, epsilon):
    x = x_real.detach() * epsilon + x_fake.detach() * (1 - epsilon)
    slopes = torch.func.vmap(torch.func.grad(lambda point: critic(point)))(x)
    return (1 - slopes.norm(dim=-1)).pow(2).mean()


def _point_by_point(critic, x_real, x_fake, epsilon):
    costs = []
    for real, fake, share in zip(x_real, x_fake.detach(), epsilon):
        point = (share * real + (1 - share) * fake)[None].requires_grad_()
        (slope,) = torch.autograd.grad(critic(point).sum(), point, create_graph=True)
        costs.append((slope.norm() - 1) ** 2)
    return torch.stack(costs).mean()


Exercise(
    gradient_penalty,
    title="The gradient penalty",
    minutes=12,
    difficulty=3,
    returns="(), one number",
    cases=_cases,
    properties=[_trains, _stops_at_the_fakes, _leaves_the_critic_alone],
    mistakes=MISTAKES,
    accepts=[_ones, _no_grad, _mse, _functional, _point_by_point],
    hints=(
        "First the points: x̂ = epsilon · x_real + (1 − epsilon) · x_fake, one epsilon for each "
        "row. They are new leaves: .detach().requires_grad_().",
        "torch.autograd.grad(critic(x).sum(), x, create_graph=True) has the gradient at every "
        "point, and keeps its graph, so that the penalty itself can be differentiated.",
        "One Euclidean norm for each point, dim=1; minus 1, squared, and only then the mean.",
    ),
)
