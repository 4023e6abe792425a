"""Discriminators (and critics): one number for a point, or for a pack of points."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from dgm_lib.core import whole
from dgm_lib.nets import MLP, lipschitz_bound
from dgm_lib.nets.inputs import network, require_floats, require_last, require_like


class Discriminator(nn.Module):
    """x `(*batch, d)` to a logit `(*batch,)`: above 0 for what looks like data, D = σ(logit).

    The best one is the log-ratio log p(x) - log q(x) of data and model. A critic is the same
    without the σ. `net` maps `(*batch, d)` to `(*batch, 1)` or `(*batch,)`.

    >>> import torch
    >>> D = Discriminator(2, hidden=(16, 8))
    >>> D(torch.zeros(5, 7, 2)).shape, D.features(torch.zeros(5, 7, 2)).shape
    (torch.Size([5, 7]), torch.Size([5, 7, 8]))
    """

    def __init__(
        self, d: int = 2, hidden: Sequence[int] = (128, 128), net: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.d = whole("d", d)
        self.net = MLP(d, 1, hidden, nn.ReLU) if net is None else network("net", net)

    def forward(self, x: Tensor) -> Tensor:
        """The logit of each point, `(*batch, d) -> (*batch,)`."""
        require_last(x, self.d, "x")
        batch, logits = x.shape[:-1], self.net(x)
        if logits.shape not in (batch, (*batch, 1)):
            raise ValueError(
                f"net must return one number per point, shape {(*batch, 1)} for x of shape "
                f"{tuple(x.shape)}, got {tuple(logits.shape)}"
            )
        return logits.reshape(batch)

    def features(self, x: Tensor) -> Tensor:
        """What the last layer sees, `(*batch, d) -> (*batch, k)`: the net's own, if it has some."""
        require_last(x, self.d, "x")
        if hasattr(self.net, "features"):
            return self.net.features(x)
        if not isinstance(self.net, nn.Sequential):
            raise ValueError(f"net must be a chain of layers, or have features, got {self.net!r}")
        require_like(x, next(self.net.parameters(), x), "x")
        for layer in list(self.net)[:-1]:
            x = layer(x)
        return x

    def lipschitz_bound(self) -> float:
        """See `nets.lipschitz_bound`."""
        return lipschitz_bound(self.net)


class Packed(nn.Module):
    """m points judged together, `(*batch, n, d) -> (*batch, n/m)`, in the order they come in.

    `discriminator` is one of m · d dimensions. In a pack the lack of variety shows, which in
    single points it does not: m draws of q have the law q^m. Lin et al., PacGAN (2018).

    >>> import torch
    >>> D = Packed(Discriminator(d=4), m=2)
    >>> D(torch.zeros(10, 2)).shape
    torch.Size([5])
    """

    def __init__(self, discriminator: nn.Module, m: int) -> None:
        super().__init__()
        self.discriminator, self.m = network("discriminator", discriminator), whole("m", m)

    def forward(self, x: Tensor) -> Tensor:
        """The logit of each pack."""
        return self.discriminator(self.pack(x))

    def features(self, x: Tensor) -> Tensor:
        """What the last layer sees, `(*batch, n, d) -> (*batch, n/m, k)`."""
        return self.discriminator.features(self.pack(x))

    def lipschitz_bound(self) -> float:
        """See `nets.lipschitz_bound`."""
        return lipschitz_bound(self.discriminator)

    def pack(self, x: Tensor) -> Tensor:
        """Each m points as one, `(*batch, n, d) -> (*batch, n/m, m d)`."""
        if require_floats(x, "x").ndim < 2 or x.shape[-2] % self.m:
            raise ValueError(
                f"x must have shape (*batch, n, d) with n divisible by {self.m}, "
                f"got {tuple(x.shape)}"
            )
        return x.reshape(*x.shape[:-2], x.shape[-2] // self.m, self.m * x.shape[-1])
