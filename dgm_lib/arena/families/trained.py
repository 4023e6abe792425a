"""What the recipes share: the units that a contender sees data in, its optimiser, its density."""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch
from torch import Tensor, nn

from dgm_lib.arena.contender import Contender
from dgm_lib.core import RandomStream
from dgm_lib.training import cosine


class Standardised(Contender):
    """A contender in units of its own, (x - mean) / scale by its first batch: one scale for all.

    A family fills in `learn` and `draw`, both in these units. What Adam moves follows a rate that
    falls by half a cosine.
    """

    def __init__(self) -> None:
        self.mean, self.scale = torch.zeros(()), torch.ones(())
        self.done, self.begun = 0.0, False

    def learn(self, x: Tensor) -> None:
        """One update from a batch in the contender's units, `(n, d)`."""
        raise NotImplementedError

    def draw(self, n: int) -> Tensor:
        """n draws in the contender's units, `(n, d)`."""
        raise NotImplementedError

    def progress(self, done: float) -> None:
        """The share of the budget that is spent, for the schedule."""
        self.done = done

    def step(self, x: Tensor) -> None:
        """One update from a batch of data `(n, d)`."""
        if not self.begun:
            self.mean, self.scale = x.mean(dim=0), x.std(dim=0).mean()
            for net in self.networks:
                net.to(x.device)
            self.begun = True
        self.learn(self.standard(x))

    @torch.no_grad()
    def sample(self, n: int) -> Tensor:
        """n draws of the model, `(n, d)`."""
        return self.mean + self.scale * self.draw(n)

    def standard(self, x: Tensor) -> Tensor:
        """Points in the contender's units."""
        return (x.to(self.mean) - self.mean) / self.scale

    def descend(self, optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
        """One step of an optimiser down this loss."""
        for group in optimizer.param_groups:
            group.setdefault("first", group["lr"])
            group["lr"] = group["first"] * cosine(self.done)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()


class Trained(Standardised):
    """One network that Adam trains to make `loss(model, x)` small."""

    def __init__(
        self, model: nn.Module, loss: Callable[[nn.Module, Tensor], Tensor], lr: float
    ) -> None:
        super().__init__()
        self.model, self.loss = model, loss
        self.optimizer = adam(model, lr)

    def learn(self, x: Tensor) -> None:
        """One step of Adam."""
        self.descend(self.optimizer, self.loss(self.model, x))

    def draw(self, n: int) -> Tensor:
        """n draws of a model that is a law."""
        return self.model.sample((n,))


class WithDensity(Standardised):
    """A contender with a likelihood, which `density` says in its own units."""

    likelihood = "exact"
    at_once = 5_000  # points: what the cache can hold

    def density(self, x: Tensor) -> Tensor:
        """log q(x) in the contender's units, `(n, d) -> (n,)`."""
        raise NotImplementedError

    @torch.no_grad()
    def log_prob(self, x: Tensor) -> Tensor:
        """log q(x), `(n, d) -> (n,)`."""
        parts = self.standard(x).split(self.at_once)
        log_q = torch.cat([self.density(part) for part in parts])
        return (log_q - x.shape[-1] * self.scale.log()).to(x)


def adam(
    net: nn.Module, lr: float, betas: tuple[float, float] = (0.9, 0.999)
) -> torch.optim.Optimizer:
    """Adam, in one call for all parameters."""
    return torch.optim.Adam(net.parameters(), lr=lr, betas=betas, fused=True)


def seeded(recipe: Callable[..., Contender]) -> Callable[..., Contender]:
    """The recipe, with weights that start where its seed says and nowhere else."""

    @functools.wraps(recipe)
    def fresh(seed: int, **functions: Callable) -> Contender:
        with RandomStream(seed, "cpu"):
            return recipe(seed, **functions)

    return fresh
