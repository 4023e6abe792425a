"""Four power iterations for the "break it" cell of lecture 08: two never find the norm."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor
from torch.nn.functional import normalize

Step = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


def four_norms() -> dict[str, Step]:
    """Steps `(W, u) -> (sigma, u)`, to be called again and again: which go wrong, and why?"""

    def ada(W: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
        v = normalize(W.T @ u, dim=0)
        u = normalize(W @ v, dim=0)
        return u @ W @ v, u

    def ben(W: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
        v = W.T @ u
        u = W @ v  # nothing is normalised: it grows by sigma² a step, until it overflows
        return u @ W @ v, u

    def cyd(W: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
        u = normalize(W @ (W.T @ u), dim=0)
        return (W.T @ u).norm(), u

    def dee(W: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
        v = normalize(W.T @ u, dim=0)
        return (W @ v).norm(), u  # the old u: every step is the first one

    return {"Ada": ada, "Ben": ben, "Cyd": cyd, "Dee": dee}
