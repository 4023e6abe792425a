"""The score-function gradient as the gradient of a loss, with a baseline."""

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Fail
from dgm_lib.exercises.variational_inference.score_function_mistakes import MISTAKES
from dgm_lib.exercises.variational_inference.score_setting import examples, gradients


def score_function_loss(log_f: Tensor, log_q: Tensor, baseline: Tensor | float) -> Tensor:
    """A loss whose gradient estimates −∇E_q[log f(z)], from log f and log q at draws of q -> ().

    The estimate is −mean((log f − baseline) ∇log q): log f and the baseline are held fixed, the
    gradient flows through log q alone. log_f, log_q (*batch,); baseline: a number or (*batch,).
    """
    return -((log_f - baseline).detach() * log_q).mean()


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)

    shapes = [(3,), (5,), (4, 3), ()]
    triples = [(draw(*s) - 1.5, draw(*s) - 2, draw() / 2) for s in shapes]
    own = [(draw(*s) - 1.5, draw(*s) - 2, draw(*s) / 2) for s in shapes[:3]]
    return [*triples, *own, (draw(6), draw(6), -0.7)]


def _gives_a_finite_number(out: Tensor, expected: Tensor, args: tuple) -> str | None:
    """The value of a surrogate says nothing: its gradient is what counts."""
    return None if out.isfinite().all() else "the loss must be finite"


def _gradient_in_q(fn, generator):
    """the gradient in q's parameters is the score-function estimate"""
    mine, right = gradients(fn), gradients(score_function_loss)
    if not any(gradient.any() for gradient in mine):
        raise Fail("no gradient reaches q's parameters: it flows through log_q, leave that whole")
    for (what, *_), gradient, expected in zip(examples(), mine, right):
        if not torch.allclose(gradient, expected, rtol=1e-5, atol=1e-8):
            raise Fail(
                f"the gradient in q's parameters is wrong where {what}: "
                f"yours {_text(gradient)}, expected {_text(expected)}"
            )


def _text(gradient: Tensor) -> str:
    return "[" + ", ".join(f"{value:.4g}" for value in gradient.tolist()) + "]"


# ------------------------------------------------------------------------ right answers


def _baseline_first(log_f, log_q, baseline):
    advantage = baseline - log_f
    return torch.mean(advantage.detach() * log_q)


def _no_grad(log_f, log_q, baseline):
    with torch.no_grad():
        advantage = log_f - baseline
    return -(advantage * log_q).sum() / log_q.numel()


def _ratio(log_f, log_q, baseline):
    """Its value is −mean(log f − baseline): q / q is 1, and has the gradient ∇log q."""
    ratio = (log_q - log_q.detach()).exp()
    return -(ratio * (log_f - baseline).data).mean()


def _two_detached(log_f, log_q, baseline):
    baseline = torch.as_tensor(baseline).detach()
    return (log_q * baseline).mean() - (log_f.detach() * log_q).mean()


def _dot_product(log_f, log_q, baseline):
    advantage = (log_f - baseline).detach().flatten()
    return -(advantage @ log_q.flatten()) / len(advantage)


def _value_added_back(log_f, log_q, baseline):
    advantage = (log_f - baseline).detach()
    loss = -(advantage * log_q).mean()
    return loss - loss.detach() - log_f.detach().mean()


Exercise(
    score_function_loss,
    title="The score-function gradient",
    minutes=8,
    difficulty=2,
    returns="(), one number",
    cases=_cases,
    compare=_gives_a_finite_number,
    properties=[_gradient_in_q],
    mistakes=MISTAKES,
    accepts=[
        _baseline_first,
        _no_grad,
        _ratio,
        _two_detached,
        _dot_product,
        _value_added_back,
    ],
    hints=(
        "∇E_q[log f] = E_q[log f · ∇log q]: the draws do not carry the gradient, log q does.",
        "For any constant b, E_q[b ∇log q] = 0, so log f − b has the same mean gradient, and less "
        "variance for a good b.",
        "Only log q is differentiated: detach log f − baseline, multiply, average, and turn the "
        "sign, since a loss is minimised.",
    ),
)
