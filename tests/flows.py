"""The flows and layers that the tests of models/flow go through, their weights away from 0."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from dgm_lib.models import flow

DOUBLE = torch.float64
SEEDS = range(3)


def perturbed(module: nn.Module, seed: int = 0, scale: float = 0.3) -> nn.Module:
    """The module with noise on every parameter: fresh layers are the identity, and hide mistakes.

    A matrix's noise is scaled by its width, so that a wide layer is stirred as much as a narrow.
    """
    noise = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weights in module.parameters():
            width = weights.shape[-1] if weights.ndim > 1 else 1
            step = torch.randn(weights.shape, generator=noise, dtype=DOUBLE) * scale / width**0.5
            weights += step.to(weights.dtype)
    return module


def built(make: Callable[[], nn.Module], seed: int = 0, scale: float = 1.0) -> nn.Module:
    """A module in double precision with random weights, all of them functions of the seed."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module = make().double()
    return perturbed(module, seed, scale)


def points(*shape: int, seed: int = 0) -> Tensor:
    """Gaussian points in double precision."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=DOUBLE)


MIXED = torch.tensor([True, False, False, True])
LAYERS: dict[str, Callable[[], nn.Module]] = {
    "additive coupling": lambda: flow.Coupling(3, flow.Additive(), hidden=(8,)),
    "affine coupling": lambda: flow.Coupling(3, flow.Affine(), hidden=(8,)),
    "affine coupling, mixed mask": lambda: flow.Coupling(4, flow.Affine(2.0), MIXED, (8,)),
    "affine coupling, other half": lambda: flow.Coupling(3, flow.Affine(), [False, False, True]),
    "spline coupling": lambda: flow.Coupling(3, flow.Spline(bins=5), hidden=(8,)),
    "MAF": lambda: flow.Autoregressive(3, flow.Affine(), hidden=(8, 8)),
    "MAF, other order": lambda: flow.Autoregressive(4, flow.Affine(), [2, 0, 3, 1], (8, 8)),
    "IAF": lambda: flow.Autoregressive(3, flow.Affine(), hidden=(8,)).inv,
    "spline MAF": lambda: flow.Autoregressive(3, flow.Spline(bins=4), hidden=(8,)),
    "planar": lambda: flow.Planar(3),
    "Sylvester": lambda: flow.Sylvester(4, 3),
    "Sylvester of one unit": lambda: flow.Sylvester(3, 1),
    "LU": lambda: flow.LU(3, order=[2, 0, 1]),
    "permutation": lambda: flow.Permute([2, 0, 1]),
    "scale": lambda: flow.Scale(3),
    "standardise": lambda: flow.Standardise([1.0, -2.0], [0.5, 3.0]),
    "sigmoid": lambda: flow.Sigmoid(),
    "chain": lambda: flow.Chain([flow.LU(3), flow.Planar(3).inv, flow.Chain([flow.Scale(3)])]),
    "empty chain": lambda: flow.Chain(),
}
CONDITIONAL: dict[str, Callable[[], nn.Module]] = {
    "coupling": lambda: flow.Coupling(2, flow.Affine(), hidden=(8,), context=2),
    "spline coupling": lambda: flow.Coupling(2, flow.Spline(bins=4), hidden=(8,), context=2),
    "MAF": lambda: flow.Autoregressive(2, flow.Affine(), hidden=(8,), context=2),
    "MAF in 1D": lambda: flow.Autoregressive(1, flow.Affine(), hidden=(8,), context=2),
    "IAF": lambda: flow.Autoregressive(2, flow.Affine(), hidden=(8,), context=2).inv,
    "planar": lambda: flow.Planar(2, context=2, hidden=(8,)),
    "Sylvester": lambda: flow.Sylvester(2, 2, context=2, hidden=(8,)),
    "chain with a fixed map": lambda: flow.Chain(
        [flow.reverse(2), flow.Coupling(2, flow.Affine(), hidden=(8,), context=2), flow.LU(2)]
    ),
}
RECIPES = {
    name: getattr(flow, name)
    for name in ("nice", "realnvp", "maf", "iaf", "planar", "sylvester", "spline")
}
