"""The weights of annealed importance sampling, from the states that its chains went through."""

from collections.abc import Callable

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise
from dgm_lib.exercises.energy_models.ais_mistakes import MISTAKES
from dgm_lib.exercises.energy_models.stand_ins import GEOMETRIC, NARROWING


def ais_log_weights(log_prob_at: Callable, xs: Tensor, betas: Tensor) -> Tensor:
    """log w = Σ_k log p_{k+1}(x_k) − log p_k(x_k), for k = 0, …, K − 1 -> (*chains,).

    log_prob_at: log_prob_at(beta)(x), (*batch, d) -> (*batch,), is log p at beta, unnormalised.
    xs: (K, *chains, d), and xs[k] is where the chains are when beta goes from betas[k] to
    betas[k + 1]. betas: (K + 1,).
    """
    steps = [
        log_prob_at(after)(x) - log_prob_at(before)(x)
        for x, before, after in zip(xs, betas, betas[1:])
    ]
    return torch.stack(steps).sum(dim=0)


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(log_prob_at, betas, *shape, far=0.0):
        moved = torch.randn(len(betas) - 1, *shape, generator=generator, dtype=torch.float64)
        xs = 0.6 + 0.9 * moved + far
        return log_prob_at, xs.to(dtype), torch.tensor(betas, dtype=dtype)

    return [
        case(NARROWING, [0.0, 0.2, 0.5, 1.0], 2, 1),
        case(GEOMETRIC, [0.0, 0.1, 0.25, 0.6, 1.0], 3, 2),
        case(NARROWING, [0.1, 0.4, 0.5, 0.9], 2),
        case(NARROWING, [0.2, 0.7], 4, 2),
        case(GEOMETRIC, [0.0, 0.05, 0.2, 0.5, 0.7, 1.0], 2, 3, 2),
        case(NARROWING, [1.0, 0.8, 0.55, 0.1, 0.0], 4, 2),
        case(NARROWING, [0.0, 0.2, 0.5, 1.0], 3, 2, far=40.0),
    ]


# ------------------------------------------------------------------------ right answers


def _running_total(log_prob_at, xs, betas):
    log_w = torch.zeros_like(xs[0, ..., 0])
    for k in range(len(xs)):
        log_w = log_w + log_prob_at(betas[k + 1])(xs[k]) - log_prob_at(betas[k])(xs[k])
    return log_w


def _counted_from_one(log_prob_at, xs, betas):
    log_w = 0.0
    for k in range(1, len(betas)):
        x = xs[k - 1]
        log_w += log_prob_at(betas[k])(x) - log_prob_at(betas[k - 1])(x)
    return log_w


def _two_sums(log_prob_at, xs, betas):
    def total(betas):
        return sum(log_prob_at(beta)(x) for beta, x in zip(betas.tolist(), xs.unbind()))

    return total(betas[1:]) - total(betas[:-1])


def _whole_table(log_prob_at, xs, betas):
    table = torch.stack([log_prob_at(beta)(xs) for beta in betas])
    return table.diff(dim=0).diagonal().sum(-1)


def _vectorised(log_prob_at, xs, betas):
    betas = betas.reshape(-1, *[1] * (xs.dim() - 2))
    return (log_prob_at(betas[1:])(xs) - log_prob_at(betas[:-1])(xs)).sum(0)


def _chain_by_chain(log_prob_at, xs, betas):
    def weight(path):
        return sum(
            log_prob_at(b)(x) - log_prob_at(a)(x) for a, b, x in zip(betas[:-1], betas[1:], path)
        )

    paths = xs.flatten(1, -2).unbind(1) if xs.dim() > 2 else [xs]
    return torch.stack([weight(path) for path in paths]).reshape(xs.shape[1:-1])


def _backwards(log_prob_at, xs, betas):
    log_w, k = 0.0, xs.shape[0]
    while k > 0:
        ratio = log_prob_at(betas[k - 1])(xs[k - 1]) - log_prob_at(betas[k])(xs[k - 1])
        log_w, k = log_w - ratio, k - 1
    return log_w


Exercise(
    ais_log_weights,
    title="The weights of annealed importance sampling",
    minutes=12,
    difficulty=2,
    returns="(*chains,), one log weight per chain",
    cases=_cases,
    mistakes=MISTAKES,
    accepts=[
        _running_total,
        _counted_from_one,
        _two_sums,
        _whole_table,
        _vectorised,
        _chain_by_chain,
        _backwards,
    ],
    hints=(
        "With two betas this is importance sampling: x_0 comes from p_0, and its weight is "
        "p_1(x_0) / p_0(x_0).",
        "Each further step multiplies the weight by such a ratio, at the point where the chain is "
        "before its move at the new beta: xs[k], between betas[k] and betas[k + 1].",
        "In logs the product is a sum. zip(xs, betas, betas[1:]) gives each point with the beta "
        "before and the one after; torch.stack(...).sum(dim=0) adds up.",
    ),
)
