"""The acceptance probability of Metropolis and Hastings."""

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Fail
from dgm_lib.exercises.mcmc.metropolis_mistakes import MISTAKES


def metropolis(
    log_p: Tensor, log_p_new: Tensor, log_q_forward: Tensor, log_q_backward: Tensor
) -> Tensor:
    """min(1, p(x') q(x|x') / (p(x) q(x'|x))), everything in logarithms and (*chains,).

    log_p, log_p_new: log p(x) and log p(x'), up to a common constant; where p(x') = 0, the latter
    is −inf. log_q_forward: log q(x'|x), log_q_backward: log q(x|x').
    """
    log_ratio = log_p_new + log_q_backward - log_p - log_q_forward
    return log_ratio.clamp(max=0).exp()


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def draw(*shape, scale=1.0, offset=0.0):
        """Multiples of 1/32, so that float32 adds them without rounding in any order."""
        drawn = torch.randn(shape, generator=generator, dtype=torch.float64)
        return ((offset + scale * drawn) * 32).round().div(32).to(dtype)

    def case(*shape, offset=0.0, scale=1.0):
        logs = [draw(*shape, offset=offset, scale=scale) for _ in range(2)]
        return *logs, draw(*shape, offset=-0.7), draw(*shape, offset=-1.4)

    def fixed(*rows):
        return tuple(torch.tensor(row, dtype=dtype) for row in rows)

    far = fixed(
        [1000.0, -1000.0, 1000.5, -1000.25, -2.0],
        [-1000.0, 1000.0, 1000.0, -1001.0, -0.5],
        [-3.5, -2.25, -1.5, 0.75, 1.5],
        [-1.25, -4.5, -2.25, 0.5, 1000.0],
    )
    impossible = fixed(
        [-1.5, 0.5, -0.25, -900.0, 2.0, -1.0],
        [-torch.inf, -0.25, -torch.inf, -901.5, 2.5, -0.5],
        [-0.5, -1.25, -800.0, -0.5, -1.0, 3.0],
        [-0.75, -torch.inf, -1.0, 0.25, -0.75, 2.0],
    )
    return [
        fixed([-1.25, 0.5, -0.75], [-1.75, 1.25, -1.0], [-0.5, -0.25, -1.0], [-0.25, -1.5, -0.25]),
        case(2, 3),
        far,
        impossible,
        case(7, offset=-40.0),
        case(2, 3, 4, scale=2.0),
    ]


def _takes_a_single_chain(fn, generator):
    """a single chain"""
    logs = torch.tensor([-1.25, -1.75, -0.5, -0.75], dtype=torch.float64).unbind()
    out = fn(*logs)
    if out.shape != () or not torch.allclose(out, metropolis(*logs)):
        raise Fail("it works for a batch, but not for a single chain, whose logs have no dimension")


# ------------------------------------------------------------------------ right answers


def _minimum(log_p, log_p_new, log_q_forward, log_q_backward):
    log_ratio = (log_p_new - log_q_forward) - (log_p - log_q_backward)
    return torch.exp(torch.minimum(torch.zeros_like(log_ratio), log_ratio))


def _exp_first(log_p, log_p_new, log_q_forward, log_q_backward):
    log_ratio = (log_p_new - log_p) + (log_q_backward - log_q_forward)
    return torch.clamp(torch.exp(log_ratio), max=1.0)


def _where(log_p, log_p_new, log_q_forward, log_q_backward):
    there, back = log_p + log_q_forward, log_p_new + log_q_backward
    return torch.where(back >= there, torch.ones_like(there), (back - there).exp())


def _with_relu(log_p, log_p_new, log_q_forward, log_q_backward):
    loss = log_p + log_q_forward - log_p_new - log_q_backward
    return torch.exp(-torch.nn.functional.relu(loss))


def _chain_by_chain(*logs):
    together = torch.stack(torch.broadcast_tensors(*logs)).reshape(4, -1)
    ratios = [new + back - old - there for old, new, there, back in together.unbind(-1)]
    return torch.stack([r.exp() if r < 0 else r.new_ones(()) for r in ratios]).view(logs[0].shape)


def _summed(log_p, log_p_new, log_q_forward, log_q_backward):
    log_ratio = torch.stack([log_p_new, log_q_backward, -log_p, -log_q_forward], -1).sum(-1)
    return torch.exp(log_ratio.clip(None, 0.0))


Exercise(
    metropolis,
    title="The acceptance probability",
    minutes=6,
    difficulty=1,
    returns="(*chains,), one probability per chain",
    cases=_cases,
    properties=[_takes_a_single_chain],
    mistakes=MISTAKES,
    accepts=[_minimum, _exp_first, _where, _with_relu, _chain_by_chain, _summed],
    hints=(
        "Detailed balance: what flows from x to x', p(x) q(x'|x) a(x → x'), must flow back. "
        "The larger of the two flows is cut down to the smaller one.",
        "Products become sums: log p(x') + log q(x|x') − log p(x) − log q(x'|x).",
        "Cut at 0 before exp, .clamp(max=0).exp(): then nothing overflows, and the result is "
        "at most 1.",
    ),
)
