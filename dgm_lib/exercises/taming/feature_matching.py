"""Feature matching: the generator aims at the data's mean features, not at the discriminator."""

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise
from dgm_lib.exercises.taming.feature_mistakes import MISTAKES


def feature_matching(real_features: Tensor, fake_features: Tensor) -> Tensor:
    """‖mean f(x) − mean f(G(z))‖², from features of data (n, k) and of fakes (m, k) -> ().

    The generator's loss: its gradient flows through the fakes' features. Salimans et al. (2016).
    """
    return (real_features.mean(dim=0) - fake_features.mean(dim=0)).square().sum()


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(n: int, m: int, k: int, far: float = 0.0) -> tuple[Tensor, Tensor]:
        real, fake = (
            torch.randn(rows, k, generator=generator, dtype=torch.float64) for rows in (n, m)
        )
        return (0.7 * real + 0.4 + far).to(dtype), (1.2 * fake - 0.3).to(dtype)

    return [case(2, 3, 2), case(4, 4, 3), case(5, 2, 4), case(3, 6, 1), case(1, 5, 3, far=5.0)]


# ------------------------------------------------------------------------ right answers


def _norm(real_features, fake_features):
    return torch.linalg.vector_norm(fake_features.mean(0) - real_features.detach().mean(0)) ** 2


def _dot(real_features, fake_features):
    gap = real_features.sum(0) / len(real_features) - fake_features.sum(0) / len(fake_features)
    return gap @ gap


def _mse(real_features, fake_features):
    with torch.no_grad():
        aim = real_features.mean(dim=0)
    return torch.nn.functional.mse_loss(fake_features.mean(dim=0), aim, reduction="sum")


def _feature_by_feature(real_features, fake_features):
    columns = zip(real_features.unbind(1), fake_features.unbind(1))
    return sum((real.mean() - fake.mean()) ** 2 for real, fake in columns)


def _all_pairs(real_features, fake_features):
    gaps = (real_features[:, None] - fake_features).mean(dim=(0, 1))
    return gaps.pow(2).sum()


Exercise(
    feature_matching,
    title="Feature matching",
    minutes=5,
    difficulty=1,
    returns="(), one number",
    cases=_cases,
    grad_wrt=("fake_features",),
    mistakes=MISTAKES,
    accepts=[_norm, _dot, _mse, _feature_by_feature, _all_pairs],
    hints=(
        "What is matched are the mean features: one vector (k,) for the data, one for the fakes.",
        "There need not be as many fakes as data, and they are no pairs: average each over its "
        "batch, dim=0, before you compare.",
        "The squared Euclidean norm of the difference: .square().sum(), no root. The fakes' "
        "features keep their gradient.",
    ),
)
