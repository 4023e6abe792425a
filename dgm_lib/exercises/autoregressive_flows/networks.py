"""Networks of fixed weights, which the exercises are tried on."""

import contextlib
from collections.abc import Callable

import torch


def autoregressive(d: int) -> Callable:
    """A net of fixed weights whose coordinate i sees the coordinates before i."""
    i, j = torch.meshgrid(*[torch.arange(d, dtype=torch.float64)] * 2, indexing="ij")
    weights_mu = (1.3 * torch.cos(2 * i + 3 * j + 1)).tril(-1)
    weights_sigma = (0.9 * torch.sin(3 * i - 2 * j + 2)).tril(-1)
    bias_mu, bias_sigma = 0.7 * torch.sin(5 * i[:, 0] + 2), 0.4 * torch.cos(3 * i[:, 0] + 2.2)

    def net(x):
        if x.shape[-1] != d:
            raise ValueError(f"net takes x of shape (*batch, {d}), got {tuple(x.shape)}")
        seen = torch.sin(x)  # of x itself: autograd must find it as net has seen it
        mu = seen @ weights_mu.to(x).T + bias_mu.to(x)
        return mu, 0.8 * torch.tanh(seen @ weights_sigma.to(x).T) + bias_sigma.to(x)

    return net


def asked(fn: Callable, *shape: int) -> list[torch.Size]:
    """The shapes of what `fn` gives to net for z of this shape."""
    net, shapes = autoregressive(shape[-1]), []

    def watch(x):
        shapes.append(x.shape)
        return net(x)

    with contextlib.suppress(ValueError):
        fn(torch.linspace(-1, 1.7, torch.Size(shape).numel()).reshape(shape), watch)
    return shapes


def fixed_map(a: int, b: int, phase: float) -> Callable:
    """A function (*, a) -> (*, b) that nobody could invert."""
    i, j = torch.meshgrid(torch.arange(a).double(), torch.arange(b).double(), indexing="ij")
    weights = 1.1 * torch.sin(3 * i + 2 * j + phase) + 0.2

    def function(x):
        if x.shape[-1] != a:
            raise ValueError(f"this function takes {a} coordinates, got {x.shape[-1]}")
        return torch.sin(2 * x) @ weights.to(x) + 0.3 * phase

    return function
