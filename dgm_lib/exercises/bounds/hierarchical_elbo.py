"""The bound of a VAE with two latent layers."""

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise
from dgm_lib.exercises.bounds.hierarchical_mistakes import MISTAKES


def hierarchical_elbo(
    log_px_z1: Tensor, log_pz1_z2: Tensor, log_pz2: Tensor, log_qz1_x: Tensor, log_qz2_z1: Tensor
) -> Tensor:
    """E_q[log p(x|z1) + log p(z1|z2) + log p(z2) − log q(z1|x) − log q(z2|z1)] -> (*batch,).

    Each log density (k, *batch), at k draws of z1 from q(z1|x) and z2 from q(z2|z1), for each x.
    """
    log_p = log_px_z1 + log_pz1_z2 + log_pz2
    log_q = log_qz1_x + log_qz2_z1
    return (log_p - log_q).mean(dim=0)


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(*shape: int, far: float = 0.0) -> tuple[Tensor, ...]:
        spread = torch.randn(5, *shape, generator=generator, dtype=torch.float64)
        offsets = [-3.1 + far, -1.2, -2.4, 0.7, -0.4]
        return tuple((1.3 * s + offset).to(dtype) for s, offset in zip(spread, offsets))

    return [
        case(3, 2),
        case(4),
        case(2, 4),
        case(5, 3),
        case(4, 3, 2),
        case(1, 6),
        case(6, 5, far=-1200.0),
        case(3, 6, far=1200.0),
    ]


# ------------------------------------------------------------------------ right answers


def _layer_by_layer(log_px_z1, log_pz1_z2, log_pz2, log_qz1_x, log_qz2_z1):
    lower = log_qz1_x - log_pz1_z2
    upper = log_qz2_z1 - log_pz2
    return log_px_z1.mean(0) - lower.mean(0) - upper.mean(0)


def _stacked(*terms):
    signs = torch.tensor([1.0, 1.0, 1.0, -1.0, -1.0]).to(terms[0])
    return torch.einsum("i,ik...->...", signs, torch.stack(terms)) / len(terms[0])


def _draw_by_draw(log_px_z1, log_pz1_z2, log_pz2, log_qz1_x, log_qz2_z1):
    total = torch.zeros_like(log_px_z1[0])
    for px, p1, p2, q1, q2 in zip(log_px_z1, log_pz1_z2, log_pz2, log_qz1_x, log_qz2_z1):
        total = total + (px + p1 + p2 - q1 - q2)
    return total / log_px_z1.shape[0]


def _entropies(log_px_z1, log_pz1_z2, log_pz2, log_qz1_x, log_qz2_z1):
    energy = torch.mean(log_px_z1 + log_pz1_z2 + log_pz2, axis=0)
    return energy + (-log_qz1_x).mean(axis=0) + (-log_qz2_z1).mean(axis=0)


def _draws_last(*terms):
    px, p1, p2, q1, q2 = (term.movedim(0, -1) for term in terms)
    return torch.sum(px + p2 - q2 + p1 - q1, -1) / px.shape[-1]


Exercise(
    hierarchical_elbo,
    title="The ELBO of two latent layers",
    minutes=5,
    difficulty=1,
    returns="(*batch,), one bound for each x",
    cases=_cases,
    grad_wrt=("log_px_z1", "log_pz1_z2", "log_pz2", "log_qz1_x", "log_qz2_z1"),
    mistakes=MISTAKES,
    accepts=[_layer_by_layer, _stacked, _draw_by_draw, _entropies, _draws_last],
    hints=(
        "It is the ELBO as before, E_q[log p(x, z) − log q(z|x)], and z is now (z1, z2).",
        "The model factorises from the top, p(z2) p(z1|z2) p(x|z1), and q from the bottom, "
        "q(z1|x) q(z2|z1): three logs are added, two subtracted.",
        "The expectation is the mean over the k draws, dim=0; each x keeps its own bound.",
    ),
)
