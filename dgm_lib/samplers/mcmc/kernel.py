"""What every kernel shares: starting chains, stepping them, keeping a proposal or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from dgm_lib.core import whole
from dgm_lib.samplers.mcmc.law import Law
from dgm_lib.samplers.mcmc.state import State

Step = float | Tensor


@dataclass(frozen=True, eq=False)
class Kernel:
    """A Markov kernel on a batch of chains: `kernel(state, generator) -> State`.

    It is pure: the same state and the same random numbers give the same result. What is special to
    a kernel is its `move`; those that follow the score say `gradients=True` and find it in the
    state.
    """

    law: Law
    move: Callable[[State, Generator | None], State]
    step: Step | None = None
    gradients: bool = False

    @torch.inference_mode(False)
    @torch.no_grad()
    def init(self, x: Tensor) -> State:
        """Chains that start at x `(*chains, d)`, where the density must be positive."""
        x = self.law.start(x)
        self._check_step(x)
        state = self._evaluated(x)
        if (impossible := state.log_p.isneginf()).any():
            point = x[impossible][0].tolist()
            raise ValueError(f"x must start where p is positive, but log_prob is -inf at {point}")
        return state

    @torch.inference_mode(False)
    @torch.no_grad()
    def __call__(self, state: State, generator: Generator | None = None) -> State:
        """The state after one step.

        A state belongs to the law that made it, whose log p(x) and score it keeps: when the law
        has changed, as an energy model does in training, call `init(state.x)` again.
        """
        if not isinstance(state, State):
            raise ValueError(f"state must be a State, as kernel.init(x) gives, got {type(state)}")
        if not (generator is None or isinstance(generator, Generator)):
            raise ValueError(f"generator must be a torch.Generator or None, got {generator!r}")
        self._check_step(state.x)
        if self.gradients and state.score is None:  # it comes from a kernel without gradients
            state = state.replace(score=self._evaluated(state.x.clone()).score)
        return self.move(state, generator)

    def _evaluated(self, x: Tensor) -> State:
        return State.fresh(
            x, *(self.law.with_score(x) if self.gradients else [self.law.log_prob(x)])
        )

    def _check_step(self, x: Tensor) -> None:
        chains = x.shape[:-1]
        if not isinstance(self.step, Tensor):
            return
        try:
            fits = torch.broadcast_shapes(self.step.shape, chains) == chains
        except RuntimeError:
            fits = False
        if not fits:
            raise ValueError(
                f"step must be a number or fit the chains {tuple(chains)}, "
                f"got shape {tuple(self.step.shape)}"
            )


def settle(
    state: State,
    accept_prob: Tensor,
    generator: Generator | None,
    x: Tensor,
    log_p: Tensor,
    score: Tensor | None = None,
    **facts: object,
) -> State:
    """The state after each chain has moved to its proposal x with probability `accept_prob`."""
    accepted = uniform(accept_prob, generator) < accept_prob
    moved = accepted[..., None]
    facts = {"path": None, "leapfrogs": None, "step": None} | facts
    return state.replace(
        x=torch.where(moved, x, state.x),
        log_p=torch.where(accepted, log_p, state.log_p),
        score=None if score is None else torch.where(moved, score, state.score),
        proposal=x,
        accept_prob=accept_prob,
        accepted=accepted,
        **facts,
    )


def chain(kernel: Kernel, x: Tensor | State, generator: Generator | None = None) -> Iterator[State]:
    """The chains' states after one step, two steps, ... without end.

    `x` is where they start, `(*chains, d)`, or a state of the same law to go on from.
    """
    state = x if isinstance(x, State) else kernel.init(x)

    def steps(state: State) -> Iterator[State]:
        while True:
            state = kernel(state, generator)
            yield state

    return steps(state)


def draws(
    kernel: Kernel,
    x: Tensor | State,
    n: int,
    burn_in: int = 0,
    thin: int = 1,
    generator: Generator | None = None,
) -> Tensor:
    """n draws of every chain, `(n, *chains, d)`: each `thin`-th x after `burn_in` steps."""
    n, burn_in = whole("n", n), whole("burn_in", burn_in, at_least=0)
    thin = whole("thin", thin)
    states = chain(kernel, x, generator)
    for _ in range(burn_in):
        next(states)
    drawn = []
    for _ in range(n):
        for _ in range(thin):
            state = next(states)
        drawn.append(state.x)
    return torch.stack(drawn)


# --------------------------------------------------------------------------- step sizes


def positive(name: str, value: object) -> Step:
    """A step size: a positive number, or a tensor with one for each chain."""
    try:
        step = value.detach().clone() if isinstance(value, Tensor) and value.ndim else float(value)
        sizes = torch.as_tensor(step, dtype=torch.float64)
        sound = not isinstance(value, (bool, str)) and bool((sizes.isfinite() & (sizes > 0)).all())
    except (TypeError, ValueError, RuntimeError, OverflowError):
        sound = False
    if not sound:
        raise ValueError(f"{name} must be positive and finite, got {value!r}")
    return step


def column(step: Step, x: Tensor) -> Step:
    """The step size as it multiplies points: with an axis of its own for their coordinates."""
    return step.to(x)[..., None] if isinstance(step, Tensor) else step


# --------------------------------------------------------------------------- random numbers


def normal(like: Tensor, generator: Generator | None) -> Tensor:
    """Standard normal numbers of the shape, type and layout of `like`."""
    noise = _blank(like, generator)
    # In the order of memory, which is ten times faster where that is not the order of the axes.
    noise.as_strided((noise.numel(),), (1,)).normal_(generator=generator)
    return noise.to(like.device)


def uniform(like: Tensor, generator: Generator | None) -> Tensor:
    """Numbers from [0, 1) of the shape and type of `like`."""
    return _blank(like, generator).uniform_(generator=generator).to(like.device)


def _blank(like: Tensor, generator: Generator | None) -> Tensor:
    # A generator of another device draws there: one seed gives the same chains on every device.
    return torch.empty_like(like, device=generator.device if generator else like.device)
