"""One step of a clipped critic, judged by what becomes of the parameters."""

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Fail
from dgm_lib.exercises.engine.games import differ, story
from dgm_lib.exercises.wasserstein.step_answers import ACCEPTS
from dgm_lib.exercises.wasserstein.step_mistakes import WRONG
from dgm_lib.exercises.wasserstein.step_setting import Duel


def critic_step(
    critic, generator, x: Tensor, z: Tensor, optimiser: torch.optim.Optimizer, c: float
) -> None:
    """One step of the critic down mean f(G(z)) − mean f(x), then all its parameters cut to [−c, c].

    Only the critic moves, by its optimiser: no gradient reaches the generator. x (n, d),
    z (m, d_z); critic(x): (n, d) -> scores (n,). Arjovsky et al. (2017).
    """
    loss = critic(generator(z).detach()).mean() - critic(x).mean()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    with torch.no_grad():
        for parameter in critic.parameters():
            parameter.clamp_(-c, c)


# ------------------------------------------------------------------------ what is asked


def _only_the_critic_moves(fn, generator):
    """the critic moves, and the generator does not"""
    duel = Duel()
    start = duel.parameters()
    duel.play(fn)
    now = duel.parameters()
    if differ(now["generator"], start["generator"]):
        raise Fail("the generator changes: in the critic's step it stays as it is")
    if not differ(now["critic"], start["critic"]):
        raise Fail("the critic does not move: after backward() its optimiser's step() is due")


def _not_through_the_generator(fn, generator):
    """no gradient reaches the generator"""
    duel = Duel()
    count = duel.count_gradients_of_the_generator()
    duel.play(fn)
    if count:
        raise Fail(
            "the critic's loss is differentiated through the generator: give the critic the fakes "
            "as generator(z).detach()"
        )


def _clipped(fn, generator):
    """all parameters of the critic between −c and c"""
    for setting in Duel.settings:
        duel = Duel(**setting)
        duel.play(fn)
        largest = duel.parameters()["critic"].abs().max().item()
        if largest > duel.c * (1 + 1e-6):  # a float32 c is no mistake
            raise Fail(
                f"after the step a parameter of the critic is {largest:.4g} in size, more than "
                f"c = {duel.c:g}"
            )


def _as_the_reference(fn, generator):
    """the critic after one step, and after four"""
    for setting in Duel.settings:
        mine, right = Duel(**setting), Duel(**setting)
        for step in range(1, 5):
            mine.play(fn)
            right.play(critic_step)
            if words := differ(mine.parameters()["critic"], right.parameters()["critic"]):
                when = "one step" if step == 1 else f"{step} steps"
                raise Fail(f"after {when} the critic is not where it should be: {words}")


def _keeps_training(fn, generator):
    """the networks stay trainable"""
    duel = Duel()
    duel.play(fn)
    if not duel.is_trainable():
        raise Fail("your step leaves a network with requires_grad off: it stays frozen")


def _behaves_like(wrong):
    """Whether the answer does to the parameters what a wrong version does."""

    def recognise(fn, generator):
        mine = story(fn, Duel)
        return mine != story(critic_step, Duel) and mine == story(wrong, Duel)

    return recognise


Exercise(
    critic_step,
    title="One step of a clipped critic",
    minutes=8,
    difficulty=2,
    properties=[
        _only_the_critic_moves,
        _not_through_the_generator,
        _clipped,
        _as_the_reference,
        _keeps_training,
    ],
    mistakes=[wrong.mistake(_behaves_like) for wrong in WRONG],
    accepts=ACCEPTS,
    hints=(
        "The usual four lines: a loss, zero_grad(), backward(), step(). The fakes are just points "
        "here: generator(z).detach().",
        "Then the clipping, after the step: each of critic.parameters(), weights and biases, is "
        "cut to [−c, c].",
        "parameter.clamp_(-c, c) writes in place, which a parameter allows under torch.no_grad().",
    ),
)
