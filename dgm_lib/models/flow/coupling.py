"""Coupling layers: some coordinates pass unchanged and tell the others how to move."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from dgm_lib.core import whole
from dgm_lib.models.flow.conditioner import perceptron
from dgm_lib.models.flow.laws import Law, lawful
from dgm_lib.models.flow.partition import Partition
from dgm_lib.models.flow.transform import Transform
from dgm_lib.nets.inputs import network, require_points, with_context


class Coupling(Transform):
    """z = x where the mask is True; the other coordinates move by a law that these steer.

    Both directions take one pass of the network, which is never inverted. The Jacobian is
    triangular, and ladj is the sum of the law's. `mask` (d,) is True on the first half unless
    given. `net` maps the kept coordinates, with the context behind them, to `law.size` numbers
    for each moved one; by default it is a perceptron that starts at 0, where the layer is the
    identity. (Dinh et al., 2017.)
    """

    def __init__(
        self,
        d: int,
        law: Law,
        mask: Tensor | Sequence[bool] | None = None,
        hidden: Sequence[int] = (64, 64),
        context: int = 0,
        net: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.d, self.context = whole("d", d, at_least=2), whole("context", context, at_least=0)
        self.law = lawful(law)
        self.parts = parts = Partition(first_half(d) if mask is None else mask)
        if len(parts.keeps) != d:
            raise ValueError(f"mask must have shape {(d,)}, got {(len(parts.keeps),)}")
        if net is None:
            net = perceptron(parts.kept + context, parts.moved * law.size, hidden)
        self.net = network("net", net)

    def forward(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        require_points(x, self.d, "x")
        return self._move(x, context, self.law.forward)

    def inverse(self, z: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        require_points(z, self.d, "z")
        return self._move(z, context, self.law.inverse)

    def _move(self, x: Tensor, context: Tensor | None, way: Callable) -> tuple[Tensor, Tensor]:
        kept, moved = self.parts.split(x)
        params = self.net(with_context(kept, context, self.context))
        moved, ladj = way(moved, params.reshape(*moved.shape, self.law.size))
        return self.parts.join(kept, moved), ladj.sum(dim=-1)


def first_half(d: int) -> list[bool]:
    """The mask of the first half of d coordinates, the smaller one if d is odd.

    >>> first_half(5)
    [True, True, False, False, False]
    """
    return [i < d // 2 for i in range(d)]
