"""A small denoiser that is trained while one looks on."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import torch

from dgm_lib import training
from dgm_lib.demo.diffusion.truth import levels
from dgm_lib.models.diffusion import Denoiser, DiffusionModel, noise, v
from dgm_lib.objectives import noise_matching, v_matching

STEPS, EACH, BATCH, RATE = 2500, 20, 256, 8e-3  # updates, and how many there are to a frame


def explodes(path: Any) -> bool:
    """Whether a path keeps the signal, so that v = alpha ε - sigma x_0 grows with the noise."""
    return levels(path, path.span[1])[0] > 0.5


def small(path: Any) -> Denoiser:
    """A denoiser of the plane, untrained: of ε it would learn too little where alpha is 0."""
    return Denoiser(path, predicts=noise if explodes(path) else v, hidden=(64, 64, 64, 64))


def at_hand(part: Any) -> Any:
    """A learned part as the points are, in torch's default dtype and on the CPU: else a copy."""
    kind = torch.device("cpu"), torch.get_default_dtype()
    if all((p.device, p.dtype) == kind for p in getattr(part, "parameters", list)()):
        return part
    return copy.deepcopy(part).to(*kind)


class Learned:
    """The learned models: one that is given, or one for each law and path, as `make(path)` is."""

    def __init__(self, model: Any) -> None:
        if not (model is None or isinstance(model, DiffusionModel) or callable(model)):
            raise ValueError(f"model must be a Denoiser, or make one of a path, got {model!r}")
        trained = isinstance(model, DiffusionModel)
        self.given = at_hand(model) if trained else None
        self.make: Callable[[Any], DiffusionModel] = small if trained or model is None else model
        self._known: dict[tuple[Any, Any], DiffusionModel] = {}

    def known(self, law: Any, path: Any) -> DiffusionModel | None:
        """The model of this law on this path, if it is there."""
        return self.given if self.given is not None else self._known.get((law, path))

    def train(self, law: Any, path: Any) -> Iterator[tuple[int, DiffusionModel]]:
        """The number of updates so far, and the model that learns; after the last it is known."""
        model = self.make(path)
        if not isinstance(model, DiffusionModel):
            raise ValueError(f"model must make a Denoiser of a path, got {model!r}")
        loss, batches = noise_matching if explodes(path) else v_matching, training.draws(law, BATCH)
        for step in training.train(model, loss, batches, steps=STEPS, lr=RATE, clip=1.0):
            if step.index % EACH == 0:
                yield step.index, model
        self._known[law, path] = model
