"""Wrong losses of a generator."""

import torch
from torch.nn.functional import logsigmoid, softplus

from dgm_lib.exercises import Mistake


def _of(losses):
    """A wrong pair of losses, of the fakes' logits."""
    return lambda generator, discriminator, z: losses(discriminator(generator(z)))


_right = _of(lambda a: (-softplus(a).mean(), softplus(-a).mean()))


def _detached(generator, discriminator, z):
    return _right(lambda z: generator(z).detach(), discriminator, z)


def _backward(generator, discriminator, z):
    saturating, non_saturating = _right(generator, discriminator, z)
    non_saturating.backward(retain_graph=True)
    return saturating, non_saturating


def _frozen(generator, discriminator, z):
    discriminator.requires_grad_(False)
    return _right(generator, discriminator, z)


def _own_noise(generator, discriminator, z):
    return _right(generator, discriminator, torch.randn_like(z))


def _is_random(fn, generator):
    z = torch.ones(2, 2, dtype=torch.float64)
    first, second = (fn(lambda z: z, lambda x: x.sum(-1), z)[1] for _ in range(2))
    return bool(first != second)


def _ignores_the_generator(generator, discriminator, z):
    return _right(lambda z: z, discriminator, z)


def _never_asks_the_generator(fn, generator):
    asked = []
    fn(lambda z: asked.append(z) or z, lambda x: x.sum(-1), torch.ones(2, 2))
    return not asked


def _requires_grad(fn):
    losses = fn(lambda z: z, lambda x: x.sum(-1), torch.ones(2, 2, requires_grad=True))
    return [loss.requires_grad for loss in losses]


MISTAKES = (
    Mistake(
        "order",
        _of(lambda a: (softplus(-a).mean(), -softplus(a).mean())),
        "the two are in the wrong order: the saturating loss, mean log(1 − D), comes first",
    ),
    Mistake(
        "saturating for non-saturating",
        _of(lambda a: (-softplus(a).mean(),) * 2),
        "both are the saturating loss: the second is −mean log D",
    ),
    Mistake(
        "non-saturating for saturating",
        _of(lambda a: (softplus(-a).mean(),) * 2),
        "both are the non-saturating loss: the first is mean log(1 − D)",
    ),
    Mistake(
        "sign of the saturating",
        _of(lambda a: (softplus(a).mean(), softplus(-a).mean())),
        "the first has the wrong sign: −mean log(1 − D) is what D minimises at fakes, and G does "
        "the opposite",
    ),
    Mistake(
        "sign of the non-saturating",
        _of(lambda a: (-softplus(a).mean(), -softplus(-a).mean())),
        "the second has the wrong sign: minimised, mean log D would make the fakes easy to tell; "
        "it is −mean log D",
    ),
    Mistake(
        "both signs",
        _of(lambda a: (softplus(a).mean(), -softplus(-a).mean())),
        "both signs are wrong: each loss is to be small where D takes the fakes for data",
    ),
    Mistake(
        "labels swapped",
        _of(lambda a: (-softplus(-a).mean(), softplus(a).mean())),
        "D and 1 − D are swapped: D = sigmoid(logit) is the chance that a point is real",
    ),
    Mistake(
        "sums",
        _of(lambda a: (-softplus(a).sum(), softplus(-a).sum())),
        "you sum over the fakes: the means are asked for",
    ),
    Mistake(
        "not averaged",
        _of(lambda a: (-softplus(a), softplus(-a))),
        "one number for each fake is left: average them",
    ),
    Mistake(
        "mean first",
        _of(lambda a: (-softplus(a.mean()), softplus(-a.mean()))),
        "the logits are averaged before the log: take the logs first, then their mean",
    ),
    Mistake(
        "mean of D first",
        _of(lambda a: ((1 - a.sigmoid().mean()).log(), -a.sigmoid().mean().log())),
        "D is averaged before the log: take the logs first, then their mean",
    ),
    Mistake(
        "sigmoid twice",
        _of(lambda a: (-softplus(a.sigmoid()).mean(), softplus(-a.sigmoid()).mean())),
        "the sigmoid is applied twice: softplus and logsigmoid take the logits themselves",
    ),
    Mistake(
        "no sigmoid",
        _of(lambda a: ((1 - a).log().mean(), -a.log().mean())),
        "the logits are taken for probabilities: D is sigmoid(logit), and a log of a logit is NaN",
    ),
    Mistake(
        "unstable",
        _of(lambda a: ((1 - a.sigmoid()).log().mean(), -a.sigmoid().log().mean())),
        "sigmoid rounds to 0 or 1 where D is sure, and the log is infinite: logsigmoid(−a) and "
        "logsigmoid(a) are exact",
    ),
    Mistake(
        "a small number in the log",
        _of(
            lambda a: (
                (1 - a.sigmoid() + 1e-8).log().mean(),
                -(a.sigmoid() + 1e-8).log().mean(),
            )
        ),
        "a small number in the log hides that sigmoid has rounded, and the gradient is lost just "
        "where D is sure: logsigmoid of the logit needs none",
    ),
    Mistake(
        "one minus the log",
        _of(lambda a: ((1 - logsigmoid(a)).mean(), -logsigmoid(a).mean())),
        "1 − log D is not log(1 − D): the latter is logsigmoid(−logit)",
    ),
    Mistake(
        "minus the log",
        _of(lambda a: (-logsigmoid(a).mean(), logsigmoid(a).mean())),
        "both are ±mean log D: the first has log(1 − D), which is logsigmoid(−logit)",
    ),
    Mistake(
        "Wasserstein",
        _of(lambda a: (-a.mean(), -a.mean())),
        "this is −mean logit, the loss against a critic (lecture 08): take log sigmoid first",
    ),
    Mistake(
        "probabilities",
        _of(lambda a: ((1 - a.sigmoid()).mean(), -a.sigmoid().mean())),
        "the probabilities are averaged: their logarithms are asked for",
    ),
    Mistake(
        "one number",
        _of(lambda a: softplus(-a).mean() - softplus(a).mean()),
        "the two losses are added: return them as a pair",
        lambda fn, generator: isinstance(
            fn(lambda z: z, lambda x: x.sum(-1), torch.ones(3, 2)), torch.Tensor
        ),
    ),
    Mistake(
        "own noise",
        _own_noise,
        "you draw noise of your own: use the z that you are given",
        _is_random,
    ),
    Mistake(
        "no generator",
        _ignores_the_generator,
        "the discriminator is given z: it judges the fakes, generator(z)",
        _never_asks_the_generator,
    ),
    Mistake(
        "fakes detached",
        _detached,
        "the fakes or their logits are detached: that belongs into D's step. Here the gradient "
        "must reach G, no detach",
    ),
    Mistake(
        "saturating detached",
        _of(lambda a: (-softplus(a).mean().detach(), softplus(-a).mean())),
        "the saturating loss is detached: both losses train G",
        lambda fn, generator: _requires_grad(fn) == [False, True],
    ),
    Mistake(
        "backward",
        _backward,
        "backward() belongs to the training loop: return the losses, and no more",
    ),
    Mistake(
        "frozen",
        _frozen,
        "your function turns off requires_grad of a network: it stays frozen",
    ),
)
