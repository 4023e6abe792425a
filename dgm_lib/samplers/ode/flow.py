"""Densities along a flow: what a velocity does to volume, and so to the law of its points."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from dgm_lib.core import Density
from dgm_lib.nets.inputs import require_floats
from dgm_lib.samplers.fields import Field, Function, Times, last, monotone, points
from dgm_lib.samplers.ode.solve import State, adaptive

Divergence = Callable[[Function, Tensor, Tensor], tuple[Tensor, Tensor]]
"""(velocity, x, t) -> v(x, t) `(*batch, d)` and its divergence, or an estimate, `(*batch,)`."""

Solver = Callable[[Function, Tensor, Times], Iterator[State]]
"""`ode.adaptive`, or a `partial` of it or of `ode.solve` that leaves (velocity, x, times)."""


def exact_divergence(velocity: Function, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """v(x, t) and its divergence sum_i dv_i/dx_i, by d backward passes: for small d.

    >>> with torch.no_grad():
    ...     exact_divergence(lambda x, t: x * x, torch.tensor([[1.0, 2.0]]), torch.zeros(1, 1))[1]
    tensor([6.])
    """
    at, v, graph = _traced(velocity, x, t)
    units = torch.eye(x.shape[-1], dtype=x.dtype, device=x.device)
    rows = (_pulled(v, at, unit, graph)[..., i] for i, unit in enumerate(units))
    return (v if graph else v.detach()), sum(rows)


def hutchinson(probes: Tensor) -> Divergence:
    """An unbiased estimate of the divergence, mean of e·(dv/dx)e over probes e `(k, *batch, d)`.

    Their entries must be independent with mean 0 and variance 1: signs ±1 vary least. The same
    probes serve along the whole path, which keeps it smooth. Each costs one backward pass.
    Hutchinson (1990); Grathwohl et al., "FFJORD" (2019).
    """
    if not isinstance(probes, Tensor) or probes.ndim < 2 or not len(probes):
        got = tuple(probes.shape) if isinstance(probes, Tensor) else repr(probes)
        raise ValueError(f"probes must be a tensor (k, *batch, d), got {got}")

    def divergence(velocity: Function, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        if probes.shape[1:] != x.shape:
            raise ValueError(
                f"probes must have shape (k, *batch, d) with x {tuple(x.shape)}, "
                f"got {tuple(probes.shape)}"
            )
        at, v, graph = _traced(velocity, x, t)
        total = torch.zeros_like(v[..., 0])
        for probe in probes.to(x):
            total = total + (_pulled(v, at, probe, graph) * probe).sum(dim=-1)
        return (v if graph else v.detach()), total / len(probes)

    return divergence


def augmented(velocity: Function, divergence: Divergence = exact_divergence) -> Function:
    """The velocity of (x, ladj) `(*batch, d + 1)`: x' = v(x, t), ladj' = div v(x, t).

    ladj is then log |det dx_t/dx_s|, of all the way from where it was 0. Chen et al., "Neural
    ordinary differential equations" (2018), theorem 1.
    """

    def both(x: Tensor, t: Tensor) -> Tensor:
        v, div = divergence(velocity, x[..., :-1], t)
        return torch.cat([v, div[..., None]], dim=-1)

    return both


def transport(
    velocity: Function,
    x: Tensor,
    times: Times,
    divergence: Divergence = exact_divergence,
    solver: Solver = adaptive,
) -> tuple[Tensor, Tensor]:
    """Where x `(*batch, d)` gets from times[0] to times[-1], and ladj = log |det| `(*batch,)`.

    >>> x, ladj = transport(lambda x, t: x, torch.ones(1, 2).double(), [0, 1])
    >>> ladj.round(decimals=3)
    tensor([2.], dtype=torch.float64)
    """
    x, velocity = points("x", x), Field("velocity", velocity)
    start = torch.cat([x, torch.zeros_like(x[..., :1])], dim=-1)
    end = last(solver(augmented(velocity, divergence), start, times)).x
    return end[..., :-1], end[..., -1]


class Flow:
    """The law of x at times[0] if its law at times[-1] is `base`, and it moves by the velocity.

        log p(x) = log base(z) + ladj,  z, ladj = transport(velocity, x, times)

    With the probability-flow velocity of a diffusion, times from 0 (data) to 1 (noise) and the
    noise's law as the base it is the model's density: exact up to the solver's error, which
    `solver` governs, and to the base's. It is a Density, and a transform from data to noise. Song
    et al., "Score-based generative modeling through stochastic differential equations" (2021).

    >>> from torch.distributions import Independent, Normal
    >>> base = Independent(Normal(torch.zeros(1).double(), torch.ones(1).double()), 1)
    >>> q = Flow(lambda x, t: x, base, [0, 1])  # z = e x
    >>> q.log_prob(torch.zeros(1, 1).double())
    tensor([0.0811], dtype=torch.float64)
    """

    def __init__(
        self,
        velocity: Function,
        base: Density,
        times: Times,
        divergence: Divergence = exact_divergence,
        solver: Solver = adaptive,
    ) -> None:
        if not callable(getattr(base, "log_prob", None)):
            raise ValueError(f"base must be a density, with log_prob and sample, got {base!r}")
        self.velocity, self.base = velocity, base
        self.divergence, self.solver = divergence, solver
        self.times = monotone(times, torch.zeros((), dtype=torch.float64))

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """z and ladj = log |det dz/dx|, from data to noise."""
        return transport(self.velocity, x, self.times, self.divergence, self.solver)

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """x and ladj = log |det dx/dz|, from noise to data."""
        return transport(self.velocity, z, self.times[::-1], self.divergence, self.solver)

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x) in nats, `(*batch, d) -> (*batch,)`."""
        z, ladj = self(x)
        return self.base.log_prob(z) + ladj

    def sample(
        self, shape: int | tuple[int, ...] = (), generator: torch.Generator | None = None
    ) -> Tensor:
        """Independent draws, `(*shape, d)`: draws of the base, carried back."""
        z = self.base.sample(shape, generator=generator)
        return last(self.solver(self.velocity, z, self.times[::-1])).x


def _traced(velocity: Function, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor, bool]:
    """A point to differentiate at, v there, and whether its derivatives shall have a graph too."""
    require_floats(x, "x")
    graph, velocity = torch.is_grad_enabled(), Field("velocity", velocity)
    with torch.inference_mode(False), torch.enable_grad():
        at = x if graph and x.requires_grad else x.detach().clone().requires_grad_()
        return at, velocity(at, t), graph


def _pulled(v: Tensor, at: Tensor, probe: Tensor, graph: bool) -> Tensor:
    """The probe, one for all points or one for each, times the Jacobian dv/dx."""
    if not v.requires_grad:
        raise ValueError("velocity must be differentiable in x, but autograd finds no way to it")
    (pulled,) = torch.autograd.grad(
        v, at, probe.expand_as(v), retain_graph=True, create_graph=graph, materialize_grads=True
    )
    return pulled
