"""What the discriminator minimises: the cross-entropy of telling data from fakes."""

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid, softplus

from dgm_lib.exercises import Exercise
from dgm_lib.exercises.gan.discriminator_mistakes import MISTAKES


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """−mean log D(x) − mean log(1 − D(G(z))), from the logits of D at data and at fakes -> ().

    D = sigmoid(logit), so −log D = softplus(−logit) and −log(1 − D) = softplus(logit), which is
    finite for every logit. real_logits (*batch,), fake_logits (*others,). Goodfellow et al. (2014).
    """
    return softplus(-real_logits).mean() + softplus(fake_logits).mean()


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(batch: tuple, others: tuple, scale: float = 1.0) -> tuple[Tensor, Tensor]:
        real, fake = (
            torch.randn(shape, generator=generator, dtype=torch.float64)
            for shape in (batch, others)
        )
        return (scale * (real + 0.8)).to(dtype), (scale * (fake - 0.5)).to(dtype)

    far = torch.tensor([-300.0, 2.0, 150.0]), torch.tensor([250.0, -1.0, -400.0, 0.5])
    return [
        case((2,), (3,)),
        case((4,), (4,)),
        case((5,), (3,), scale=2.5),
        case((2, 3), (4,)),
        tuple(logits.to(dtype) for logits in far),
    ]


# ------------------------------------------------------------------------ right answers


def _log_sigmoids(real_logits, fake_logits):
    return -(logsigmoid(real_logits).mean() + logsigmoid(-fake_logits).mean())


def _cross_entropy(real_logits, fake_logits):
    cross_entropy = binary_cross_entropy_with_logits
    real = cross_entropy(real_logits, torch.ones_like(real_logits))
    return real + cross_entropy(fake_logits, torch.zeros_like(fake_logits))


def _labels(real_logits, fake_logits):
    signed = [(1, real_logits), (-1, fake_logits)]
    return sum(torch.nn.Softplus()(-label * logits).mean() for label, logits in signed)


def _by_hand(real_logits, fake_logits):
    def minus_log_sigmoid(a):
        return a.neg().clamp(min=0) + torch.log1p(torch.exp(-torch.abs(a)))

    real = minus_log_sigmoid(real_logits).sum() / real_logits.numel()
    return real + minus_log_sigmoid(-fake_logits).sum() / fake_logits.numel()


def _log_add_exp(real_logits, fake_logits):
    real = torch.logaddexp(torch.zeros_like(real_logits), -real_logits)
    return real.mean() + torch.logaddexp(torch.zeros_like(fake_logits), fake_logits).mean()


Exercise(
    discriminator_loss,
    title="The discriminator's loss",
    minutes=6,
    difficulty=1,
    returns="(), one number",
    cases=_cases,
    grad_wrt=("real_logits", "fake_logits"),
    mistakes=MISTAKES,
    accepts=[_log_sigmoids, _cross_entropy, _labels, _by_hand, _log_add_exp],
    hints=(
        "It is the cross-entropy of a classifier: −log D at data, whose label is 1, and "
        "−log(1 − D) at fakes, whose label is 0.",
        "D = sigmoid(a) = 1/(1 + exp(−a)), so −log D = log(1 + exp(−a)) = softplus(−a); "
        "and 1 − sigmoid(a) = sigmoid(−a).",
        "Two means, added: there need not be as many fakes as data. "
        "torch.nn.functional has softplus and logsigmoid, finite for every logit.",
    ),
)
