"""A continuous law on discrete levels, by its distribution function."""

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Fail
from dgm_lib.exercises.autoregressive_flows.bins_mistakes import CLAMPED, LAST_BIN, MISTAKES, NAIVE


def logistic_bins(mu: Tensor, s: Tensor, levels: int) -> Tensor:
    """P(y) = F(y + ½) − F(y − ½), F(x) = sigmoid((x − mu)/s), for y = 0, …, levels − 1.

    mu, s (*batch,) -> (*batch, levels). The first bin begins at −∞ and the last ends at ∞. The
    probabilities are right to a few digits even where they are tiny.
    """
    edges = (torch.arange(levels - 1) + 0.5).to(mu)  # between the bins
    mu, s = mu.unsqueeze(-1), s.unsqueeze(-1)
    below, above = torch.sigmoid((edges - mu) / s), torch.sigmoid((mu - edges) / s)
    inner = below[..., 1:] * above[..., :-1] * -torch.expm1(-1 / s)
    return torch.cat([below[..., :1], inner, above[..., -1:]], dim=-1)


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(levels, *shape, scale=0.8):
        mu = -0.5 + levels * torch.rand(shape, generator=generator, dtype=torch.float64)
        s = scale * (torch.randn(shape, generator=generator, dtype=torch.float64) / 2).exp()
        return mu.to(dtype), s.to(dtype), levels

    return [case(4), case(5, 3), case(4, 2, 3), case(2, 4), case(9, 5, scale=4.0), _narrow(dtype)]


def _narrow(dtype: torch.dtype) -> tuple:
    """A scale at which exp overflows in float32 on the way to the far levels."""
    numbers = [[1.2, 7.7, -0.9, 9.3, 14.1, 2.2, 4.4], [0.1, 0.1, 0.11, 0.12, 0.1, 0.13, 0.12]]
    return *torch.tensor(numbers, dtype=dtype), 16


def _tails(fn, generator):
    """far from mu"""
    mu, s = torch.tensor([[1.3, 13.2], [0.21, 0.2]])
    exact = logistic_bins(mu.double(), s.double(), 16)
    out = fn(mu, s, 16).double()
    wrong = ~torch.isclose(out, exact, rtol=0.01, atol=0)
    if not wrong.any():
        return
    if not wrong[:, 1:].any() or not wrong[:, :-1].any():
        raise Fail(LAST_BIN)
    raise Fail(CLAMPED if out.min() > 10 * exact.min() else NAIVE)


def _sums_to_one(fn, generator):
    """sums to 1"""
    mu = 40 * torch.rand(64, generator=generator, dtype=torch.float64) - 16
    total = fn(mu, 0.05 + 3 * torch.rand(64, generator=generator).double(), 8).sum(-1)
    if not torch.allclose(total, torch.ones_like(total)):
        raise Fail("the probabilities of all levels must sum to 1, wherever mu is")


def _mirror(mu, s, levels):
    edges = (torch.arange(levels - 1) + 0.5).to(mu)
    a = (edges - mu[..., None]) / s[..., None]
    flip = 1 - 2 * (a[..., 1:] + a[..., :-1] > 0).to(mu)
    inner = (torch.sigmoid(flip * a[..., 1:]) - torch.sigmoid(flip * a[..., :-1])).abs()
    first, last = torch.sigmoid(a[..., 0]), torch.sigmoid(-a[..., -1])
    return torch.cat([first[..., None], inner, last[..., None]], dim=-1)


def _logarithms(mu, s, levels):
    log_sigmoid, columns = torch.nn.functional.logsigmoid, []
    for y in range(levels):
        log_p = torch.zeros_like(mu)
        if y < levels - 1:
            log_p = log_p + log_sigmoid((y + 0.5 - mu) / s)
        if y > 0:
            log_p = log_p + log_sigmoid(-(y - 0.5 - mu) / s)
        if 0 < y < levels - 1:
            log_p = log_p + torch.log1p(-torch.exp(-1 / s))
        columns.append(log_p.exp())
    return torch.stack(columns, dim=-1)


def _hyperbolic(mu, s, levels):
    y, mu, s = torch.arange(levels, device=mu.device), mu.unsqueeze(-1), s.unsqueeze(-1)
    half = 1 / (2 * s)
    p = half.sinh() / (((y - mu) / s).cosh() + half.cosh())
    first = torch.sigmoid((0.5 - mu) / s)
    last = torch.sigmoid((mu - levels + 1.5) / s)
    return torch.where(y == 0, first, torch.where(y == levels - 1, last, p))


def _far_edges(mu, s, levels):
    ends = torch.tensor([-1e6, 1e6], device=mu.device)
    edges = torch.cat([ends[:1], torch.arange(levels - 1, device=mu.device) + 0.5, ends[1:]])
    a = ((edges.to(mu.dtype) - mu[..., None]) / s[..., None]).unfold(-1, 2, 1)
    width = (edges[1:] - edges[:-1]).to(mu.dtype) / s[..., None]
    return torch.sigmoid(a[..., 1]) * torch.sigmoid(-a[..., 0]) * (1 - torch.exp(-width))


Exercise(
    logistic_bins,
    title="A logistic law on discrete levels",
    minutes=15,
    difficulty=3,
    returns="(*batch, levels)",
    cases=_cases,
    properties=[_sums_to_one, _tails],
    grad_wrt=("mu", "s"),
    mistakes=MISTAKES,
    accepts=[_mirror, _logarithms, _hyperbolic, _far_edges],
    hints=(
        "There are levels − 1 edges between the bins: ½, 3/2, …. With F there, 0 before them and 1 "
        "after them, each bin is a difference of neighbours.",
        "F above mu is close to 1, and the difference of two such numbers is 0 in float32. "
        "1 − F(x) = sigmoid((mu − x)/s) keeps its digits there: the last bin is that alone.",
        "sigmoid(b) − sigmoid(a) = sigmoid(b) · sigmoid(−a) · (1 − exp(a − b)) without "
        "cancellation; for the inner bins b − a = 1/s. Do the two edge bins by themselves: an edge "
        "at ∞ makes the gradient in s NaN.",
    ),
)
