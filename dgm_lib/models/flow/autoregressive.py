"""Autoregressive layers: each coordinate is moved by a law that those before it steer."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from dgm_lib.core import whole
from dgm_lib.models.flow.conditioner import masked
from dgm_lib.models.flow.laws import Law, lawful
from dgm_lib.models.flow.transform import Transform
from dgm_lib.nets.fixed import fix
from dgm_lib.nets.inputs import network, require_points
from dgm_lib.nets.masked import permutation


class Autoregressive(Transform):
    """z_i = law(x_i; net of the coordinates that come before i in `order`): one layer of a MAF.

    To data's side it is slow: forward takes one pass of the network, inverse takes d, since x_i
    must be known before its successors. `.inv` has it the other way round (IAF). The Jacobian is
    triangular in the order, and ladj is the sum of the law's. `order` (d,) is 0, …, d-1 unless
    given. `net(x)`, or `net(x, context)`, returns `(*batch, d, law.size)`; by default it is a
    `MaskedMLP` that starts at 0, where the layer is the identity. (Papamakarios et al., 2017.)
    """

    def __init__(
        self,
        d: int,
        law: Law,
        order: Tensor | Sequence[int] | None = None,
        hidden: Sequence[int] = (64, 64),
        context: int = 0,
        net: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.d, self.context = whole("d", d), whole("context", context, at_least=0)
        self.law = lawful(law)
        order = permutation(torch.arange(d) if order is None else order, d)
        if net is None:
            net = masked(d, law.size, hidden, order, context)
        self.net = network("net", net)
        fix(self, "order", order)

    def forward(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        require_points(x, self.d, "x")
        z, ladj = self.law.forward(x, self._params(x, context))
        return z, ladj.sum(dim=-1)

    def inverse(self, z: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        require_points(z, self.d, "z")
        x, ladj = torch.zeros_like(z), torch.zeros_like(z)
        # Row k is True at the coordinate that comes k-th.
        for turn in self.order[:, None] == torch.arange(self.d, device=self.order.device):
            x_now, ladj_now = self.law.inverse(z, self._params(x, context))
            x, ladj = torch.where(turn, x_now, x), torch.where(turn, ladj_now, ladj)
        return x, ladj.sum(dim=-1)

    def _params(self, x: Tensor, context: Tensor | None) -> Tensor:
        return self.net(x, context) if self.context else self.net(x)
