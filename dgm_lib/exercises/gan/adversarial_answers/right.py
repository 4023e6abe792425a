"""Right steps, written differently."""

import torch
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy
from torch.nn.functional import logsigmoid

from dgm_lib.exercises.gan.adversarial_answers.pieces import descend, loss_d, loss_g


def _one_set_of_fakes(generator, discriminator, x, z, optimiser_g, optimiser_d):
    fake = generator(z)
    descend(optimiser_d, loss_d(discriminator, x, fake.detach()))
    descend(optimiser_g, loss_g(discriminator, fake))


def _no_grad(generator, discriminator, x, z, optimiser_g, optimiser_d):
    with torch.no_grad():
        fake = generator(z)
    real, fake = discriminator(x), discriminator(fake)
    descend(optimiser_d, -(logsigmoid(real).mean() + logsigmoid(-fake).mean()))
    descend(optimiser_g, -logsigmoid(discriminator(generator(z))).mean())


def _cleared_at_the_end(generator, discriminator, x, z, optimiser_g, optimiser_d):
    real, fake = discriminator(x), discriminator(generator(z).detach())
    cross_entropy(real, torch.ones_like(real)).backward()
    cross_entropy(fake, torch.zeros_like(fake)).backward()
    optimiser_d.step()
    logits = discriminator(generator(z))
    cross_entropy(logits, torch.ones_like(logits)).backward()
    optimiser_g.step()
    generator.zero_grad()
    discriminator.zero_grad()


def _frozen_for_a_while(generator, discriminator, x, z, optimiser_g, optimiser_d):
    descend(optimiser_d, loss_d(discriminator, x, generator(z).data))
    for parameter in discriminator.parameters():
        parameter.requires_grad = False
    descend(optimiser_g, loss_g(discriminator, generator(z)))
    for parameter in discriminator.parameters():
        parameter.requires_grad = True


def _gradients_asked_for(generator, discriminator, x, z, optimiser_g, optimiser_d):
    def assign(network, loss):
        parameters = list(network.parameters())
        for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters)):
            parameter.grad = gradient

    assign(discriminator, loss_d(discriminator, x, generator(z).detach()))
    optimiser_d.step()
    assign(generator, loss_g(discriminator, generator(z)))
    optimiser_g.step()


def _returns_the_losses(generator, discriminator, x, z, optimiser_g, optimiser_d):
    first = loss_d(discriminator, x, generator(z).detach())
    descend(optimiser_d, first)
    second = loss_g(discriminator, generator(z))
    descend(optimiser_g, second)
    return first.item(), second.item()


ACCEPTS = [
    _one_set_of_fakes,
    _no_grad,
    _cleared_at_the_end,
    _frozen_for_a_while,
    _gradients_asked_for,
    _returns_the_losses,
]
