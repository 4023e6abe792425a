"""The judge: the same metrics, of the same number of samples, for every contender."""

from __future__ import annotations

import functools
import math
import statistics

import torch
from torch import Tensor

from dgm_lib import metrics
from dgm_lib.arena.cells import Cells
from dgm_lib.arena.contender import Contender
from dgm_lib.arena.training import now
from dgm_lib.core import RandomStream, generator

FEWER = 2_000  # for the MMD, whose cost is that of all pairs
PROJECTIONS = 64
UNSEEN = 10**9  # from seed to seed: exact samples that neither training nor a model draws too


@torch.no_grad()
def judge(contender: Contender, target, seed: int = 0, samples: int = 10_000) -> dict[str, float]:
    """What a contender has reached and what it costs; what does not apply is left out.

    gap: nats lost on exact samples, KL(p ‖ q), where there is a likelihood (of a bound: at most)
    jsd, kl: of the samples, counted in coarse cells of exact mass; jsd_floor, kl_floor: those of
        exact samples, as many
    mmd2: of 2,000 samples and as many exact ones; its floor is 0
    sw2_ratio: sliced W₂ to exact samples, by that of two sets of exact ones
    modes, hq: found, and the share of samples within 3 sigma of one, for modes that stand apart
    passes, parameters; train_s, sample_s: seconds, the latter for so many samples
    """
    rng, stream = generator(seed + UNSEEN, target.device), RandomStream(seed, target.device)
    exact = target.sample((samples,), rng)
    found = dict(parameters=contender.parameters, train_s=contender.seconds)
    with stream:
        sound = contender.finite()
        if hasattr(contender, "log_prob"):
            found["gap"] = _gap(contender, target, exact) if sound else math.inf
        begun = now(target.device)
        x = contender.sample(samples) if sound else exact.new_full((), math.nan)
        found["sample_s"] = now(target.device) - begun
    if not x.isfinite().all():
        return found | dict(finite=0)
    found |= dict(passes=contender.passes) | _counted(target, x)
    found["mmd2"] = metrics.mmd2(x[:FEWER], exact[:FEWER]).value
    found["sw2_ratio"] = _sw2(x, exact, rng) / _exact_sw2(target, samples)
    return found | _modes(target, x)


def _gap(contender: Contender, target, x: Tensor) -> float:
    """The nats lost on exact samples x, paired; infinitely many where the model says NaN."""
    lost = target.log_prob(x).double() - contender.log_prob(x).double()
    return math.inf if lost.isnan().any() else lost.mean().item()


def _sw2(x: Tensor, y: Tensor, rng: torch.Generator) -> float:
    return metrics.sliced_wasserstein(x, y, PROJECTIONS, rng).value


def _counted(target, x: Tensor) -> dict[str, float]:
    cells = _cells(target)
    jsd, kl = _floors(target, len(x))
    return dict(jsd=cells.jsd(x), kl=cells.kl(x), jsd_floor=jsd, kl_floor=kl)


def _modes(target, x: Tensor) -> dict[str, float]:
    """How many modes are found, and the share of samples near one, if the modes stand apart."""
    if len(getattr(target, "means", ())) != len(target.modes) or target.mode_scale is None:
        return {}
    modes, quality = metrics.coverage(x, target.modes, target.mode_scale)
    return dict(modes=modes.value, hq=quality.value)


@functools.cache
def _cells(target) -> Cells:
    return Cells(target)


@functools.cache
def _floors(target, samples: int, draws: int = 5) -> tuple[float, float]:
    """The median JSD and KL of exact samples."""
    rng, cells = generator(2**31, target.device), _cells(target)
    sets = [target.sample((samples,), rng) for _ in range(draws)]
    return tuple(statistics.median(map(found, sets)) for found in (cells.jsd, cells.kl))


@functools.cache
def _exact_sw2(target, samples: int, pairs: int = 20) -> float:
    """The median sliced W₂ of two sets of exact samples."""
    rng = generator(2**31 + 1, target.device)
    draws = (target.sample((2, samples), rng) for _ in range(pairs))
    return statistics.median(_sw2(x, y, rng) for x, y in draws)
