"""The swap of two chains at different temperatures."""

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Fail
from dgm_lib.exercises.mcmc.swap_mistakes import MISTAKES

Beta = float | Tensor


def swap_probability(log_p_i: Tensor, log_p_j: Tensor, beta_i: Beta, beta_j: Beta) -> Tensor:
    """min(1, exp((beta_i − beta_j)(log_p_j − log_p_i))), (*chains,).

    Chain i samples p^beta_i and stands at x_i, chain j p^beta_j at x_j. log_p_i = log p(x_i) and
    log_p_j = log p(x_j), (*chains,), are not tempered; −inf where p = 0, for one of them at most.
    """
    log_ratio = (beta_i - beta_j) * (log_p_j - log_p_i)
    return log_ratio.clamp(max=0).exp()


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def draw(*shape, scale=2.0, offset=0.0):
        """Multiples of 1/32, and so are the betas: float32 rounds nothing, in any order."""
        drawn = torch.randn(shape, generator=generator, dtype=torch.float64)
        return ((offset + scale * drawn) * 32).round().div(32).to(dtype)

    def row(*values):
        return torch.tensor(values, dtype=dtype)

    ladder = row(1.0, 0.625, 0.25, 0.125)[:, None]
    inf = torch.inf
    far = row(1000.0, -1000.0, -1000.5, -3.0, 2.0), row(-1000.0, 1000.0, -1002.0, -1000.0, 1.0)
    return [
        (row(-1.25, 0.5, -0.75, 0.25), row(-3.0, 1.75, -1.125, -0.5), 0.75, 0.125),
        (row(-2.0, 0.5, -0.5, 0.75), row(-0.75, -1.5, -0.25, 1.5), 0.25, 0.625),
        (*far, 1.0, 0.375),
        (row(-1.5, 0.5, -1.0, 0.75, -2.0), row(-inf, -inf, -2.5, 1.5, -2.25), 0.875, 0.25),
        (row(-inf, -inf, -2.5, 0.5, 1.0), row(-0.5, 2.0, -1.5, 0.25, 1.5), 0.0, 1.0),
        (draw(2, 3), draw(2, 3), 1.0, 0.625),
        (draw(3, 5, offset=-30.0), draw(3, 5, offset=-33.0), ladder[:-1], ladder[1:]),
    ]


def _takes_a_single_pair(fn, generator):
    """a single pair"""
    args = *torch.tensor([-1.25, -3.0], dtype=torch.float64).unbind(), 0.75, 0.125
    out = fn(*args)
    if out.shape != () or not torch.allclose(out, swap_probability(*args)):
        raise Fail("it works for a batch, but not for a single pair, whose logs have no dimension")


# ------------------------------------------------------------------------ right answers


def _minimum(log_p_i, log_p_j, beta_i, beta_j):
    log_ratio = -(beta_j - beta_i) * (log_p_j - log_p_i)
    return torch.minimum(log_ratio, torch.zeros_like(log_ratio)).exp()


def _exp_first(log_p_i, log_p_j, beta_i, beta_j):
    return torch.clamp(torch.exp((beta_j - beta_i) * (log_p_i - log_p_j)), max=1.0)


def _smallest_of_two(log_p_i, log_p_j, beta_i, beta_j):
    log_ratio = (beta_j - beta_i) * -(log_p_j - log_p_i)
    return torch.stack([torch.zeros_like(log_ratio), log_ratio]).amin(dim=0).exp()


def _energies(log_p_i, log_p_j, beta_i, beta_j):
    energy_i, energy_j = -log_p_i, -log_p_j
    log_ratio = (beta_i - beta_j) * (energy_i - energy_j)
    return torch.where(log_ratio >= 0, torch.ones_like(log_ratio), log_ratio.exp())


def _chain_by_chain(log_p_i, log_p_j, beta_i, beta_j):
    shape = log_p_i.shape
    beta = torch.as_tensor(beta_i - beta_j).to(log_p_i).expand(shape).reshape(-1)
    gain = (log_p_j - log_p_i).reshape(-1)
    return torch.stack([torch.exp((b * g).clamp(max=0)) for b, g in zip(beta, gain)]).view(shape)


Exercise(
    swap_probability,
    title="Swapping two temperatures",
    minutes=6,
    difficulty=2,
    returns="(*chains,), one probability per pair of chains",
    cases=_cases,
    properties=[_takes_a_single_pair],
    mistakes=MISTAKES,
    accepts=[_minimum, _exp_first, _smallest_of_two, _energies, _chain_by_chain],
    hints=(
        "A swap is a Metropolis step on the pair, whose law is p(x_i)^beta_i · p(x_j)^beta_j. "
        "The proposal is symmetric.",
        "New over old: p(x_j)^beta_i p(x_i)^beta_j over p(x_i)^beta_i p(x_j)^beta_j. Take logs and "
        "collect the terms.",
        "(beta_i − beta_j)(log_p_j − log_p_i): factorised, nothing becomes −inf + inf. Cut it at "
        "0, then take exp.",
    ),
)
