"""Numbers of an answer where the cases of its exercise say too little: classes, steps, surrogates.

Every right answer gives the same ones. Each play imports its lecture only when it is played.
"""

import itertools
from collections.abc import Callable

import torch
from torch import Tensor

Play = Callable[[Callable], list[Tensor]]


def of(exercise: str, answer: Callable) -> list[Tensor]:
    """The numbers of an answer that its cases do not give; none for most exercises."""
    return PLAYS[exercise](answer) if exercise in PLAYS else []


def _coupling(cls: Callable) -> list[Tensor]:
    """What both directions of the layer return on the examples."""
    from dgm_lib.exercises.flows.stand_ins import coupling_examples

    told: list[Tensor] = []
    for net, mask, x in coupling_examples(torch.Generator().manual_seed(99)):
        layer = cls(net, mask)
        told += [*layer.forward(x.clone()), *layer.inverse(x.clone())]
    return told


def _persistent(cls: Callable) -> list[Tensor]:
    """Where two sets of chains are after each call."""
    from dgm_lib.exercises.energy_models.persistent_setting import example, steps

    both = [cls(example(*shape)) for shape in ((4, 2), (1, 3))]
    calls = itertools.product(zip(steps(), (1, 3, 2, 5)), both)
    return [chains.advance(step, k).clone() for (step, k), chains in calls]


def _kernel_density(cls: Callable) -> list[Tensor]:
    """log q after each of three batches, of which the last push the first out; then samples."""
    from dgm_lib.exercises.arena.kernel_setting import data, where

    made, told = cls(0.7, 6), []
    for k in range(3):
        made.step(data(4, 2, shift=k))
        told.append(made.log_prob(where(5, 2)))
    return [*told, *_kernel_samples(cls)]


def _kernel_samples(cls: Callable) -> list[Tensor]:
    """Many samples around two distant points, as numbers in which their noise does not show."""
    made = cls(0.7, 2)
    made.step(torch.tensor([[-20.0, 10.0], [20.0, 10.0]]))
    samples = made.sample(10_000).double()
    around = samples.abs() - torch.tensor([20.0, 10.0])
    return [(n * 10).round() / 10 for n in (around.mean(0), around.std(0), samples.mean(0) / 20)]


def _adversarial(step: Callable) -> list[Tensor]:
    from dgm_lib.exercises.gan.adversarial_setting import Game

    return _after_steps(step, Game)


def _critic(step: Callable) -> list[Tensor]:
    from dgm_lib.exercises.wasserstein.step_setting import Duel

    return _after_steps(step, Duel)


def _after_steps(step: Callable, game: type) -> list[Tensor]:
    """The parameters of both networks after each of three steps, in every setting of a game."""
    told: list[Tensor] = []
    for setting in game.settings:
        played = game(**setting)
        for _ in range(3):
            played.play(step)
            told += played.parameters().values()
    return told


def _surrogate(loss: Callable) -> list[Tensor]:
    """Gradients of the score-function loss in log q: its value is anybody's."""
    told = []
    for shape in ((5,), (3, 2)):
        generator = torch.Generator().manual_seed(99)
        log_f, log_q = torch.randn(2, *shape, generator=generator, dtype=torch.float64)
        log_q.requires_grad_()
        told += torch.autograd.grad(loss(log_f, log_q, 0.3), log_q)
    return told


PLAYS: dict[str, Play] = {
    "arena.KernelDensity": _kernel_density,
    "energy_models.Persistent": _persistent,
    "flows.AffineCoupling": _coupling,
    "gan.adversarial_step": _adversarial,
    "variational_inference.score_function_loss": _surrogate,
    "wasserstein.critic_step": _critic,
}
