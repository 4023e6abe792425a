"""The generator's loss against the discriminator of some steps later."""

from collections.abc import Callable

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Fail
from dgm_lib.exercises.taming.stand_ins import game
from dgm_lib.exercises.taming.unrolled_mistakes import MISTAKES, WRITES_GRADIENTS, WRITES_PHI


def unrolled_loss(
    discriminator_loss: Callable,
    generator_loss: Callable,
    phi: dict[str, Tensor],
    steps: int,
    rate: float,
) -> Tensor:
    """generator_loss(phi) after some steps phi ← phi − rate · ∇discriminator_loss(phi) -> ().

    The generator's gradient flows through the steps as well: they keep their graph.
    phi: the discriminator's parameters by name, such as dict(D.named_parameters()), which
    stay as they are; each loss takes such a dict and returns (). Metz et al. (2017).
    """
    for _ in range(steps):
        gradients = torch.autograd.grad(discriminator_loss(phi), phi.values(), create_graph=True)
        phi = {name: phi[name] - rate * slope for name, slope in zip(phi, gradients)}
    return generator_loss(phi)


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(k: int, steps: int, rate: float) -> tuple:
        loss_d, loss_g, phi, _ = game(dtype, k)
        return loss_d, loss_g, phi, steps, rate

    return [case(2, 2, 0.3), case(2, 1, 0.2), case(3, 5, 0.1), case(3, 3, 0.4), case(2, 0, 0.5)]


# ------------------------------------------------------------------------ what is asked


def _trains(fn, generator):
    """the generator's gradient, through the steps"""
    for steps in (1, 3):
        mine, right = _gradient(fn, steps), _gradient(unrolled_loss, steps)
        if not mine.any():
            raise Fail(
                "no gradient of the loss reaches the generator: a `.detach()`, `.item()` or "
                "`no_grad()` cuts it off"
            )
        if not torch.allclose(mine, right, rtol=1e-6):
            yours, expected = ([round(v, 4) for v in g.tolist()] for g in (mine, right))
            raise Fail(
                f"the value is right, but after {steps} step{'s' * (steps > 1)} the gradient in "
                f"the generator's parameters is {yours}, expected {expected}"
            )


def _gradient(fn, steps: int) -> Tensor:
    loss_d, loss_g, phi, theta = game(torch.float64, 3)
    loss = fn(loss_d, loss_g, phi, steps, 0.3)
    if not loss.requires_grad:
        return torch.zeros_like(theta)
    (found,) = torch.autograd.grad(loss, theta, allow_unused=True, materialize_grads=True)
    return found


def _leaves_phi_alone(fn, generator):
    """phi stays as it is"""
    loss_d, loss_g, phi, theta = game(torch.float64, 3)
    kept, before = dict(phi), {name: tensor.detach().clone() for name, tensor in phi.items()}
    fn(loss_d, loss_g, phi, 2, 0.3)
    same = [phi[name] is kept[name] and torch.equal(kept[name], before[name]) for name in before]
    if not all(same):
        raise Fail(WRITES_PHI)
    if any(tensor.grad is not None for tensor in [theta, *phi.values()]):
        raise Fail(WRITES_GRADIENTS)


# ------------------------------------------------------------------------ right answers


def _recursion(discriminator_loss, generator_loss, phi, steps, rate):
    if steps == 0:
        return generator_loss(phi)
    loss = discriminator_loss(phi)
    slopes = torch.autograd.grad(loss, list(phi.values()), create_graph=True)
    later = {name: p - rate * slope for (name, p), slope in zip(phi.items(), slopes)}
    return _recursion(discriminator_loss, generator_loss, later, steps - 1, rate)


def _functional(discriminator_loss, generator_loss, phi, steps, rate):
    for _ in range(steps):
        slopes = torch.func.grad(discriminator_loss)(phi)
        phi = {name: phi[name] - rate * slopes[name] for name in phi}
    return generator_loss(phi)


def _copy_in_place(discriminator_loss, generator_loss, phi, steps, rate):
    later = dict(phi)
    for _ in range(steps):
        names = list(later)
        slopes = torch.autograd.grad(
            -discriminator_loss(later), [later[name] for name in names], create_graph=True
        )
        for name, slope in zip(names, slopes):
            later[name] = later[name] + rate * slope
    return generator_loss(later)


def _lists(discriminator_loss, generator_loss, phi, steps, rate):
    names, values = tuple(phi), tuple(phi.values())
    for _ in range(steps):
        loss = discriminator_loss(dict(zip(names, values)))
        slopes = torch.autograd.grad(loss, values, create_graph=True)
        values = tuple(torch.sub(value, slope, alpha=rate) for value, slope in zip(values, slopes))
    return generator_loss(dict(zip(names, values)))


Exercise(
    unrolled_loss,
    title="Looking some steps ahead",
    minutes=15,
    difficulty=3,
    returns="(), one number",
    cases=_cases,
    properties=[_trains, _leaves_phi_alone],
    mistakes=MISTAKES,
    accepts=[_recursion, _functional, _copy_in_place, _lists],
    hints=(
        "It is gradient descent on phi, in new tensors: a loop over range(steps), with "
        "torch.autograd.grad(discriminator_loss(phi), phi.values()) in it.",
        "The generator is to know how D will answer its moves: the gradients keep their graph, "
        "create_graph=True, and nothing is detached.",
        "New parameters are a new dict, {name: phi[name] - rate * slope ...}: phi itself belongs "
        "to the discriminator. At the end, generator_loss(phi).",
    ),
)
