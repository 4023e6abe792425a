"""Wrong steps of a clipped critic."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch.nn.functional import softplus

from dgm_lib.exercises import Mistake
from dgm_lib.exercises.wasserstein.step_answers import clip, descend, loss_of


class Wrong(NamedTuple):
    """A wrong step and the sentence that names what is wrong with it."""

    name: str
    step: Callable
    hint: str

    def mistake(self, behaves_like: Callable) -> Mistake:
        """As a mistake, recognised by what it does to the parameters."""
        return Mistake(self.name, self.step, self.hint, behaves_like(self.step))


def _with_loss(loss):
    """A step down another loss, of the critic, the data and detached fakes."""

    def step(critic, generator, x, z, optimiser, c):
        descend(optimiser, loss(critic, x, generator(z).detach()))
        clip(critic, c)

    return step


def _with_clipping(cut):
    """A step down the right loss, and another way to clip, of the two networks and c."""

    def step(critic, generator, x, z, optimiser, c):
        descend(optimiser, loss_of(critic, generator, x, z))
        cut(critic, generator, c)

    return step


def _each(change):
    """Each parameter of the critic replaced, by a function of itself and c."""

    def cut(critic, generator, c):
        for parameter in critic.parameters():
            parameter.data = change(parameter.data, c)

    return _with_clipping(cut)


def _both_clipped(critic, generator, c):
    clip(critic, c)
    clip(generator, c)


def _weights_only(critic, generator, c):
    for name, parameter in critic.named_parameters():
        if "bias" not in name:
            parameter.data.clamp_(-c, c)


def _first_only(critic, generator, c):
    next(critic.parameters()).data.clamp_(-c, c)


def _gradients_clipped(critic, generator, x, z, optimiser, c):
    optimiser.zero_grad()
    loss_of(critic, generator, x, z).backward()
    torch.nn.utils.clip_grad_value_(critic.parameters(), c)
    optimiser.step()


def _gradient_norm_clipped(critic, generator, x, z, optimiser, c):
    optimiser.zero_grad()
    loss_of(critic, generator, x, z).backward()
    torch.nn.utils.clip_grad_norm_(critic.parameters(), c)
    optimiser.step()


def _clipped_before(critic, generator, x, z, optimiser, c):
    clip(critic, c)
    descend(optimiser, loss_of(critic, generator, x, z))


def _clipped_between(critic, generator, x, z, optimiser, c):
    optimiser.zero_grad()
    loss_of(critic, generator, x, z).backward()
    clip(critic, c)
    optimiser.step()


def _scores_clipped(critic, generator, x, z, optimiser, c):
    real, fake = critic(x), critic(generator(z).detach())
    descend(optimiser, fake.clamp(-c, c).mean() - real.clamp(-c, c).mean())


def _not_detached(critic, generator, x, z, optimiser, c):
    descend(optimiser, critic(generator(z)).mean() - critic(x).mean())
    clip(critic, c)


def _scores_detached(critic, generator, x, z, optimiser, c):
    descend(optimiser, critic(generator(z)).detach().mean() - critic(x).mean())
    clip(critic, c)


def _not_cleared(critic, generator, x, z, optimiser, c):
    loss_of(critic, generator, x, z).backward()
    optimiser.step()
    clip(critic, c)


def _cleared_after_backward(critic, generator, x, z, optimiser, c):
    loss_of(critic, generator, x, z).backward()
    optimiser.zero_grad()
    optimiser.step()
    clip(critic, c)


def _no_step(critic, generator, x, z, optimiser, c):
    optimiser.zero_grad()
    loss_of(critic, generator, x, z).backward()


def _five_steps(critic, generator, x, z, optimiser, c):
    for _ in range(5):
        descend(optimiser, loss_of(critic, generator, x, z))
        clip(critic, c)


def _frozen(critic, generator, x, z, optimiser, c):
    generator.requires_grad_(False)
    descend(optimiser, loss_of(critic, generator, x, z))
    clip(critic, c)


WRONG = (
    Wrong(
        "generator clipped",
        _with_clipping(lambda critic, generator, c: clip(generator, c)),
        "the generator is clipped: the bound is on the critic's slope, G may be what it likes",
    ),
    Wrong(
        "both clipped",
        _with_clipping(_both_clipped),
        "the generator is clipped too: only the critic is to be bounded",
    ),
    Wrong(
        "not clipped",
        _with_clipping(lambda critic, generator, c: None),
        "the critic is not clipped, in place: parameter.clamp(...) alone, without the underscore, "
        "makes a new tensor that nobody keeps",
    ),
    Wrong(
        "clipped with gradients on",
        _with_clipping(lambda critic, G, c: [p.clamp_(-c, c) for p in critic.parameters()]),
        "a parameter may not be written in place while it records gradients: clip it under "
        "torch.no_grad()",
    ),
    Wrong(
        "gradients clipped",
        _gradients_clipped,
        "the gradients are clipped: it is the parameters that are cut to [−c, c], after the step",
    ),
    Wrong(
        "norm of the gradients clipped",
        _gradient_norm_clipped,
        "the gradient's norm is clipped: it is the parameters that are cut to [−c, c], after the "
        "step",
    ),
    Wrong(
        "scores clipped",
        _scores_clipped,
        "the scores are clipped, which makes the critic flat: the parameters are cut to [−c, c]",
    ),
    Wrong(
        "clipped before",
        _clipped_before,
        "the critic is clipped before its step, which leads out of the bound again: clip after it",
    ),
    Wrong(
        "clipped between",
        _clipped_between,
        "the critic is clipped between backward() and step(): clip after the step",
    ),
    Wrong(
        "above only",
        _each(lambda p, c: p.clamp(max=c)),
        "only large parameters are cut: those below −c too",
    ),
    Wrong(
        "below only",
        _each(lambda p, c: p.clamp(min=-c)),
        "only parameters below −c are cut: those above c too",
    ),
    Wrong(
        "positive",
        _each(lambda p, c: p.clamp(0, c)),
        "negative parameters are cut to 0: the interval is [−c, c]",
    ),
    Wrong(
        "weights only",
        _with_clipping(_weights_only),
        "the biases are not clipped: all of critic.parameters() are",
    ),
    Wrong(
        "first only",
        _with_clipping(_first_only),
        "only the first parameter is clipped: loop over critic.parameters()",
    ),
    Wrong(
        "scaled",
        _each(lambda p, c: p * (c / p.abs().max()).clamp(max=1)),
        "each tensor is scaled down to fit: clipping cuts off what is too large, no more",
    ),
    Wrong(
        "norm",
        _each(lambda p, c: p * (c / p.norm()).clamp(max=1)),
        "each tensor's norm is bounded: clipping bounds every number in it",
    ),
    Wrong(
        "wrapped",
        _each(lambda p, c: torch.where(p.abs() > c, 0.0, p)),
        "what is too large becomes 0: it becomes c or −c",
    ),
    Wrong(
        "no detach",
        _not_detached,
        "the critic's loss is differentiated through the generator: give the critic the fakes "
        "as generator(z).detach()",
    ),
    Wrong(
        "scores detached",
        _scores_detached,
        "the fakes' scores are detached: the critic learns nothing from fakes. Detach the fakes, "
        "before the critic sees them",
    ),
    Wrong(
        "sign",
        _with_loss(lambda critic, x, fake: critic(x).mean() - critic(fake).mean()),
        "the sign of the loss is flipped: the optimiser minimises, and data are to score high",
    ),
    Wrong(
        "cross-entropy",
        _with_loss(
            lambda critic, x, fake: softplus(-critic(x)).mean() + softplus(critic(fake)).mean()
        ),
        "this is the discriminator's cross-entropy (lecture 07a): the critic's scores are averaged "
        "as they are",
    ),
    Wrong(
        "sums",
        _with_loss(lambda critic, x, fake: critic(fake).sum() - critic(x).sum()),
        "the scores are summed over the batch: take means",
    ),
    Wrong(
        "fakes only",
        _with_loss(lambda critic, x, fake: critic(fake).mean()),
        "the critic never sees the data: its loss has their mean score too",
    ),
    Wrong(
        "the generator's loss",
        _with_loss(lambda critic, x, fake: -critic(fake).mean()),
        "the critic steps down the generator's loss: its own is mean f(G(z)) − mean f(x)",
    ),
    Wrong(
        "not cleared",
        _not_cleared,
        "zero_grad() is forgotten: the gradients of all steps add up",
    ),
    Wrong(
        "cleared after backward",
        _cleared_after_backward,
        "zero_grad() stands between backward() and step(): nothing is left to step along",
    ),
    Wrong(
        "no step",
        _no_step,
        "the critic does not move: after backward() its optimiser's step() is due",
    ),
    Wrong(
        "five steps",
        _five_steps,
        "the critic takes five steps: one is asked for, the loop calls it as often as it likes",
    ),
    Wrong(
        "frozen",
        _frozen,
        "your step leaves a network with requires_grad off: it stays frozen",
    ),
)
