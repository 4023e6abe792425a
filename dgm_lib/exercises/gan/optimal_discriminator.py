"""The best discriminator, from the two densities."""

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise
from dgm_lib.exercises.gan.optimal_mistakes import MISTAKES


def optimal_discriminator(log_pi: Tensor, log_p: Tensor) -> Tensor:
    """D*(x) = π(x) / (π(x) + p(x)) = 1 / (1 + p(x)/π(x)), without over- or underflow.

    log_pi: log π(x) of the data law, log_p: log p(x) of the generator's, both (*batch,) ->
    (*batch,), between 0 and 1. One of the two densities may be 0. Goodfellow et al. (2014).
    """
    return 1 / (1 + (log_p - log_pi).exp())


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(*shape: int) -> tuple[Tensor, Tensor]:
        log_pi, log_p = torch.randn(2, *shape, generator=generator, dtype=torch.float64)
        return (log_pi - 1.1).to(dtype), (1.4 * log_p - 0.3).to(dtype)

    def of(log_pi: list, log_p: list) -> tuple[Tensor, Tensor]:
        return torch.tensor(log_pi, dtype=dtype), torch.tensor(log_p, dtype=dtype)

    return [
        case(2),
        case(5),
        case(3, 2),
        case(),
        of([-900.0, -901.5, -200.0, 3.0], [-901.0, -900.0, -2000.0, -400.0]),
        of([400.0, 399.0, 1.0], [399.5, 401.0, 700.0]),
        of([-torch.inf, -1.0, -0.5], [0.3, -torch.inf, -0.7]),
    ]


# ------------------------------------------------------------------------ right answers


def _sigmoid(log_pi, log_p):
    return torch.sigmoid(log_pi - log_p)


def _log_sum(log_pi, log_p):
    return (log_pi - torch.logaddexp(log_pi, log_p)).exp()


def _softmax(log_pi, log_p):
    return torch.stack([log_pi, log_p]).softmax(dim=0)[0]


def _tanh(log_pi, log_p):
    return 0.5 + 0.5 * torch.tanh((log_pi - log_p) / 2)


def _largest_taken_out(log_pi, log_p):
    largest = torch.maximum(log_pi, log_p)
    pi, p = (log_pi - largest).exp(), (log_p - largest).exp()
    return pi / (pi + p)


Exercise(
    optimal_discriminator,
    title="The optimal discriminator",
    minutes=5,
    difficulty=1,
    returns="(*batch,), one probability for each point",
    cases=_cases,
    mistakes=MISTAKES,
    accepts=[_sigmoid, _log_sum, _softmax, _tanh, _largest_taken_out],
    hints=(
        "At each x, D maximises π log D + p log(1 − D). Set the derivative in D to 0.",
        "D* = π/(π + p): it depends on π and p through their ratio alone.",
        "Divide by π: 1/(1 + exp(log p − log π)), which is the sigmoid of log π − log p. No "
        "density is needed by itself, so none underflows.",
    ),
)
