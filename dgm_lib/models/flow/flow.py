"""A flow: a simple law seen through an invertible map, with exact density and exact samples."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dgm_lib.core import Density
from dgm_lib.core import shape as checked_shape
from dgm_lib.models.flow.inputs import dtype_of, usable
from dgm_lib.models.flow.transform import Chain, dimension
from dgm_lib.nets.inputs import require_last


class Flow(nn.Module):
    """The law of x = f⁻¹(z) with z from `base` and f = `transforms`, from data x to latent z.

    log q(x) = log p_z(f(x)) + log|det ∂f/∂x|. `transforms` is a Transform, a list of them, or any
    module with `forward(x) -> (z, ladj)` and `inverse(z) -> (x, ladj)`. With a context
    `(*batch, c)` it is a conditional law q(x | context), and calling it with a context returns
    that law: `flow(context).sample((100,))`. Points and context are finite, and in the dtype of
    the parameters. (Rezende and Mohamed, 2015.)

    `flow[k:]` is the flow of the same base whose data are stage k of the way.

    >>> from dgm_lib.models.flow import Scale, StandardNormal
    >>> flow = Flow(StandardNormal(2), [Scale(2)])
    >>> flow.log_prob(flow.sample((5, 7))).shape
    torch.Size([5, 7])
    """

    def __init__(self, base: Density, transforms: nn.Module | Iterable[nn.Module]) -> None:
        super().__init__()
        if isinstance(base, type) or not hasattr(base, "log_prob"):
            raise ValueError(f"base must be a law, with log_prob and sample, got {base!r}")
        self.base = base
        self.transform = transforms if isinstance(transforms, Chain) else Chain(_list(transforms))
        self.d = dimension([base, self.transform])

    def forward(self, context: Tensor) -> Given:
        """The law of x given the context, `(*batch, c)`: a distribution."""
        return Given(self, context)

    def log_prob(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        """log q(x), `(*batch, d) -> (*batch,)`."""
        dtype = dtype_of(self)
        usable("x", x, dtype)
        if self.d is not None:
            require_last(x, self.d, "x")
        self._check_context(context, dtype)
        z, ladj = self.transform(x, context)
        return self._base_log_prob(z) + ladj

    @torch.no_grad()
    def sample(
        self,
        shape: tuple[int, ...] = (),
        generator: torch.Generator | None = None,
        context: Tensor | None = None,
    ) -> Tensor:
        """Independent draws, `(*shape, d)`; with a context `(*batch, c)`, `(*shape, *batch, d)`."""
        return self.rsample(shape, generator, context)

    def rsample(
        self,
        shape: tuple[int, ...] = (),
        generator: torch.Generator | None = None,
        context: Tensor | None = None,
    ) -> Tensor:
        """Draws as in `sample` through which gradients flow to the parameters."""
        x, _ = self.transform.inverse(self._latent(shape, generator, context), context)
        return x

    def rsample_with_log_prob(
        self,
        shape: tuple[int, ...] = (),
        generator: torch.Generator | None = None,
        context: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Draws as in `rsample`, and their log q(x), from the one pass that made them."""
        z = self._latent(shape, generator, context)
        x, ladj = self.transform.inverse(z, context)
        return x, self._base_log_prob(z) - ladj

    def __getitem__(self, stages: slice) -> Flow:
        if not isinstance(stages, slice):
            raise TypeError(f"a flow is cut by a slice, as in flow[2:], got {stages!r}")
        return Flow(self.base, self.transform[stages])

    def _latent(
        self, shape: tuple[int, ...], generator: torch.Generator | None, context: Tensor | None
    ) -> Tensor:
        self._check_context(context, dtype_of(self))
        shape = checked_shape("shape", shape) + (() if context is None else context.shape[:-1])
        draw = getattr(self.base, "rsample", self.base.sample)
        # torch.distributions have no argument for a generator.
        return draw(shape) if generator is None else draw(shape, generator)

    def _base_log_prob(self, z: Tensor) -> Tensor:
        log_prob = self.base.log_prob(z)
        if log_prob.shape != z.shape[:-1]:
            raise ValueError(
                f"base must be a law of points: its log_prob of shape {tuple(z.shape[:-1])}, one "
                f"number for each, got {tuple(log_prob.shape)}"
            )
        return log_prob

    def _check_context(self, context: Tensor | None, dtype: torch.dtype | None) -> None:
        if context is None:
            return
        if self.transform.context == 0:
            raise ValueError("context must be None: no transform of this flow takes one")
        usable("context", context, dtype)
        if self.transform.context is not None:
            require_last(context, self.transform.context, "context")


@dataclass(frozen=True, eq=False)
class Given:
    """The law q(x | context) of a conditional flow, for a context `(*batch, c)`: a distribution."""

    flow: Flow
    context: Tensor

    def log_prob(self, x: Tensor) -> Tensor:
        """log q(x | context), `(*shape, *batch, d) -> (*shape, *batch)`."""
        return self.flow.log_prob(x, self.context)

    def sample(
        self, shape: tuple[int, ...] = (), generator: torch.Generator | None = None
    ) -> Tensor:
        """Independent draws, `(*shape, *batch, d)`."""
        return self.flow.sample(shape, generator, self.context)

    def rsample(
        self, shape: tuple[int, ...] = (), generator: torch.Generator | None = None
    ) -> Tensor:
        """Draws as in `sample` through which gradients flow."""
        return self.flow.rsample(shape, generator, self.context)

    def rsample_with_log_prob(
        self, shape: tuple[int, ...] = (), generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Draws as in `rsample`, and their log q(x | context), from one pass."""
        return self.flow.rsample_with_log_prob(shape, generator, self.context)


def _list(transforms: nn.Module | Iterable[nn.Module]) -> Iterable[nn.Module]:
    """The transforms one by one; a module that has its own way back is one of them."""
    splits = isinstance(transforms, (nn.ModuleList, nn.Sequential))
    if isinstance(transforms, nn.Module) and (hasattr(transforms, "inverse") or not splits):
        return [transforms]
    return transforms
