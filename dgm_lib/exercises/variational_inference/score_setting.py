"""Draws of a law q with two parameters, on which losses are differentiated."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

Example = tuple[str, Tensor, Callable]


def _log_q(z: Tensor, parameters: Tensor) -> Tensor:
    mu, log_sigma = parameters
    return -0.5 * ((z - mu) / log_sigma.exp()) ** 2 - log_sigma


def _log_f(z: Tensor, parameters: Tensor) -> Tensor:
    return z.sin() - 0.3 * z**2 - 1.8 - _log_q(z, parameters)


def _given(z: Tensor, baseline: Tensor | float) -> Callable:
    def arguments(parameters: Tensor) -> tuple:
        return _log_f(z, parameters).detach(), _log_q(z, parameters), baseline

    return arguments


def _learned(z: Tensor, of_parameters: Callable) -> Callable:
    def arguments(parameters: Tensor) -> tuple:
        log_f = _log_f(z, parameters)
        return log_f, _log_q(z, parameters), of_parameters(log_f, parameters)

    return arguments


def _others(log_f: Tensor, parameters: Tensor) -> Tensor:
    return (log_f.sum() - log_f) / (len(log_f) - 1)


def examples() -> Iterator[Example]:
    """What is special, q's parameters, and the arguments (log_f, log_q, baseline) made of them."""
    z = torch.tensor([0.3, -1.4, 1.9, 0.8, -0.2], dtype=torch.float64)
    parameters = torch.tensor([0.4, 0.25], dtype=torch.float64)
    per_draw = torch.tensor([0.6, -1.1, 0.2, -0.4, 1.3], dtype=torch.float64)
    pairs = torch.stack([z, 0.5 - z, 0.7 * z], dim=1)
    yield "the baseline is a number", parameters, _given(z, -0.9)
    yield "each draw has its baseline", parameters, _given(z, per_draw)
    yield "log_f has two dimensions", parameters, _given(pairs, 0.4)
    yield "log_f depends on them", parameters, _learned(z, lambda *_: -4.0)
    yield "log_f and the baseline depend on them", parameters, _learned(z, _others)
    yield "the baseline is learned", parameters, _learned(z, lambda _, p: p[0] * p[1] - 0.8)


def gradients(loss: Callable) -> list[Tensor]:
    """Gradients of a loss in q's parameters, (2,) for each example; zero where none flows.

    Of terms that were not averaged, it is their mean that is differentiated.
    """
    found = []
    for _, parameters, arguments in examples():
        leaf = parameters.clone().requires_grad_()
        value = loss(*arguments(leaf)).mean()
        if value.requires_grad:
            found += torch.autograd.grad(value, leaf, allow_unused=True, materialize_grads=True)
        else:
            found.append(torch.zeros_like(parameters))
    return found


def trains_like(wrong: Callable) -> Callable:
    """Whether an answer has the gradients of a wrong version: a `recognise` for mistakes."""

    def recognise(fn, generator):
        return all(map(torch.allclose, gradients(fn), gradients(wrong)))

    return recognise
