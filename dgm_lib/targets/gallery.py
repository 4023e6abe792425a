"""One ready target of each family, built when it is first asked for."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor

from dgm_lib.targets.board import Checkerboard
from dgm_lib.targets.shapes import drawn, grid, moons, ring, spiral, two_modes
from dgm_lib.targets.target import Target
from dgm_lib.targets.warped import Banana, Funnel, Pinwheel


class Gallery(Mapping[str, Target]):
    """Targets by name, in a fixed order, each built once."""

    def __init__(self, **builders: Callable[[], Target]) -> None:
        self._builders = builders
        self._built: dict[str, Target] = {}

    def __getitem__(self, name: str) -> Target:
        if name not in self._builders:
            raise KeyError(f"no target {name!r}; there are {', '.join(self._builders)}")
        if name not in self._built:
            self._built[name] = self._builders[name]()
        return self._built[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._builders)

    def __len__(self) -> int:
        return len(self._builders)


def _heart(n: int = 120) -> Tensor:
    t = 2 * math.pi * torch.arange(n, dtype=torch.float64) / n
    height = 13 * t.cos() - 5 * (2 * t).cos() - 2 * (3 * t).cos() - (4 * t).cos()
    return torch.stack([16 * t.sin() ** 3, height + 2.5], dim=-1) / 6


GALLERY = Gallery(
    ring=ring,
    grid=grid,
    moons=moons,
    pinwheel=Pinwheel,
    spiral=spiral,
    checkerboard=Checkerboard,
    banana=Banana,
    funnel=Funnel,
    two_modes=two_modes,
    drawn=lambda: drawn(_heart()),
)
