"""What a Wasserstein critic minimises."""

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise
from dgm_lib.exercises.wasserstein.critic_mistakes import MISTAKES


def critic_loss(real: Tensor, fake: Tensor) -> Tensor:
    """−(mean f(x) − mean f(G(z))), from the critic's scores of data and of fakes -> ().

    Turned round it estimates W₁ from below where f is 1-Lipschitz, up to sampling. The scores are
    bare numbers: no sigmoid. real (*batch,), fake (*others,). Arjovsky et al. (2017).
    """
    return -(real.mean() - fake.mean())


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(batch: tuple, others: tuple, far: float = 0.0) -> tuple[Tensor, Tensor]:
        real, fake = (
            torch.randn(shape, generator=generator, dtype=torch.float64)
            for shape in (batch, others)
        )
        return (1.3 * real + 0.9 + far).to(dtype), (fake - 0.5 - far).to(dtype)

    return [
        case((2,), (3,)),
        case((4,), (4,)),
        case((5,), (3,)),
        case((2, 3), (4,)),
        case((3,), (4,), far=70.0),
        case((3,), (2,), far=-4.0),
    ]


# ------------------------------------------------------------------------ right answers


def _difference(real, fake):
    return fake.mean() - real.mean()


def _sums(real, fake):
    return fake.sum() / fake.numel() - real.sum() / real.numel()


def _minus_estimate(real, fake):
    estimate = torch.mean(real) - torch.mean(fake)
    return estimate.neg()


def _signs(real, fake):
    return sum(sign * scores.mean() for sign, scores in ((-1, real), (1, fake)))


def _all_pairs(real, fake):
    return (fake.flatten() - real.flatten()[:, None]).mean()


Exercise(
    critic_loss,
    title="The critic's loss",
    minutes=3,
    difficulty=1,
    returns="(), one number",
    cases=_cases,
    grad_wrt=("real", "fake"),
    mistakes=MISTAKES,
    accepts=[_difference, _sums, _minus_estimate, _signs, _all_pairs],
    hints=(
        "The dual: W₁ is the largest E f(x) − E f(G(z)) over all 1-Lipschitz f. The critic "
        "climbs it.",
        "A loss is minimised: turn the sign.",
        "No sigmoid, no log: two plain means, since there need not be as many fakes as data.",
    ),
)
