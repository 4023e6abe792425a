"""What races: a model in training, known by what it can do and by what it costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from torch import Tensor, nn

from dgm_lib.core import RandomStream


class Contender:
    """A model in training. A family fills in `step` and `sample`, which is enough to race.

    A family with a likelihood has `log_prob(x)`, `(n, d) -> (n,)`, too, and says in `likelihood`
    how it is got; the others have none. What it costs is counted, and not claimed, from the
    modules among its attributes.
    """

    likelihood: str | None = None
    seconds: float = 0.0  # of training, written down by whoever trains

    def step(self, x: Tensor) -> None:
        """One update from a batch of data `(n, d)`."""
        raise NotImplementedError

    def sample(self, n: int) -> Tensor:
        """n draws of the model, `(n, d)`, by torch's global random numbers."""
        raise NotImplementedError

    def progress(self, done: float) -> None:
        """Told before each step which share of the budget is spent, from 0 to 1."""

    @property
    def networks(self) -> Sequence[nn.Module]:
        """The modules among the attributes."""
        return [value for value in vars(self).values() if isinstance(value, nn.Module)]

    @property
    def parameters(self) -> int:
        """How many numbers are learned, those of helpers that only training needs included."""
        return sum(p.numel() for net in self.networks for p in net.parameters())

    @property
    def passes(self) -> int:
        """How many passes of a network, one after the other, a sample takes: the busiest's.

        They are counted while one is drawn. A stack of layers with a network each is passed once.
        """
        calls: Counter[nn.Module] = Counter()
        leaves = {m for net in self.networks for m in net.modules() if is_leaf(m)}
        hooks = [m.register_forward_hook(lambda m, *_: calls.update([m])) for m in leaves]
        try:
            with RandomStream(0):
                self.sample(1)
        finally:
            for hook in hooks:
                hook.remove()
        return max(calls.values(), default=0)

    def finite(self) -> bool:
        """Whether all that was learned are numbers."""
        return all(p.isfinite().all() for net in self.networks for p in net.parameters())


def is_leaf(module: nn.Module) -> bool:
    """Whether a module has weights of its own and nothing inside."""
    return not list(module.children()) and bool(list(module.parameters()))


class Exact(Contender):
    """The target itself as a contender: what the judge says of it is the floor for all others."""

    likelihood = "exact"

    def __init__(self, target) -> None:
        if not (hasattr(target, "sample") and hasattr(target, "log_prob")):
            raise ValueError(f"target must be a law, with sample and log_prob, got {target!r}")
        self.target = target

    def step(self, x: Tensor) -> None:
        """There is nothing to learn."""

    def sample(self, n: int) -> Tensor:
        """n exact samples, `(n, d)`."""
        return self.target.sample((n,))

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x), `(n, d) -> (n,)`."""
        return self.target.log_prob(x)
