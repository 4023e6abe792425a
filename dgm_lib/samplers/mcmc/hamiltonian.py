"""Hamiltonian Monte Carlo: give the chain a push, and let it roll along the log-density."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Generator, Tensor

from dgm_lib.core import whole
from dgm_lib.nets.inputs import require_beside
from dgm_lib.samplers.mcmc.hastings import like
from dgm_lib.samplers.mcmc.kernel import Kernel, Step, column, normal, positive, settle
from dgm_lib.samplers.mcmc.law import Function, Law, function
from dgm_lib.samplers.mcmc.state import State

Leapfrog = Callable[[Tensor, Tensor, Function, Step, int], tuple[Tensor, Tensor]]


def leapfrog(x: Tensor, v: Tensor, score: Function, step: Step, n: int) -> tuple[Tensor, Tensor]:
    """n leapfrog steps of x' = v, v' = s(x): half a kick, n drifts with kicks between, half a kick.

    `x`, `v` `(*chains, d)`; `score` is the function s = ∇ log p; `step` a number or `(*chains, 1)`.
    It keeps volume, runs back along its way if v is turned round, and errs in the energy
    -log p(x) + |v|²/2 by O(step²). Neal, "MCMC using Hamiltonian dynamics" (2011).
    """
    require_beside(x, v, "v")
    n, step = whole("n", n), torch.as_tensor(step, dtype=x.dtype, device=x.device)
    v = torch.addcmul(v, step / 2, score(x))  # v + step / 2 * s(x), in one pass over memory
    for i in range(n):
        x = torch.addcmul(x, step, v)
        v = torch.addcmul(v, step if i < n - 1 else step / 2, score(x))
    return x, v


def leapfrog_path(
    x: Tensor, v: Tensor, score: Function, step: Step, n: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """The n + 1 points (x, v) that `leapfrog` passes, its first and its last among them."""
    yield x, v
    for _ in range(whole("n", n, at_least=0)):
        x, v = leapfrog(x, v, score, step, 1)
        yield x, v


def hmc(
    log_prob: Function,
    step: Step,
    n: int | tuple[int, int],
    score: Function | None = None,
    leapfrog: Leapfrog = leapfrog,
    keep_path: bool = False,
) -> Kernel:
    """Hamiltonian Monte Carlo: draw v ~ N(0, I), take n leapfrog steps, accept or not.

    The energy H(x, v) = -log p(x) + |v|²/2 would be kept by the exact flow; what the steps lose is
    made up for by accepting with probability min(1, exp(H - H')). `log_prob` may leave out its
    normaliser; the score ∇ log p is autograd's unless given; `step` is a number, or a tensor of one
    per chain; n = (low, high) draws a new length for each step, which breaks resonances. A step
    costs n gradients. Neal, "MCMC using Hamiltonian dynamics" (2011).
    """
    law, step = Law(log_prob, score), positive("step", step)
    leapfrog, (low, high) = function("leapfrog", leapfrog), _lengths(n)

    def move(state: State, generator: Generator | None) -> State:
        length = low if low == high else _between(low, high, generator)
        v = normal(state.x, generator)
        kinetic = v.square().sum(dim=-1) / 2
        way = _Way(law, state, keep_path)
        x, v = leapfrog(way.start, v, way.score, column(step, state.x), length)
        x, v = like("leapfrog", x, state.x), like("leapfrog", v, state.x)
        log_p, s = way.end(x)
        gain = log_p - state.log_p + kinetic - v.square().sum(dim=-1) / 2
        prob = gain.clamp(max=0).exp().nan_to_num()  # NaN where v has overflown
        return settle(state, prob, generator, x, log_p, s, path=way.path(), step=step)

    return Kernel(law, move, step, gradients=True)


class _Way:
    """The scores on one way through space, none of which is computed twice.

    So a leapfrog function may ask for s(x) at will, and that of the start, which the state knows,
    is free. It gets copies of what the state holds, in case it works in place. Where it asked is
    the path.
    """

    def __init__(self, law: Law, state: State, keep_path: bool) -> None:
        self.law, self.start = law, state.x.clone()
        self._points = [state.x] if keep_path else None
        self._know(self.start, state.log_p, state.score.clone())

    def score(self, x: Tensor) -> Tensor:
        """The function that leapfrog follows."""
        if not self._is_known(x):
            self._know(x, *self.law.gradient(x))
            if self._points is not None:
                self._points.append(x.clone())
        return self._score

    def end(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """log p(x) and the score where the way ends, checked."""
        self.score(x)
        return self.law.judged(x, self._log_p, self._score)

    def path(self) -> Tensor | None:
        """The points at which the score was found, the start first, `(n + 1, *chains, d)`."""
        return None if self._points is None else torch.stack(self._points)

    def _know(self, x: Tensor, log_p: Tensor | None, score: Tensor) -> None:
        self._x, self._log_p, self._score = x, log_p, score
        self._versions = x._version, score._version

    def _is_known(self, x: Tensor) -> bool:
        return x is self._x and self._versions == (x._version, self._score._version)


def _lengths(n: int | tuple[int, int]) -> tuple[int, int]:
    low, high = n if isinstance(n, (tuple, list)) and len(n) == 2 else (n, n)
    low = whole("n", low)
    return low, whole("n", high, at_least=low)


def _between(low: int, high: int, generator: Generator | None) -> int:
    device = generator.device if generator else None
    return int(torch.randint(low, high + 1, (), generator=generator, device=device))
