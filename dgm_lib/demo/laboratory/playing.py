"""The simulation of the GAN laboratory: one or two matches, a round at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from types import SimpleNamespace
from typing import Any

import torch
from torch import Generator, Tensor, nn

from dgm_lib import targets
from dgm_lib.demo.laboratory.losses import Losses
from dgm_lib.demo.laboratory.match import D, G, Match, Networks
from dgm_lib.demo.laboratory.truth import Truth
from dgm_lib.demo.run import Frame
from dgm_lib.demo.samplers.sampling import DRAWN

JUDGED_EVERY = 20  # rounds
NAMES, RIVAL = {D: "d_loss", G: "g_loss"}, "_rival"  # of the numbers in the frames


class Playing:
    """`sim(p, rng)`; what is exact about a law is computed when the law is first chosen."""

    def __init__(
        self,
        losses: Mapping[str, Losses],
        laws: Mapping[str, Any],
        noises: Mapping[str, Any],
        networks: Networks,
    ) -> None:
        self.losses, self.laws, self.noises, self.networks = losses, laws, noises, networks
        self._known: dict[str, Truth] = {}
        self._drawn: tuple[Any, Truth] | None = None

    def __call__(self, p: SimpleNamespace, rng: Generator) -> Iterator[Frame]:
        truth = self.truth(p.target, p.drawing)
        made = self._made(self.noises[p.noise])
        seed = int(torch.randint(2**31, (), generator=rng))
        names = [p.loss, *([p.rival] if hasattr(p, "rival") else [])]
        # Rivals start from the same weights, and get the same data and the same noise.
        matches = [Match(name, self.losses[name], truth, deepcopy(made), p, seed) for name in names]
        yield dict(matches=matches, **scalars(matches))
        while True:
            turn = p.turn
            for more in zip(*(match.updates() for match in matches), strict=True):
                if more[0] and p.slow:
                    yield dict(matches=matches)
                    if p.turn != turn:
                        break  # of a round in slow motion the rest is for nobody
            else:
                if matches[0].round % JUDGED_EVERY == 0:
                    for match in matches:
                        match.judge()
                yield dict(matches=matches, **scalars(matches))

    def truth(self, name: str, drawing: Tensor) -> Truth:
        """What is exact about the law of this name, or about the drawn one."""
        if name != DRAWN:
            if name not in self._known:
                self._known[name] = Truth(self.laws[name])
            return self._known[name]
        if self._drawn is None or self._drawn[0] is not drawing:
            self._drawn = drawing, Truth(targets.drawn(drawing))
        return self._drawn[1]

    def _made(self, prior: Any) -> tuple[nn.Module, nn.Module]:
        made = self.networks(prior)
        if not isinstance(made, tuple) or not all(isinstance(net, nn.Module) for net in made):
            raise ValueError(f"networks must return a pair of modules (G, D), got {made!r}")
        g, d = made
        if not hasattr(g, "latent") or g.d != 2:
            raise ValueError(f"networks must make a gan.Generator of the plane, got {g!r}")
        if g.d_z != prior.d:
            raise ValueError(f"networks must make a generator with d_z = {prior.d}, got {g.d_z}")
        return g, d


def scalars(matches: Sequence[Match]) -> dict[str, float]:
    """The numbers that were found in the present round, each under its name."""
    found = {}
    for match, whose in zip(matches, ("", RIVAL)):
        for key, history in match.history.items():
            if history.rows and history.rows[-1][0] == match.round:
                found[NAMES.get(key, key) + whose] = history.rows[-1][1]
    return found
