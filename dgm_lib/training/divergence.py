"""What happens when numbers stop being finite: back to the last good weights, and say why."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Diverged(RuntimeError):
    """The loss, its gradient or the weights are no longer finite: see `step` and `loss`.

    The model, and its average, hold the last weights whose loss was finite.
    """

    def __init__(self, step: int, loss: float, what: str, cause: str) -> None:
        self.step, self.loss = step, loss
        super().__init__(
            f"training diverged at step {step}: {what}. {cause}. "
            f"The model is back at the last weights whose loss was finite."
        )


class LastGood:
    """A copy of tensors as they last were when all was well, to go back to."""

    def __init__(self, tensors: list[Tensor]) -> None:
        self.live = tensors
        self.saved = [tensor.detach().clone() for tensor in tensors]

    @torch.no_grad()
    def take(self) -> None:
        """Copy them; one call for all, because this happens at every step."""
        torch._foreach_copy_(self.saved, self.live)

    @torch.no_grad()
    def restore(self) -> None:
        """Put the copies back."""
        torch._foreach_copy_(self.live, self.saved)


def likely_cause(batch: tuple, model: nn.Module, lr: float) -> str:
    """What to look at first, in words."""
    if not all(x.isfinite().all() for x in batch if isinstance(x, Tensor)):
        return "The batch itself holds NaN or inf: look at the data"
    advice = (
        f"Likely causes: a learning rate too high (it was {lr:.2g}; try a tenth of it, or "
        f"clip=1.0), or a logarithm, a root or a division at 0 in the loss"
    )
    gradients = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    bad = [name for name, gradient in gradients.items() if not gradient.isfinite().all()]
    tells = 0 < len(bad) < len(gradients)  # from a loss of NaN all of them are
    return f"{advice}. Not finite: the gradient of {', '.join(bad[:3])}" if tells else advice
