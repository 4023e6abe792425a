"""The best discriminator where the label of data is smoothed."""

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise
from dgm_lib.exercises.taming.smoothed_mistakes import MISTAKES


def smoothed_optimum(log_pi: Tensor, log_p: Tensor, smooth: float) -> Tensor:
    """D*(x) = smooth · π(x) / (π(x) + p(x)): data are labelled `smooth`, fakes 0 -> (*batch,).

    log_pi: log π(x) of the data law, log_p: log p(x) of the generator's, both (*batch,). It
    minimises −π (smooth log D + (1 − smooth) log(1 − D)) − p log(1 − D) at each x. Salimans et
    al. (2016).
    """
    return smooth * torch.sigmoid(log_pi - log_p)


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(smooth: float, *shape: int) -> tuple:
        log_pi, log_p = torch.randn(2, *shape, generator=generator, dtype=torch.float64)
        return (log_pi - 1.1).to(dtype), (1.4 * log_p - 0.3).to(dtype), smooth

    def of(log_pi: list, log_p: list, smooth: float) -> tuple:
        return torch.tensor(log_pi, dtype=dtype), torch.tensor(log_p, dtype=dtype), smooth

    return [
        case(0.8, 2),
        case(0.9, 5),
        case(0.7, 3, 2),
        case(1.0, 4),
        case(0.85),
        of([-900.0, -901.5, -200.0, 3.0], [-901.0, -900.0, -2000.0, -400.0], 0.9),
        of([400.0, 399.0, 1.0], [399.5, 401.0, 700.0], 0.8),
        of([-torch.inf, -1.0], [0.3, -torch.inf], 0.9),
    ]


# ------------------------------------------------------------------------ right answers


def _quotient(log_pi, log_p, smooth):
    return smooth / (1 + torch.exp(log_p - log_pi))


def _logs(log_pi, log_p, smooth):
    return (log_pi - torch.logaddexp(log_pi, log_p)).exp() * smooth


def _softmax(log_pi, log_p, smooth):
    return smooth * torch.softmax(torch.stack([log_pi, log_p], dim=-1), dim=-1)[..., 0]


def _labels_averaged(log_pi, log_p, smooth):
    of_data = torch.sigmoid(log_pi - log_p)
    return of_data * smooth + (1 - of_data) * 0.0


def _fakes_taken_away(log_pi, log_p, smooth):
    return smooth - smooth * torch.special.expit(log_p - log_pi)


Exercise(
    smoothed_optimum,
    title="The optimum with a smoothed label",
    minutes=5,
    difficulty=2,
    returns="(*batch,), one value for each point",
    cases=_cases,
    mistakes=MISTAKES,
    accepts=[_quotient, _logs, _softmax, _labels_averaged, _fakes_taken_away],
    hints=(
        "The cross-entropy is least where D(x) is the mean label at x: a point there is a datum "
        "with chance π/(π + p), else a fake.",
        "The mean label is smooth · π/(π + p) + 0 · p/(π + p). With both labels smoothed the "
        "second term would be there, and D would prefer fakes where p is large and π small.",
        "π/(π + p) = sigmoid(log π − log p): no density by itself, so none underflows.",
    ),
)
