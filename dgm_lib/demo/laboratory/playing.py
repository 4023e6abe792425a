"""The simulation of the GAN laboratory: one or two matches, a round at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from types import SimpleNamespace
from typing import Any

import torch
from torch import Generator, nn

from dgm_lib.demo.laboratory.losses import Losses
from dgm_lib.demo.laboratory.match import D, G, Match, Networks
from dgm_lib.demo.laws import Laws
from dgm_lib.demo.run import Frame

JUDGED_EVERY = 20  # rounds
NAMES, RIVAL = {D: "d_loss", G: "g_loss"}, "_rival"  # of the numbers in the frames


class Playing:
    """`sim(p, rng)`, with laws of which the `Truth` is known."""

    def __init__(
        self,
        losses: Mapping[str, Losses],
        laws: Laws,
        noises: Mapping[str, Any],
        networks: Networks,
    ) -> None:
        self.losses, self.laws, self.noises, self.networks = losses, laws, noises, networks

    def __call__(self, p: SimpleNamespace, rng: Generator) -> Iterator[Frame]:
        truth = self.laws.chosen(p)
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
