"""What is said of wrong ways of looking ahead."""

import torch

from dgm_lib.exercises import Mistake
from dgm_lib.exercises.taming import unrolled_wrong as wrong

WRITES_PHI = (
    "your function changes phi itself: make new tensors in a new dict, the discriminator moves "
    "only in its own step"
)
WRITES_GRADIENTS = (
    "backward() fills .grad of the parameters, and the training loop's own adds to it: use "
    "torch.autograd.grad"
)


def _writes_into_tensors(fn, generator):
    """Whether the tensors in phi, and not the dict, are other ones afterwards."""
    phi = {"weight": torch.tensor(1.0, requires_grad=True)}
    kept = phi["weight"]
    fn(lambda phi: phi["weight"] ** 2, lambda phi: phi["weight"], phi, 1, 0.1)
    return phi["weight"] is kept and kept.item() != 1.0


def _writes_into_the_dict(fn, generator):
    """Whether the dict holds other tensors afterwards."""
    phi = {"weight": torch.tensor(1.0, requires_grad=True)}
    kept = phi["weight"]
    fn(lambda phi: phi["weight"] ** 2, lambda phi: phi["weight"], phi, 1, 0.1)
    return phi["weight"] is not kept


MISTAKES = (
    Mistake(
        "no graph",
        wrong.no_graph,
        "the gradients have no graph, so the generator takes the steps as fixed: that is no "
        "unrolling. create_graph=True, and no detach",
    ),
    Mistake(
        "last step only",
        wrong.last_step_only,
        "phi is detached in each step: the generator sees through the last step only",
    ),
    Mistake(
        "detached at the end",
        wrong.detached_at_the_end,
        "no gradient of the loss reaches the generator: a `.detach()`, `.item()` or "
        "`no_grad()` cuts it off",
    ),
    Mistake(
        "uphill",
        wrong.with_arguments(
            lambda loss_d, loss_g, phi, steps, rate: (loss_d, loss_g, phi, steps, -rate)
        ),
        "the discriminator climbs its loss: subtract rate times the gradient",
    ),
    Mistake(
        "not unrolled",
        wrong.with_arguments(
            lambda loss_d, loss_g, phi, steps, rate: (loss_d, loss_g, phi, 0, rate)
        ),
        "this is the loss against the discriminator of now: unroll the steps first",
    ),
    Mistake(
        "one step",
        wrong.with_arguments(
            lambda loss_d, loss_g, phi, steps, rate: (loss_d, loss_g, phi, min(steps, 1), rate)
        ),
        "one step is taken, whatever steps says: is the new phi used in the next round, and the "
        "return outside the loop?",
    ),
    Mistake(
        "one step too many",
        wrong.with_arguments(
            lambda loss_d, loss_g, phi, steps, rate: (loss_d, loss_g, phi, steps + 1, rate)
        ),
        "there is a step too many: range(steps) has steps of them",
    ),
    Mistake(
        "one step too few",
        wrong.with_arguments(
            lambda loss_d, loss_g, phi, steps, rate: (loss_d, loss_g, phi, steps - 1, rate)
        ),
        "there is a step too few: the last phi is the one that counts",
    ),
    Mistake(
        "no rate",
        wrong.with_arguments(
            lambda loss_d, loss_g, phi, steps, rate: (loss_d, loss_g, phi, steps, 1.0)
        ),
        "rate is not used: the step is rate times the gradient",
    ),
    Mistake(
        "rate shared",
        wrong.with_arguments(
            lambda loss_d, loss_g, phi, steps, rate: (loss_d, loss_g, phi, steps, rate / 2)
        ),
        "the rate is halved: each step has the whole rate",
    ),
    Mistake(
        "shrinking rate",
        wrong.shrinking,
        "the rate shrinks from step to step: it stays as it is",
    ),
    Mistake(
        "along the generator's loss",
        wrong.with_arguments(
            lambda loss_d, loss_g, phi, steps, rate: (loss_g, loss_g, phi, steps, rate)
        ),
        "the discriminator steps down the generator's loss: it follows discriminator_loss",
    ),
    Mistake(
        "up the generator's loss",
        wrong.with_arguments(
            lambda loss_d, loss_g, phi, steps, rate: (loss_g, loss_g, phi, steps, -rate)
        ),
        "the discriminator steps up the generator's loss: it follows its own, discriminator_loss, "
        "which is another where G's does not saturate",
    ),
    Mistake(
        "both losses",
        wrong.both_players,
        "the discriminator steps down the sum of both losses: it follows its own",
    ),
    Mistake(
        "the discriminator's loss",
        wrong.at_the_end(lambda loss_d, loss_g, path: loss_d(path[-1])),
        "the discriminator's loss is returned: at the end the generator's is asked for",
    ),
    Mistake(
        "swapped",
        wrong.with_arguments(
            lambda loss_d, loss_g, phi, steps, rate: (loss_g, loss_d, phi, steps, rate)
        ),
        "the two losses are swapped",
    ),
    Mistake(
        "sum along the way",
        wrong.at_the_end(lambda loss_d, loss_g, path: sum(map(loss_g, path))),
        "the generator's loss is summed along the way: only the last discriminator counts",
    ),
    Mistake(
        "mean along the way",
        wrong.at_the_end(lambda loss_d, loss_g, path: sum(map(loss_g, path)) / len(path)),
        "the generator's loss is averaged along the way: only the last discriminator counts",
    ),
    Mistake(
        "change",
        wrong.at_the_end(lambda loss_d, loss_g, path: loss_g(path[-1]) - loss_g(path[0])),
        "the loss of now is subtracted: the unrolled loss itself is asked for",
    ),
    Mistake(
        "first slope",
        wrong.first_slope,
        "every step takes the gradient at the start: take it anew at the phi of each step",
    ),
    Mistake(
        "from the start",
        wrong.from_the_start,
        "every step starts from the first phi: go on from the last",
    ),
    Mistake(
        "first parameter",
        wrong.first_parameter,
        "only the first of the parameters moves: phi holds several tensors",
    ),
    Mistake(
        "one after the other",
        wrong.one_after_the_other,
        "the parameters move one after the other: one gradient, then all move at once",
    ),
    Mistake(
        "normalised",
        wrong.normalised,
        "the gradients are normalised: the step is rate times the gradient as it is",
    ),
    Mistake(
        "signs",
        wrong.signs,
        "the steps follow the gradient's signs: rate times the gradient itself",
    ),
    Mistake(
        "momentum",
        wrong.momentum,
        "the steps have momentum: plain gradient descent is asked for",
    ),
    Mistake("backward", wrong.backward, WRITES_GRADIENTS),
    Mistake(
        "in the dict",
        wrong.in_the_dict,
        "your function puts the new tensors into the dict phi that belongs to the discriminator: "
        "make a new dict",
        _writes_into_the_dict,
    ),
    Mistake(
        "in the tensors",
        wrong.in_the_tensors,
        "your function writes into the discriminator's own parameters: make new tensors, in a new "
        "dict",
        _writes_into_tensors,
    ),
)
