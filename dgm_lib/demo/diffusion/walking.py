"""The simulation of `denoiser`: one step of a sampler on the way from noise to data."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import torch
from torch import Generator, Tensor

from dgm_lib.demo.diffusion.learning import Learned
from dgm_lib.demo.diffusion.steps import taken
from dgm_lib.demo.diffusion.truth import Truth, levels
from dgm_lib.demo.diffusion.walk import Walk
from dgm_lib.demo.laws import Laws
from dgm_lib.demo.run import Frame

EXACT, LEARNED = "exact", "learned"
BACKWARD, FORWARD = "noise → data", "data → noise"
SHOWN = 0.3  # the time that is seen while a model is trained
REHEARSED = 300, 11  # points and times at which it is seen then


class Walking:
    """`sim(p, rng)`, in which a run goes on from where the slider of t has been moved to.

    All is drawn from torch's own random numbers, as steps draw from them, too: those of rng would
    be the same ones again.
    """

    def __init__(self, samplers: dict[str, Any], laws: Laws, learned: Learned) -> None:
        self.samplers, self.laws, self.learned = samplers, laws, learned

    def __call__(self, p: SimpleNamespace, rng: Generator) -> Iterator[Frame]:
        law, path = self.laws.chosen(p), p.path
        truth = Truth(law, path, p.particles)
        low, high = path.span
        times = torch.linspace(high, low, p.steps + 1, dtype=torch.float64).tolist()
        start = levels(path, high)[1] * torch.randn(p.particles, 2)
        if p.direction == FORWARD:
            times, start = times[::-1], truth.samples(low)[0]
        if p.steers == LEARNED and self.learned.known(law, path) is None:
            yield from self._lessons(p, law)
        learned = self.learned.known(law, path)
        model = learned if p.steers == LEARNED else truth.exact
        walk = Walk(truth, times, start, learned)
        p.t = walk.t
        while True:
            yield self._frame(walk)
            if (i := walk.nearest(p.t)) != walk.i:
                walk.go_to(i)
            if walk.arrived:
                return
            walk.add(self._moved(p, model, walk))
            p.t = walk.t

    def _lessons(self, p: SimpleNamespace, law: Any) -> Iterator[Frame]:
        """A frame for every few updates, seen at exact samples of some times."""
        truth, (low, high) = Truth(law, p.path, REHEARSED[0]), p.path.span
        times = torch.linspace(high, low, REHEARSED[1], dtype=torch.float64).tolist()
        p.t = SHOWN
        for updates, model in self.learned.train(law, p.path):
            walk = Walk(truth, times, truth.samples(high)[0], model)
            walk.go_to(len(times) - 1)
            yield self._frame(walk, f"{updates} updates")

    def _moved(self, p: SimpleNamespace, model: Any, walk: Walk) -> Tensor:
        x, t, s = walk.states[-1], walk.t, walk.times[walk.i + 1]
        name = p.sampler if p.direction == BACKWARD else "noising"
        step = self.samplers[name] if p.direction == BACKWARD else noising
        return taken(name, step, model, x, t, s)

    def _frame(self, walk: Walk, training: str = "") -> Frame:
        """The walk is the living one, as the next frame has it too."""
        numbers = walk.numbers[-1]._asdict()
        if walk.learned is None:
            del numbers["error"]
        return dict(x=walk.states[-1], walk=walk, training=training, **numbers)


def noising(model: Any, x: Tensor, t: Tensor, s: Tensor, noise: Tensor) -> Tensor:
    """The process itself, from data to noise: its exact transition q(x_s | x_t)."""
    scale, sigma = model.path.transition(t, s)
    return scale * x + sigma * noise
