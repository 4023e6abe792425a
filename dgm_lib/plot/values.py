"""The numbers that a picture shows, as arrays in double precision."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from dgm_lib.core import Estimate, Grid
from dgm_lib.nets.inputs import network


def density_of(target, n: int) -> tuple[Grid, Tensor]:
    """The exact density of a law, on a grid over its box."""
    if not (hasattr(target, "log_prob") and hasattr(target, "box")):
        raise ValueError(f"target must be a law with log_prob and a box, got {target!r}")
    grid = Grid(target.box, n)
    return grid, values_at("log_prob", target.log_prob, grid).exp()


def values_at(name: str, function: Callable[[Tensor], Tensor], grid: Grid) -> Tensor:
    """A function at the points of a grid, in double precision whatever it computes in."""
    with torch.no_grad():
        values = network(name, function)(grid.points)
    if not isinstance(values, Tensor) or values.numel() != math.prod(grid.shape):
        raise ValueError(f"{name} must return one number for each point, {grid.shape} of them")
    return values.detach().cpu().double().reshape(grid.shape)


def with_errors(estimates: Sequence[Estimate]) -> tuple[np.ndarray, np.ndarray]:
    """The values and their standard errors."""
    found = array(estimates, "estimates")
    pairs = np.atleast_2d(found) if found.size else found.reshape(0, 2)
    if pairs.shape != (len(pairs), 2) or (pairs[:, 1] < 0).any():
        raise ValueError(f"estimates must be pairs (value, stderr), got shape {pairs.shape}")
    return pairs.T


def array(values: Tensor | Sequence, name: str = "x") -> np.ndarray:
    """Tensors of any kind, or numbers, as an array in double precision."""
    try:
        if isinstance(values, Tensor) and not values.is_complex():
            return values.detach().cpu().double().numpy()
        if (found := np.asarray(values)).dtype.kind in "biuf":
            return found.astype(float)
    except (TypeError, ValueError, NotImplementedError):
        pass
    raise ValueError(f"{name} must be an array of real numbers, got {values!r}")


def levels_enclosing(values: Tensor, shares: Sequence[float]) -> np.ndarray:
    """The values above which the cells hold the given shares of the sum (largest share first)."""
    ordered = values.flatten().sort(descending=True).values
    enclosed = ordered.cumsum(0) / ordered.sum()
    last = len(ordered) - 1
    return np.array([ordered[(enclosed < share).sum().clamp(max=last)] for share in shares])
