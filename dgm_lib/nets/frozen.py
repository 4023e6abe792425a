"""A network that is looked through and not trained."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from dgm_lib.nets.inputs import module


@contextmanager
def frozen(net: nn.Module) -> Iterator[nn.Module]:
    """Gradients of what is computed inside flow through the network, and not to its parameters.

    A generator's loss looks at samples through a discriminator, which that step leaves alone:

    >>> import torch
    >>> net, x = nn.Linear(2, 1), torch.ones(2, requires_grad=True)
    >>> with frozen(net): y = net(x)
    >>> y.backward()
    >>> x.grad is None, net.weight.grad is None, net.weight.requires_grad
    (False, True, True)
    """
    parameters = module("net", net).parameters()
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    for parameter in trained:
        parameter.requires_grad_(False)
    try:
        yield net
    finally:
        for parameter in trained:
            parameter.requires_grad_(True)
