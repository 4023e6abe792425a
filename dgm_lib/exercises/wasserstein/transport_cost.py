"""What it costs to move one discrete law onto another, by a given plan."""

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise
from dgm_lib.exercises.wasserstein.transport_mistakes import MISTAKES


def transport_cost(plan: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Σ_ij plan_ij ‖x_i − y_j‖, the mean distance that mass moves under a plan -> ().

    plan (n, m): plan[i, j] is the mass that goes from x[i] to y[j], 1 in total. x (n, d),
    y (m, d). The earth mover's distance is the least such cost. Villani (2009).
    """
    return (plan * torch.cdist(x, y)).sum()


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(n: int, m: int, d: int) -> tuple[Tensor, ...]:
        plan = torch.rand(n, m, generator=generator, dtype=torch.float64) ** 3
        x, y = (torch.randn(k, d, generator=generator, dtype=torch.float64) for k in (n, m))
        return tuple(a.to(dtype) for a in (plan / plan.sum(), 1.3 * x, 0.8 * y + 1.1))

    square = torch.tensor([[0.0, 0.5], [0.5, 0.0]], dtype=dtype)
    corners = torch.tensor([[0.0, 0.0], [3.0, 0.0]], dtype=dtype)
    return [
        case(2, 3, 1),
        case(2, 2, 2),
        case(4, 3, 2),
        case(5, 5, 3),
        (square, corners, corners + torch.tensor([0.0, 4.0], dtype=dtype)),
    ]


# ------------------------------------------------------------------------ right answers


def _differences(plan, x, y):
    distances = (x[:, None, :] - y[None, :, :]).square().sum(dim=-1).sqrt()
    return torch.einsum("ij,ij->", plan, distances)


def _loop(plan, x, y):
    total = torch.zeros((), dtype=x.dtype, device=x.device)
    for i in range(len(x)):
        for j in range(len(y)):
            total = total + plan[i, j] * torch.linalg.norm(x[i] - y[j])
    return total


def _trace(plan, x, y):
    return torch.trace(plan @ torch.cdist(y, x))


def _row_by_row(plan, x, y):
    return sum(torch.dot(row, torch.norm(y - point, dim=1)) for row, point in zip(plan, x))


def _vectors(plan, x, y):
    return plan.flatten() @ torch.cdist(x, y, p=2).flatten()


Exercise(
    transport_cost,
    title="The cost of a transport plan",
    minutes=4,
    difficulty=1,
    returns="(), one number",
    cases=_cases,
    mistakes=MISTAKES,
    accepts=[_differences, _loop, _trace, _row_by_row, _vectors],
    hints=(
        "Each entry of the plan is a mass on a journey from x[i] to y[j]; the cost is mass times "
        "distance, summed over all journeys.",
        "torch.cdist(x, y) has all Euclidean distances, (n, m), as the plan.",
        "Multiply entry by entry, `*`, and sum over everything: the masses already add up to 1, so "
        "no mean.",
    ),
)
