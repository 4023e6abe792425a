"""Right steps of a clipped critic, written differently, and the pieces of all answers."""

import torch
from torch import Tensor


def loss_of(critic, generator, x, z) -> Tensor:
    """The critic's loss, on fakes that are detached."""
    return critic(generator(z).detach()).mean() - critic(x).mean()


def descend(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    """One step down a loss."""
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


def clip(network: torch.nn.Module, c: float) -> None:
    """Cut all parameters to [−c, c]."""
    for parameter in network.parameters():
        parameter.data.clamp_(-c, c)


def _data(critic, generator, x, z, optimiser, c):
    descend(optimiser, loss_of(critic, generator, x, z))
    clip(critic, c)


def _no_grad(critic, generator, x, z, optimiser, c):
    with torch.no_grad():
        fake = generator(z)
    descend(optimiser, -(critic(x).mean() - critic(fake).mean()))
    with torch.no_grad():
        for parameter in critic.parameters():
            parameter.copy_(parameter.clamp(min=-c, max=c))


def _minimum(critic, generator, x, z, optimiser, c):
    real, fake = critic(x), critic(generator(z).data)
    (-real.mean()).backward()
    fake.mean().backward()
    optimiser.step()
    optimiser.zero_grad()
    bound = torch.tensor(c, dtype=x.dtype)
    for parameter in critic.parameters():
        parameter.data = torch.minimum(torch.maximum(parameter.data, -bound), bound)


def _by_group(critic, generator, x, z, optimiser, c):
    loss = loss_of(critic, generator, x, z)
    descend(optimiser, loss)
    for group in optimiser.param_groups:
        for parameter in group["params"]:
            parameter.detach().clamp_(-c, c)
    return loss.item()


def _foreach(critic, generator, x, z, optimiser, c):
    critic.zero_grad()
    loss_of(critic, generator, x, z).backward()
    optimiser.step()
    with torch.no_grad():
        parameters = list(critic.parameters())
        torch._foreach_clamp_min_(parameters, -c)
        torch._foreach_clamp_max_(parameters, c)


ACCEPTS = [_data, _no_grad, _minimum, _by_group, _foreach]
