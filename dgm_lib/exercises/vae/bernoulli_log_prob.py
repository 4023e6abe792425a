"""The likelihood of bits under a decoder's logits."""

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid, softplus

from dgm_lib.exercises import Exercise
from dgm_lib.exercises.vae.bernoulli_mistakes import MISTAKES


def bernoulli_log_prob(x: Tensor, logits: Tensor) -> Tensor:
    """log p(x|z) = Σ_i log Bernoulli(x_i; sigmoid(logits_i)) of bits x -> (*batch,).

    x (0 or 1) and logits: (*batch, d). Logits may be as large as ±10⁴.
    """
    return (x * logsigmoid(logits) + (1 - x) * logsigmoid(-logits)).sum(dim=-1)


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def bits(*shape: int) -> Tensor:
        return torch.randint(2, shape, generator=generator).to(dtype)

    def case(*shape: int, far: float = 1.7) -> tuple[Tensor, ...]:
        logits = far * torch.randn(shape, generator=generator, dtype=torch.float64) + 0.4
        return bits(*shape), logits.to(dtype)

    sure = torch.tensor([1e4, -1e4, 300.0, -300.0, 90.0, -90.0, 0.6])
    both = torch.tensor([[1.0, 0, 1, 0, 1, 0, 1], [0.0, 0, 1, 0, 0, 0, 0], [1.0, 1, 0, 1, 1, 1, 1]])
    first = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]]), torch.randn(2, 3, generator=generator)
    return [
        tuple(a.to(dtype) for a in first),
        case(6),
        case(5, 2),
        case(4, 3),
        case(2, 3, 4),
        case(3, 9),
        (both.to(dtype), sure.expand(3, -1).to(dtype)),
        case(5, 8, far=3000.0),
    ]


# ------------------------------------------------------------------------ right answers


def _cross_entropy(x, logits):
    return -binary_cross_entropy_with_logits(logits, x, reduction="none").sum(-1)


def _softplus(x, logits):
    return (x * logits - softplus(logits)).sum(dim=-1)


def _signs(x, logits):
    return logsigmoid((2 * x - 1) * logits).sum(-1)


def _law(x, logits):
    law = torch.distributions.Bernoulli(logits=logits)
    return torch.distributions.Independent(law, 1).log_prob(x)


def _where(x, logits):
    return torch.sum(torch.where(x > 0.5, logsigmoid(logits), logsigmoid(-logits)), dim=-1)


def _by_hand(x, logits):
    rest = torch.log1p(torch.exp(-logits.abs()))
    return torch.einsum("...d->...", x * logits - logits.clamp(min=0) - rest)


def _two_classes(x, logits):
    log_p = torch.stack([torch.zeros_like(logits), logits], dim=-1).log_softmax(-1)
    return log_p.gather(-1, x.long()[..., None]).squeeze(-1).sum(-1)


Exercise(
    bernoulli_log_prob,
    title="The likelihood of bits",
    minutes=6,
    difficulty=1,
    returns="(*batch,), one number for each x",
    cases=_cases,
    grad_wrt=("logits",),
    mistakes=MISTAKES,
    accepts=[_cross_entropy, _softplus, _signs, _law, _where, _by_hand, _two_classes],
    hints=(
        "A bit is 1 with probability sigmoid(logit) and 0 with the rest, sigmoid(−logit). In one "
        "formula: log p(x_i) = x_i · log sigmoid(logit_i) + (1 − x_i) · log sigmoid(−logit_i).",
        "For a logit of −200 sigmoid is 0 in float32 and its log is −∞: "
        "torch.nn.functional.logsigmoid takes both steps in one and never underflows.",
        "The bits are independent given z: sum over the last dimension, and leave the batch.",
    ),
)
