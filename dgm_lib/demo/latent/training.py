"""The simulation of the latent plane explorer: one update of a VAE a step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import torch
from torch import Generator, Tensor

from dgm_lib import training
from dgm_lib.demo.latent.seen import Seen, plane_to_plane
from dgm_lib.demo.laws import Laws
from dgm_lib.demo.run import Frame
from dgm_lib.models import vae

Loss = Callable[[vae.VAE, Tensor, float], Tensor]


class Training:
    """`sim(p, rng)`, with laws of which the `Truth` is known."""

    def __init__(self, laws: Laws, make: Callable[[], vae.VAE], lr: float, batch: int) -> None:
        self.laws, self.make, self.lr, self.batch = laws, make, lr, batch

    def __call__(self, p: SimpleNamespace, rng: Generator) -> Iterator[Frame]:
        truth, model = self.laws.chosen(p), self.make()
        plane_to_plane(model)
        seen, loss = Seen(model, truth, rng), p.objective

        def at_beta(model: vae.VAE, x: Tensor) -> Tensor:
            return loss(model, x.to(seen.like), p.beta)

        at_beta.__name__ = getattr(loss, "__name__", "loss")  # for what goes wrong
        yield dict(seen=seen, **seen.numbers(0))
        batches = training.draws(truth.law, self.batch)
        seed = int(torch.randint(2**31, (), generator=rng))
        for step in training.train(model, at_beta, batches, lr=self.lr, seed=seed):
            yield dict(seen=seen, **seen.numbers(step.index))
