"""The two losses of a generator: one saturates where the discriminator is sure, one does not."""

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid, softplus

from dgm_lib.exercises import Exercise, Fail
from dgm_lib.exercises.engine.games import Discriminator, Generator
from dgm_lib.exercises.gan.generator_mistakes import MISTAKES


def generator_losses(generator, discriminator, z: Tensor) -> tuple[Tensor, Tensor]:
    """mean log(1 − D(G(z))), which saturates, and −mean log D(G(z)), which does not -> (), ().

    Both are minimised, and both gradients flow through D into G.
    generator(z): (*batch, d_z) -> (*batch, d); discriminator(x): (*batch, d) -> logits (*batch,).
    Goodfellow et al. (2014).
    """
    logits = discriminator(generator(z))
    return logsigmoid(-logits).mean(), -logsigmoid(logits).mean()


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(shape: tuple, d: int, scale: float = 1.0) -> tuple:
        z = torch.randn(shape, generator=generator, dtype=torch.float64)
        networks = Generator(shape[-1], d, dtype), Discriminator(d, dtype, scale)
        return *networks, (0.3 + z).to(dtype)

    return [
        case((3, 1), 2),
        case((4, 2), 2),
        case((5, 3), 2),
        case((2, 3, 2), 3),
        case((6, 2), 2, scale=400.0),
        case((6, 2), 2, scale=-300.0),
    ]


# ------------------------------------------------------------------------ gradients


def gradients(fn, scale: float = 1.0) -> list[list[Tensor]]:
    """Gradients of each loss in the generator's parameters, zeros where none arrives."""
    generator, discriminator = (
        Generator(2, 2, torch.float64),
        Discriminator(2, torch.float64, scale),
    )
    z = torch.tensor([[0.4, -1.2], [1.1, 0.3], [-0.6, 0.9], [0.2, 1.7]], dtype=torch.float64)
    leaves, found = list(generator.parameters()), []
    for loss in fn(generator, discriminator, z):
        if not loss.requires_grad:
            found.append([torch.zeros_like(leaf) for leaf in leaves])
            continue
        options = {"retain_graph": True, "allow_unused": True, "materialize_grads": True}
        found.append(list(torch.autograd.grad(loss, leaves, **options)))
    return found


def _trains(fn, generator):
    """gradients in the generator's parameters"""
    for scale in (1.0, 30.0):
        mine, right = gradients(fn, scale), gradients(generator_losses, scale)
        for name, ours, theirs in zip(("saturating", "non-saturating"), mine, right):
            if not any(gradient.any() for gradient in ours):
                raise Fail(
                    f"no gradient of the {name} loss reaches the generator: a `.detach()`, "
                    f"`.item()` or `no_grad()` cuts the graph between z and the loss"
                )
            if not all(torch.allclose(a, b, atol=1e-12) for a, b in zip(ours, theirs)):
                raise Fail(f"the values are right, the gradient of the {name} loss is not")


def _leaves_the_networks_alone(fn, generator):
    """leaves the networks as they are"""
    networks = Generator(2, 2, torch.float64), Discriminator(2, torch.float64)
    fn(*networks, torch.tensor([[0.4, -1.2], [1.1, 0.3]], dtype=torch.float64))
    parameters = [p for network in networks for p in network.parameters()]
    if any(parameter.grad is not None for parameter in parameters):
        raise Fail("backward() belongs to the training loop: return the losses, and no more")
    if not all(parameter.requires_grad for parameter in parameters):
        raise Fail("your function turns off requires_grad of a network: it stays frozen")


# ------------------------------------------------------------------------ right answers


def _softplus(generator, discriminator, z):
    logits = discriminator(generator(z))
    return -softplus(logits).mean(), softplus(-logits).mean()


def _cross_entropies(generator, discriminator, z):
    logits = discriminator(generator(z))
    as_fake = binary_cross_entropy_with_logits(logits, torch.zeros_like(logits))
    as_real = binary_cross_entropy_with_logits(logits, torch.ones_like(logits))
    return -as_fake, as_real


def _by_their_difference(generator, discriminator, z):
    """log(1 − D) = log D − logit, and then the roles turned round where that would round off."""
    logits = discriminator(generator(z))
    log_d = torch.where(logits > 0, logsigmoid(logits), logits + logsigmoid(-logits))
    log_not_d = torch.where(logits > 0, logsigmoid(logits) - logits, logsigmoid(-logits))
    return log_not_d.sum() / logits.numel(), -log_d.sum() / logits.numel()


def _point_by_point(generator, discriminator, z):
    logits = [discriminator(generator(point)) for point in z.reshape(-1, z.shape[-1])]
    logits = torch.stack(logits)
    return torch.mean(logsigmoid(-logits)), torch.mean(-logsigmoid(logits))


def _cross_entropy_as_list(generator, discriminator, z):
    fake = generator(z)
    return [-softplus(discriminator(fake)).mean(), softplus(-discriminator(fake)).mean()]


Exercise(
    generator_losses,
    title="Both losses of the generator",
    minutes=8,
    difficulty=1,
    returns="(), (): the saturating and the non-saturating loss",
    cases=_cases,
    properties=[_trains, _leaves_the_networks_alone],
    mistakes=MISTAKES,
    accepts=[
        _softplus,
        _cross_entropies,
        _by_their_difference,
        _point_by_point,
        _cross_entropy_as_list,
    ],
    hints=(
        "The saturating loss is the generator's side of the game: D's value mean log(1 − D(G(z))), "
        "which G makes small.",
        "The non-saturating one asks for the same with another slope: −mean log D(G(z)), the "
        "cross-entropy of fakes that are labelled real.",
        "With logits a = discriminator(generator(z)): log D = logsigmoid(a), and "
        "log(1 − D) = logsigmoid(−a). No detach: the gradient goes through D into G.",
    ),
)
