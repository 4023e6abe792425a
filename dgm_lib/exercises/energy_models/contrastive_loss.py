"""Contrastive divergence: a loss whose gradient is that of the likelihood, without its Z."""

from collections.abc import Callable

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Fail
from dgm_lib.exercises.energy_models.contrastive_loss_mistakes import MISTAKES
from dgm_lib.exercises.energy_models.contrastive_loss_mistakes.training import (
    WRITES_GRADIENTS,
)
from dgm_lib.exercises.energy_models.contrastive_setting import data, drawn, gradients
from dgm_lib.exercises.energy_models.stand_ins import Model


def contrastive_loss(model, x: Tensor, negatives: Tensor) -> Tensor:
    """mean E(x) − mean E(x⁻) over data x (*batch, d) and samples of the model x⁻ -> ().

    Its gradient in the model's parameters is that of −mean log p(x); none flows into x⁻.
    model: has .energy(x), (*batch, d) -> (*batch,). negatives: x⁻ (*others, d).
    """
    return model.energy(x).mean() - model.energy(negatives.detach()).mean()


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(batch, others, d, far=0.0):
        x, negatives = (
            torch.randn(*shape, d, generator=generator, dtype=torch.float64)
            for shape in (batch, others)
        )
        return (
            Model(d, dtype),
            (0.8 * x + 0.5 + far).to(dtype),
            (1.4 * negatives - 0.3 - 0.7 * far).to(dtype),
        )

    return [
        case((3,), (2,), 2),
        case((3,), (5,), 3),
        case((6,), (4,), 1),
        case((2, 5), (3, 4), 4),
        case((4,), (4,), 2),
        case((5,), (7,), 2, far=80.0),
    ]


def _trains(fn, generator):
    """gradients in the model's parameters"""
    mine, right = gradients(fn), gradients(contrastive_loss)
    if not any(gradient.any() for gradient in mine):
        raise Fail(
            "no gradient reaches the model's parameters: a `.detach()`, `.item()` or `no_grad()` "
            "cuts the graph"
        )
    if not all(map(torch.allclose, mine, right)):
        raise Fail("the value is right, but the gradients in the model's parameters are not")


def _stops_at_the_samples(fn, generator):
    """no gradient flows into the negatives"""
    model = Model(3, torch.float64)
    negatives = drawn(model).detach().requires_grad_()
    fn(model, data(), negatives).backward()
    if negatives.grad is not None and negatives.grad.any():
        raise Fail("a gradient flows into the negatives: `negatives.detach()` stops it")


def _leaves_gradients_alone(fn, generator):
    """writes into no .grad"""
    model = Model(3, torch.float64)
    fn(model, data(), drawn(model).detach())
    if any(parameter.grad is not None for parameter in model.parameters()):
        raise Fail(WRITES_GRADIENTS)


def _keeps_the_model_trainable(fn, generator):
    """leaves the parameters trainable"""
    model = Model(3, torch.float64)
    fn(model, data(), drawn(model).detach())
    if not all(parameter.requires_grad for parameter in model.parameters()):
        raise Fail(
            "your function turns off requires_grad of the model's parameters: they stay frozen"
        )


# ------------------------------------------------------------------------ right answers


def _two_lines(model, x, negatives):
    positive, negative = model.energy(x), model.energy(negatives.detach())
    return positive.mean() - negative.mean()


def _sums(model, x, negatives):
    x, negatives = x.flatten(0, -2), negatives.clone().detach().flatten(0, -2)
    down, up = model.energy(x).sum() / len(x), model.energy(negatives).sum() / len(negatives)
    return torch.sub(down, up)


def _together(model, x, negatives):
    x, negatives = x.reshape(-1, x.shape[-1]), negatives.data.reshape(-1, x.shape[-1])
    energies = model.energy(torch.cat([x, negatives]))
    positive, negative = energies.tensor_split([len(x)])
    return -(torch.mean(negative) - torch.mean(positive))


def _no_grad_copy(model, x, negatives):
    with torch.no_grad():
        negatives = negatives + 0.0
    return torch.mean(model.energy(x)) + torch.mean(-model.energy(negatives))


def _point_by_point(model, x, negatives):
    def mean_energy(points: Tensor, energy: Callable = model.energy) -> Tensor:
        energies = [energy(point) for point in points.reshape(-1, points.shape[-1])]
        return torch.stack(energies).mean()

    return mean_energy(x) - mean_energy(negatives.detach())


Exercise(
    contrastive_loss,
    title="The contrastive loss",
    minutes=6,
    difficulty=1,
    returns="(), one number",
    cases=_cases,
    properties=[
        _trains,
        _stops_at_the_samples,
        _leaves_gradients_alone,
        _keeps_the_model_trainable,
    ],
    mistakes=MISTAKES,
    accepts=[_two_lines, _sums, _together, _no_grad_copy, _point_by_point],
    hints=(
        "−mean log p(x) = mean E(x) + log Z. The gradient of log Z is −E_p ∇E: the mean over "
        "samples of the model stands for it.",
        "So data are pulled down and samples pushed up: mean E(x) − mean E(x⁻). Its value says "
        "little, its gradient is what counts.",
        "The samples were made by the model, but the gradient of log Z takes them as fixed: "
        "negatives.detach().",
    ),
)
