"""A network as an energy."""

from __future__ import annotations

import math
from numbers import Real

import torch
from torch import Tensor, nn

from dgm_lib.nets.inputs import require_floats


class EnergyModel(nn.Module):
    """The law p(x) ∝ exp(-E(x)) with E(x) = net(x) + ‖x‖² / (2 scale²).

    `net` maps `(*batch, d)` to `(*batch, 1)`. The second term confines: a network is at most about
    linear far out, where a Gaussian of standard deviation `scale` then makes Z finite and keeps
    the chains at home; `scale=None` leaves it out. Z is unknown, so there is no log-density.
    (LeCun et al., A Tutorial on Energy-Based Learning, 2006.)

    >>> from dgm_lib.nets import MLP
    >>> model = EnergyModel(MLP(2, 1), scale=3.0)
    >>> x = torch.zeros(5, 7, 2)
    >>> model.energy(x).shape, model.score(x).shape
    (torch.Size([5, 7]), torch.Size([5, 7, 2]))
    """

    def __init__(self, net: nn.Module, scale: float | None = None) -> None:
        super().__init__()
        if not callable(net):
            raise ValueError(f"net must be a module or a function, got {net!r}")
        is_number = isinstance(scale, Real) and not isinstance(scale, bool)
        if scale is not None and not (is_number and 0 < scale < math.inf):
            raise ValueError(f"scale must be positive or None, got {scale!r}")
        self.net, self.scale = net, scale

    def energy(self, x: Tensor) -> Tensor:
        """E(x), the negative log-density up to a constant, `(*batch, d) -> (*batch,)`."""
        out = self.net(x)
        if out.shape != (*x.shape[:-1], 1):
            raise ValueError(
                f"net must return one number per point, shape {(*x.shape[:-1], 1)} "
                f"for x of shape {tuple(x.shape)}, got {tuple(out.shape)}"
            )
        energy = out.squeeze(-1)
        if self.scale is None:
            return energy
        return energy + x.square().sum(dim=-1) / (2 * self.scale**2)

    def score(self, x: Tensor) -> Tensor:
        """∇ log p(x) = -∇E(x), in which Z has dropped out, `(*batch, d) -> (*batch, d)`.

        Gradients flow through it to x and to the parameters, unless it is called under
        `torch.no_grad()`, as samplers do, or `torch.inference_mode()`.
        """
        require_floats(x, "x")
        keep = torch.is_grad_enabled()
        with torch.inference_mode(False), torch.enable_grad():
            at = x if keep and x.requires_grad else x.detach().clone().requires_grad_()
            (gradient,) = torch.autograd.grad(self.energy(at).sum(), at, create_graph=keep)
        return -gradient
