"""Sampling from a masked autoregressive flow, coordinate by coordinate."""

from collections.abc import Callable

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Fail
from dgm_lib.exercises.autoregressive_flows.networks import asked, autoregressive
from dgm_lib.exercises.autoregressive_flows.sampling_mistakes import MISTAKES, version


def maf_sample(z: Tensor, net: Callable) -> Tensor:
    """The x with z = (x − mu) · exp(−log_sigma) for mu, log_sigma = net(x), all (*batch, d).

    mu and log_sigma of coordinate i depend on coordinates 0, …, i − 1 of x only. d calls of net
    do; they serve the whole batch, and gradients flow through them.
    """
    x = torch.zeros_like(z)
    for i in range(z.shape[-1]):
        mu, log_sigma = net(x)
        found = mu[..., i] + log_sigma[..., i].exp() * z[..., i]
        x = torch.cat([x[..., :i], found.unsqueeze(-1), x[..., i + 1 :]], dim=-1)
    return x


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(*shape):
        z = 0.3 + torch.randn(shape, generator=generator, dtype=torch.float64)
        return z.to(dtype), autoregressive(shape[-1])

    return [case(3), case(2, 4), case(4, 3), case(7, 2), case(2, 3, 5), case(3, 1, 6)]


def _few_calls(fn, generator):
    """d calls of net"""
    if len(asked(fn, 5)) > 5:
        raise Fail("net is called more than d times: one call per coordinate is enough")
    if len(asked(fn, 7, 4)) > 4:
        raise Fail("net is called for parts of the batch: one call takes all of (*batch, d)")


def _all_coordinates_each_time(z, net):
    x = z
    for _ in range(z.shape[-1]):
        mu, log_sigma = net(x)
        x = mu + log_sigma.exp() * z
    return x


def _list_of_columns(z, net):
    columns = list(torch.zeros_like(z).unbind(-1))
    for i, noise in enumerate(z.unbind(-1)):
        mu, log_sigma = net(torch.stack(columns, dim=-1))
        columns[i] = torch.addcmul(mu[..., i], log_sigma[..., i].exp(), noise)
    return torch.stack(columns, dim=-1)


def _into_a_clone(z, net):
    x = torch.zeros_like(z)
    for i in range(z.shape[-1]):
        mu, log_sigma = net(x)
        x = x.clone()
        x[..., i] = z[..., i] / torch.exp(-log_sigma[..., i]) + mu[..., i]
    return x


def _recursive(z, net, i=0, x=None):
    if i == z.shape[-1]:
        return x
    x = torch.ones_like(z) if x is None else x
    mu, log_sigma = net(x)
    one = torch.nn.functional.one_hot(torch.tensor(i), z.shape[-1]).to(z)
    return _recursive(z, net, i + 1, x * (1 - one) + one * (mu + torch.exp(log_sigma) * z))


Exercise(
    maf_sample,
    title="Sampling from a MAF",
    minutes=10,
    difficulty=2,
    returns="(*batch, d), the shape of z",
    cases=_cases,
    properties=[_few_calls],
    grad_wrt=("z",),
    mistakes=MISTAKES,
    accepts=[version(), _all_coordinates_each_time, _list_of_columns, _into_a_clone, _recursive],
    hints=(
        "Solve z = (x − mu)·exp(−log_sigma) for x. Coordinate 0 can be found at once, since its mu "
        "and log_sigma depend on nothing; then coordinate 1, and so on.",
        "Start with x = torch.zeros_like(z); in round i call net(x) and take mu[..., i] and "
        "log_sigma[..., i]: net does not look at the coordinates from i on.",
        "Do not write into x after net has seen it: make a new one, with torch.cat or torch.where, "
        "or x = x.clone() first.",
    ),
)
