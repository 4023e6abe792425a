"""The reverse KL of a flow: training without data, on a density alone."""

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise
from dgm_lib.exercises.flows.reverse_kl_mistakes import MISTAKES
from dgm_lib.exercises.flows.stand_ins import QUARTIC, WAVY, Flow, trains_as


def reverse_kl(model, log_p, z: Tensor) -> Tensor:
    """E[log q(x) − log p(x)] over x of the model, from samples z of its base: z (n, d) -> ().

    model: has .base, with log_prob(z), and .transform, with inverse(z) -> x, ladj.
    """
    x, ladj = model.transform.inverse(z)
    return (model.base.log_prob(z) - ladj - log_p(x)).mean()


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(log_p, *shape, far=0.0):
        z = torch.randn(shape, generator=generator, dtype=torch.float64) + far
        return Flow(shape[-1], dtype), log_p, z.to(dtype)

    return [
        case(QUARTIC, 3, 2),
        case(WAVY, 5, 3),
        case(QUARTIC, 2, 1),
        case(WAVY, 3, 2, far=60.0),
        case(QUARTIC, 12, 4),
    ]


# ------------------------------------------------------------------------ right answers


def _log_q_then_log_p(model, log_p, z):
    x, ladj = model.transform.inverse(z)
    log_q = model.base.log_prob(z) - ladj
    return torch.mean(log_q - log_p(x))


def _three_means(model, log_p, z):
    x, ladj = model.transform.inverse(z)
    return model.base.log_prob(z).mean() - ladj.mean() - log_p(x).mean()


def _there_and_back(model, log_p, z):
    x, _ = model.transform.inverse(z)
    latent, ladj = model.transform(x)
    return (model.base.log_prob(latent) + ladj - log_p(x)).mean()


def _sample_by_sample(model, log_p, z):
    total = 0.0
    for point in z:
        x, ladj = model.transform.inverse(point)
        total = total + model.base.log_prob(point) - ladj - log_p(x)
    return total / len(z)


def _base_is_fixed(model, log_p, z):
    with torch.no_grad():
        log_z = model.base.log_prob(z)
    x, ladj = model.transform.inverse(z)
    return -(log_p(x) + ladj - log_z).sum() / z.shape[0]


Exercise(
    reverse_kl,
    title="The reverse KL of a flow",
    minutes=8,
    difficulty=2,
    returns="(), one number",
    cases=_cases,
    properties=[trains_as(reverse_kl, QUARTIC)],
    mistakes=MISTAKES,
    accepts=[
        _log_q_then_log_p,
        _three_means,
        _there_and_back,
        _sample_by_sample,
        _base_is_fixed,
    ],
    hints=(
        "Samples of the model come from latent to data: x, ladj = model.transform.inverse(z).",
        "NOTATION: ladj belongs to the direction that was called, here latent → data. "
        "So log q(x) = log p(z) − ladj.",
        "Average log q(x) − log p(x) over the samples. The gradient flows through x: no detach.",
    ),
)
