"""Divergences of densities that are known everywhere, by integration over a grid."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from dgm_lib.core import Density, Estimate, Grid
from dgm_lib.metrics.inputs import log_density

Integrand = Callable[[Tensor, Tensor], Tensor]
"""From log p and log q at the grid's points to the value to integrate."""

MISSING = 0.01  # how much of a law's mass may lie outside the grid


@torch.no_grad()
def kl(p: Density, q: Density, grid: Grid) -> Estimate:
    """KL(p ‖ q) = ∫ p(x) log(p(x) / q(x)) dx in nats; inf where q = 0 and p > 0.

    The standard error is the discretisation's: the difference to a grid half as fine.
    """
    _require_mass("p", p, grid)
    return _integrate(_kl_integrand, p, q, grid)


@torch.no_grad()
def jsd(p: Density, q: Density, grid: Grid) -> Estimate:
    """The Jensen–Shannon divergence ½ KL(p ‖ m) + ½ KL(q ‖ m), m = (p + q)/2, in [0, log 2].

    Symmetric, and finite even where the supports differ; its root is a metric. The standard error
    is the difference to a grid half as fine. (Lin, 1991; Endres & Schindelin, 2003.)
    """
    _require_mass("p", p, grid)
    _require_mass("q", q, grid)
    value, stderr = _integrate(_jsd_integrand, p, q, grid)
    return Estimate(min(max(value, 0.0), math.log(2)), stderr)


def _kl_integrand(log_p: Tensor, log_q: Tensor) -> Tensor:
    """p log(p / q), with 0 log 0 = 0, and inf where q = 0 alone."""
    terms = log_p.exp() * (log_p - log_q)
    terms = torch.where(log_q.isneginf(), math.inf, terms)
    return torch.where(log_p.isneginf(), 0.0, terms)


def _jsd_integrand(log_p: Tensor, log_q: Tensor) -> Tensor:
    log_m = torch.logaddexp(log_p, log_q) - math.log(2)
    return (_kl_integrand(log_p, log_m) + _kl_integrand(log_q, log_m)) / 2


def _integrate(integrand: Integrand, p: Density, q: Density, grid: Grid) -> Estimate:
    def over(cells: Grid) -> float:
        log_p, log_q = log_density("p", p, cells.points), log_density("q", q, cells.points)
        return cells.integrate(integrand(log_p, log_q))

    value, coarse = over(grid), over(grid.coarser())
    return Estimate(value, 0.0 if value == coarse else abs(value - coarse))  # not inf - inf


def _require_mass(name: str, density: Density, grid: Grid) -> None:
    if not isinstance(grid, Grid):
        raise ValueError(f"grid must be a Grid, got {grid!r}")
    mass = grid.integrate(log_density(name, density, grid.points).exp())
    if abs(mass - 1) > MISSING:
        raise ValueError(
            f"grid must hold the mass of {name}, but {name} integrates to {mass:.3f} over it: "
            f"widen its box, or give it more cells than {grid.n} per axis if {name} is narrow"
        )
