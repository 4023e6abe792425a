"""The simulation of `guidance_dial`: a whole run at once, and then how it came about."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor

from dgm_lib.demo.diffusion.guide import Guide
from dgm_lib.demo.diffusion.sliced import sliced
from dgm_lib.demo.diffusion.steps import Step, taken
from dgm_lib.demo.diffusion.tilt import Labelled, Numbers, Tilted
from dgm_lib.demo.diffusion.truth import levels
from dgm_lib.demo.laws import Laws
from dgm_lib.demo.run import Frame
from dgm_lib.samplers.fields import column

EXACT, LEARNED = "exact", "learned"
PIXELS = 48  # per axis, of the map of the class
FEW = 30  # points that leave trails


class Passage:
    """A run of n points through `times`: all its states, and what came out."""

    def __init__(self, labelled: Labelled, guide: Guide, times: list[float]) -> None:
        self.labelled, self.guide, self.times = labelled, guide, times
        self.tilted: Tilted = guide.tilted
        self.states: list[Tensor] = []

    @cached_property
    def result(self) -> Numbers:
        """The numbers of the points at the end."""
        return self.numbers(self.states[-1])

    def numbers(self, x: Tensor) -> Numbers:
        """Those of points (n, 2), seen as data."""
        x = x.double()
        exact = self.labelled.law.posterior(x)[:, self.guide.y].mean().item()
        spread = (x - x.mean(0)).square().sum(-1).mean().sqrt().item()
        distance = sliced(x, self.tilted.quantiles)
        return Numbers(exact, spread, distance, self.tilted.floor)

    @torch.no_grad()
    def map(self, t: float) -> np.ndarray:
        """p(y | x_t) by whoever guides, (PIXELS, PIXELS)."""
        sides = [np.linspace(low, high, 2 * PIXELS + 1)[1::2] for low, high in self.labelled.box]
        x = torch.from_numpy(np.stack(np.meshgrid(*sides, indexing="ij"), -1).reshape(-1, 2))
        x = x.to(torch.get_default_dtype())
        log_p = self.guide.classifier.log_prob(x, column(t, x), self.guide.y)
        return log_p.double().exp().reshape(PIXELS, PIXELS).numpy()

    def trails(self, i: int) -> np.ndarray:
        """The ways of a few points up to the time i, (FEW, i + 1, 2)."""
        return torch.stack([x[:FEW] for x in self.states[: i + 1]], 1).double().numpy()


class Guiding:
    """`sim(p, rng)`, whose results stay in `tried`: by setting, then by way, then by w.

    All is drawn from torch's own random numbers, as steps draw from them, too: those of rng would
    be the same ones again.
    """

    def __init__(
        self, ways: dict[str, Step], laws: Laws, path: Any, learned: tuple[Any, Any]
    ) -> None:
        self.ways, self.laws, self.path, self.learned = ways, laws, path, learned
        self.tried: dict[tuple, dict[str, dict[float, Numbers]]] = {}

    def __call__(self, p: SimpleNamespace, rng: Generator) -> Iterator[Frame]:
        labelled = self.laws.chosen(p)
        p.y = min(int(p.y), labelled.k - 1)
        if not all(_fits(part, labelled.k) for part in self.learned):
            p.parts = EXACT
        learned = self.learned if p.parts == LEARNED else (None, None)
        guide = Guide(labelled, self.path, p.y, p.w, p.particles, *learned)
        passage = self._passage(p, labelled, guide)
        setting = labelled, p.y, p.parts, p.steps, p.particles
        tried = self.tried.setdefault(setting, {})
        tried.setdefault(p.way, {})[p.w] = passage.result
        last = len(passage.times) - 1
        for i in (last, *range(last + 1)):
            yield self._frame(passage, i, tried)

    def _passage(self, p: SimpleNamespace, labelled: Labelled, guide: Guide) -> Passage:
        low, high = self.path.span
        times = torch.linspace(high, low, p.steps + 1, dtype=torch.float64).tolist()
        passage = Passage(labelled, guide, times)
        x = levels(self.path, high)[1] * torch.randn(p.particles, 2)
        passage.states.append(x)
        for t, s in zip(times, times[1:]):
            x = taken(p.way, self.ways[p.way], guide, x, t, s)
            passage.states.append(x)
        return passage

    def _frame(self, passage: Passage, i: int, tried: dict[str, dict[float, Numbers]]) -> Frame:
        """The numbers are those of the end, whichever moment is seen."""
        return dict(
            t=passage.times[i],
            i=i,
            x=passage.states[i],
            passage=passage,
            tried=tried,
            ways=list(self.ways),
            truth=passage.tilted.numbers,
            **passage.result._asdict(),
        )


def _fits(part: Any, k: int) -> bool:
    """Whether a learned part, if there is one, knows k classes."""
    return part is None or getattr(part, "labels", getattr(part, "k", k)) == k
