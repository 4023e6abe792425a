"""The forward KL of a flow: maximum likelihood."""

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise
from dgm_lib.exercises.flows.forward_kl_mistakes import MISTAKES
from dgm_lib.exercises.flows.stand_ins import Flow, trains_as


def forward_kl(model, x: Tensor) -> Tensor:
    """−mean log q(x) over data x (*batch, d) -> (), with log q(x) = log p(z) + ladj.

    model: has .base, with log_prob(z), and .transform, with transform(x) -> z, ladj.
    """
    z, ladj = model.transform(x)
    return -model.base.log_prob(z).mean() - ladj.mean()


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(*shape, far=0.0):
        x = torch.randn(shape, generator=generator, dtype=torch.float64) + far
        return Flow(shape[-1], dtype), x.to(dtype)

    return [case(2, 2), case(5, 3), case(5), case(6, 1), case(3, 2, far=9.0), case(2, 3, 4)]


# ------------------------------------------------------------------------ right answers


def _mean_of_log_q(model, x):
    z, ladj = model.transform.forward(x)
    log_q = model.base.log_prob(z) + ladj
    return -log_q.mean()


def _sum_over_n(model, x):
    z, ladj = model.transform(x.reshape(-1, x.shape[-1]))
    return (-model.base.log_prob(z) - ladj).sum() / len(z)


def _point_by_point(model, x):
    terms = []
    for point in x.flatten(0, -2) if x.dim() > 1 else [x]:
        z, ladj = model.transform(point)
        terms.append(ladj + model.base.log_prob(z))
    return torch.stack(terms).mean().neg()


def _helper(model, x):
    def log_q(x):
        z, ladj = model.transform(x)
        return torch.add(model.base.log_prob(z), ladj)

    return torch.mean(torch.negative(log_q(x)))


Exercise(
    forward_kl,
    title="The forward KL of a flow",
    minutes=5,
    difficulty=1,
    returns="(), one number",
    cases=_cases,
    properties=[trains_as(forward_kl)],
    mistakes=MISTAKES,
    accepts=[_mean_of_log_q, _sum_over_n, _point_by_point, _helper],
    hints=(
        "The change of variables again: log q(x) = log p(z) + ladj, for z, ladj = transform(x).",
        "model.base.log_prob(z) and ladj are (*batch,): add them, then average over all points.",
        "KL(p‖q) = −E log q(x) − H(p), and H(p) is the same for all models: minimise −mean log q.",
    ),
)
