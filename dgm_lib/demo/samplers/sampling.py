"""The simulation of the sampler gallery: chains of one kernel on one law, move by move."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

import torch
from torch import Generator, Tensor

from dgm_lib.demo.laws import Laws
from dgm_lib.demo.run import Frame
from dgm_lib.demo.samplers.exact import Exact
from dgm_lib.demo.samplers.tally import Tally

Make = Callable[[Any, float], Any]  # (target, step) -> a kernel

FEW = 10  # chains that are drawn one by one
PROPOSED, ACCEPTED, REJECTED, SWAPPED = "proposed", "accepted", "rejected", "swapped"


class Moves(NamedTuple):
    """Where k chains go: paths (k, m, 2), what became of them, with which chance (k,).

    `ways` (k, n, 2) are the trajectories of which the proposals are not the ends, but some points.
    """

    paths: Tensor | Sequence = ()
    verdicts: Sequence[str] = ()
    chances: Tensor | Sequence = ()
    ways: Tensor | Sequence = ()

    def proposed(self) -> Moves:
        """The same before the verdicts."""
        return self._replace(verdicts=[PROPOSED] * len(self.paths))


class Sampling:
    """`sim(p, rng)`, with laws of which `Exact` is known."""

    def __init__(self, kernels: Mapping[str, Make], laws: Laws) -> None:
        self.kernels, self.laws = kernels, laws

    def __call__(self, p: SimpleNamespace, rng: Generator) -> Iterator[Frame]:
        exact = self.laws.chosen(p)
        few, x = p.chains <= FEW, STARTS[p.start](exact, p.chains, rng)
        moves = Moves()
        while True:
            step, tally = p.step, Tally(exact)
            kernel = self.kernels[p.sampler](exact.law, step)
            state = _begun(kernel, x)
            yield frame(x, moves, tally)
            while p.step == step:
                before, state = x, kernel(state, rng)
                seen = _seen(kernel, state)
                x = seen.x
                if few:
                    moves = _moves(before, seen)
                    if p.halves:
                        yield frame(before, moves.proposed(), tally)
                tally.add(x, seen.accepted)
                yield frame(x, moves, tally)


def frame(x: Tensor, moves: Moves, tally: Tally) -> Frame:
    """What the scene draws. The tally is the living one, as the next frame has it too."""
    return dict(x=x, few=x[: FEW if len(x) <= FEW else 0], moves=moves, tally=tally)


# ---- where chains start --------------------------------------------------------------------------


def at_one_point(exact: Exact, chains: int, rng: Generator) -> Tensor:
    """All chains at the same draw of the law, (chains, 2)."""
    return exact.law.sample((1,), generator=rng).repeat(chains, 1)


def all_over(exact: Exact, chains: int, rng: Generator) -> Tensor:
    """Uniform points of the view and the law's box, where it has a density, (chains, 2)."""
    box = exact.law.box
    low, high = box.new_tensor(exact.box).clamp(box[:, :1], box[:, 1:]).T
    x = low + (high - low) * torch.rand(20 * chains, 2, generator=rng).to(low)
    x = x[exact.law.log_prob(x).isfinite()][:chains]
    return torch.cat([x, exact.law.sample((chains - len(x),), generator=rng)])


def exactly(exact: Exact, chains: int, rng: Generator) -> Tensor:
    """Independent draws of the law, (chains, 2): a kernel that leaves it invariant keeps it."""
    return exact.law.sample((chains,), generator=rng)


STARTS = {"one point": at_one_point, "all over": all_over, "exact samples": exactly}


# ---- what is seen of a kernel --------------------------------------------------------------------


def _begun(kernel: Any, x: Tensor) -> Any:
    """The first state at x (chains, 2); tempered kernels have x at all of their levels."""
    betas = getattr(kernel, "betas", None)
    return kernel.init(x if betas is None else x.expand(len(betas), *x.shape).clone())


def _seen(kernel: Any, state: Any) -> Any:
    """The state of the chains of the law itself."""
    return kernel.cold(state) if hasattr(kernel, "cold") else state


def _moves(before: Tensor, state: Any) -> Moves:
    """The last step of all chains, along the paths where the kernel has kept them."""
    swapped, swaps = torch.zeros_like(state.accepted), getattr(state, "swaps", None)
    if swaps is not None and swaps.lower.start == 0:  # the turn of the law's own level
        swapped = swaps.accepted[0]
    end = torch.where(swapped[:, None], state.x, state.proposal)
    verdicts = _verdicts(state.accepted, swapped)
    moves = Moves(torch.stack([before, end], 1), verdicts, state.accept_prob)
    path = getattr(state, "path", None)
    if path is None:
        return moves
    arrives = (path[-1] == end).all() or (path[-1] == state.x).all()
    leads_there = arrives and torch.equal(path[0], before)
    return moves._replace(**{"paths" if leads_there else "ways": path.transpose(0, 1)})


def _verdicts(accepted: Tensor, swapped: Tensor) -> list[str]:
    pairs = zip(accepted.tolist(), swapped.tolist(), strict=True)
    return [SWAPPED if swap else ACCEPTED if keep else REJECTED for keep, swap in pairs]
