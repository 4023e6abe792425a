"""Where the negative samples of an energy model come from: chains from the data, or kept chains.

Both are functions (model, x) -> x⁻ for `objectives.contrastive`.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from dgm_lib.core import whole
from dgm_lib.nets.inputs import between, drawing_device, network, require_floats

Step = Callable[[object, Tensor, torch.Generator | None], Tensor]
"""One step of all chains, (model, x, generator) -> x, that leaves the model's law as it is."""

Fresh = Callable[[int, torch.Generator | None], Tensor]
"""New points to start chains from, (n, generator) -> `(n, d)`."""


class FromData:
    """Chains that start anew from the data and take k steps: contrastive divergence, CD-k.

    `step(model, x, generator) -> x` is one step of a sampler; for a restricted Boltzmann machine
    that is `RBM.gibbs`. (Hinton, 2002.)
    """

    def __init__(self, step: Step, k: int = 1, generator: torch.Generator | None = None) -> None:
        self.step, self.k = network("step", step), whole("k", k)
        self.generator = generator

    def __call__(self, model, x: Tensor) -> Tensor:
        """Negatives of the shape of the data x, `(*batch, d)`."""
        # A copy, for steps that work in place: the data are not theirs.
        start = require_floats(x, "x").detach().clone()
        return _walked(self.step, self.k, model, start, self.generator)


class Persistent:
    """Chains that go on where they were at the last call: persistent contrastive divergence, PCD.

    `x` `(n, d)` is where they start, and afterwards where they are; the model changes little
    between two calls, so that k steps keep them close to its law. At each call a `share` of them,
    by chance, starts anew from `fresh(n, generator)`, or from data of the batch if there is no
    `fresh`: Du & Mordatch (2019) take 5% from noise. (Tieleman, 2008.)

    >>> chains = Persistent(torch.zeros(3, 2), lambda model, x, generator: x + 1, k=2)
    >>> chains(None, torch.zeros(8, 2))[0], chains(None, torch.zeros(8, 2))[0]
    (tensor([2., 2.]), tensor([4., 4.]))
    """

    def __init__(
        self,
        x: Tensor,
        step: Step,
        k: int = 1,
        share: float = 0.0,
        fresh: Fresh | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        if not (isinstance(x, Tensor) and x.ndim == 2 and len(x) > 0):
            raise ValueError(f"x must be a tensor (n, d) of points, got {x!r}")
        self.x, self.step, self.k = x.detach().clone(), network("step", step), whole("k", k)
        self.share, self.fresh = between("share", share, 0, 1), fresh
        self.generator, self.drawn_on = generator, drawing_device(generator, "cpu")

    def __call__(self, model, x: Tensor) -> Tensor:
        """The chains after k more steps, `(n, d)`; x `(*batch, d)` are data to start anew from."""
        started = self._some_anew(x.detach()) if self.share else self.x
        self.x = _walked(self.step, self.k, model, started, self.generator)
        return self.x.clone()  # what the caller does with it must not reach the chains

    def _some_anew(self, data: Tensor) -> Tensor:
        chosen = self._uniform(len(self.x)) < self.share
        return torch.where(chosen[:, None].to(self.x.device), self._start(data), self.x)

    def _start(self, data: Tensor) -> Tensor:
        n, d = self.x.shape
        if self.fresh is not None:
            points = self.fresh(n, self.generator)
            if not isinstance(points, Tensor) or points.shape != (n, d):
                got = tuple(points.shape) if isinstance(points, Tensor) else repr(points)
                raise ValueError(f"fresh must return points of shape {(n, d)}, got {got}")
            return points.to(self.x)
        if data.shape[-1:] != (d,) or not len(data.reshape(-1, d)):
            raise ValueError(
                f"x must be data of shape (*batch, {d}), at least one, got {tuple(data.shape)}"
            )
        data = data.reshape(-1, d)
        picked = (self._uniform(n) * len(data)).long()
        return data[picked.to(data.device)].to(self.x)

    def _uniform(self, n: int) -> Tensor:
        like = dict(dtype=torch.float64, device=self.drawn_on)
        return torch.rand(n, generator=self.generator, **like)


def _walked(step: Step, k: int, model, x: Tensor, generator: torch.Generator | None) -> Tensor:
    """Where k steps lead, without the graph of how they got there."""
    for _ in range(k):
        moved = step(model, x, generator).detach()
        if moved.shape != x.shape:
            raise ValueError(
                f"step must return chains of shape {tuple(x.shape)}, got {tuple(moved.shape)}"
            )
        x = moved
    return x
