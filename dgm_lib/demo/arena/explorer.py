"""The arena explorer: its controls around its simulation and its scene."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dgm_lib import arena
from dgm_lib.core import whole
from dgm_lib.demo.arena.picture import scene
from dgm_lib.demo.arena.race import Race
from dgm_lib.demo.arena.truth import Truth
from dgm_lib.demo.controls import Choice, Slider
from dgm_lib.demo.demo import Demo
from dgm_lib.demo.laws import Laws
from dgm_lib.nets.inputs import positive
from dgm_lib.targets import GALLERY

NAMES = ("moons", "ring", "grid", "pinwheel", "spiral", "checkerboard", "banana")


def arena_explorer(
    families: Mapping[str, Callable[[int], Any]] | None = None,
    targets: Mapping[str, Any] | None = None,
    *,
    left: str | None = None,
    right: str | None = None,
    target: str | None = None,
    steps: int = 600,
    seconds: float = 8.0,
    drawing: Any = None,
    **settings: Any,
) -> Demo:
    """Two families learn one law from the same batches; then scrub back through their training.

    `families` maps names to `family(seed)`, a fresh `arena.Contender`; by default the arena's own.
    `targets` maps names to laws of the plane; to these comes the law that is drawn in the pad, at
    first from the points `drawing` (n, 2). `left`, `right` and `target` name what is shown at
    first: else the first family, the last, and the first law. The budget is so many steps of both,
    or so many CPU seconds of training for each. `scrub` is the share of the training so far that
    is shown, and answers at once, also when training has ended; all else starts afresh. `settings`
    go to `Demo`.

    Every frame holds the `sides`: `sides[0].shots` are the snapshots of the left family, each with
    its `steps`, `seconds`, `samples`, `jsd`, `gap`. `jsd_left`, `jsd_right` are in the series, and
    so are `gap_left`, `gap_right` where there is a density that can be had at once.
    """
    steps, seconds = whole("steps", steps), positive("seconds", seconds)
    known = dict(arena.FAMILIES if families is None else families)
    if not known or not all(map(callable, known.values())):
        raise ValueError(f"families must map names to functions of a seed, got {families!r}")
    named = {name: GALLERY[name] for name in NAMES} if targets is None else targets
    laws = Laws(named, Truth, drawing)
    budgets = {f"{steps:,} steps": arena.Steps(steps)}
    budgets[f"{seconds:g} CPU seconds each"] = arena.Seconds(seconds)
    names = list(known)
    controls = dict(
        left=Choice(names, left),
        right=Choice(names, names[-1] if right is None else right),
        target=laws.menu(target),
        budget=Choice(budgets),
        scrub=Slider(0, 100, 100, label="scrub, % of the training so far"),
        drawing=laws.pad(150),
    )
    defaults = dict(
        name="arena explorer",
        structural=("left", "right", "target", "budget"),
        poster=(0, steps // 8, steps),
        speed=5,
    )
    return Demo(Race(known, laws), scene(), controls, **defaults | settings)
