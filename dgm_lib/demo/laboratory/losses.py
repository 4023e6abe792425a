"""The losses that two players may have: the library's own, or the learner's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from dgm_lib import objectives

GAMMA, WEIGHT = 0.1, 1.0  # of the two penalties


class Losses(NamedTuple):
    """A pair (d(real_logits, fake_logits), g(fake_logits)); and maybe a penalty (D, x, G(z))."""

    d: Callable[[Tensor, Tensor], Tensor]
    g: Callable[[Tensor], Tensor]
    penalty: Callable[[Any, Tensor, Tensor], Tensor] | None = None

    def is_critic(self) -> bool:
        """Whether D's loss is the same when all logits grow by one number.

        Then what D says of a point means nothing by itself: D is a critic.
        """
        real, fake = torch.tensor([0.3, -1.2, 0.8]), torch.tensor([-0.5, 0.4, 1.7])
        try:
            with torch.no_grad():
                low, high = (float(self.d(real + c, fake + c)) for c in (0.0, 2.0))
        except Exception:  # it is told where D learns
            return False
        return abs(high - low) < 1e-5 * (1 + abs(low))


def _r1(discriminator: Any, x_real: Tensor, x_fake: Tensor) -> Tensor:
    return objectives.r1(discriminator, x_real, GAMMA)


def _gradient_penalty(critic: Any, x_real: Tensor, x_fake: Tensor) -> Tensor:
    return objectives.gradient_penalty(critic, x_real, x_fake, WEIGHT)


def _score(fake: Tensor) -> Tensor:
    return -fake.mean()


LOSSES = {
    "non-saturating": Losses(objectives.discriminator_loss, objectives.non_saturating),
    "saturating": Losses(objectives.discriminator_loss, objectives.saturating),
    "non-saturating, R1": Losses(objectives.discriminator_loss, objectives.non_saturating, _r1),
    "Wasserstein, penalty": Losses(objectives.critic_loss, _score, _gradient_penalty),
}


def by_name(losses: Mapping[str, Any]) -> dict[str, Losses]:
    """Losses given as pairs or triples of functions, by name."""
    if not isinstance(losses, Mapping) or not losses:
        raise ValueError(f"losses must map names to (loss of D, loss of G), got {losses!r}")
    for name, given in losses.items():
        fits = isinstance(given, (tuple, list)) and len(given) in (2, 3)
        if not fits or not all(map(callable, given[:2])):
            raise ValueError(
                f"losses must map names to (loss of D, loss of G) or (loss of D, loss of G, "
                f"penalty), all of them functions, got {given!r} for {name!r}"
            )
        if len(given) == 3 and given[2] is not None and not callable(given[2]):
            raise ValueError(f"penalty of {name!r} must be a function, got {given[2]!r}")
    return {name: Losses(*given) for name, given in losses.items()}
