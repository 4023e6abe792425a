"""The samplers of BlackJAX, emcee and Pyro as racers of `benchmarks.mcmc`.

Each finds the log-density written in its own framework, and none is imported before it is asked
for. JAX is held to one thread. The settings are the best of those tried with 1,000 and 10,000
chains and half a second, and the docstrings say which these were.
"""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from scipy.special import logsumexp
from torch import Tensor

from benchmarks.mcmc_lanes import Unfit, block, setting
from dgm_lib.targets import GaussianMixture, Target, banana

Array = Any  # numpy's, JAX's or torch's
LogProb = Callable[[Array], Array]


def log_density(target: Target, asarray: Callable, logsumexp: Callable) -> LogProb:
    """log p(x) of the target, `(*batch, 2) -> (*batch,)`, in the framework of these functions."""
    if isinstance(target, banana):
        log_norm = -np.log(2 * np.pi * target.scale)

        def log_prob(x: Array) -> Array:
            x1, x2 = x[..., 0], x[..., 1]
            bend = target.curvature * (x1 * x1 - target.scale**2)
            return log_norm - 0.5 * ((x1 / target.scale) ** 2 + (x2 - bend) ** 2)

        return log_prob
    if not isinstance(target, GaussianMixture) or target.mode_scale is None:
        raise Unfit(f"there is no log-density here for {target!r}")
    precision = target.mode_scale**-2
    exact = target.to("cpu", torch.float64)
    square = exact.means.square().sum(dim=-1)
    constants = exact.weights.log() - precision * square / 2 + np.log(precision / (2 * np.pi))
    pulls, constants = (asarray(a.float().numpy()) for a in (precision * exact.means.T, constants))

    def log_prob(x: Array) -> Array:
        return logsumexp(x @ pulls + constants, -1) - 0.5 * precision * (x * x).sum(-1)

    return log_prob


# --------------------------------------------------------------------------- BlackJAX


@functools.cache
def jax() -> Any:
    """JAX on one thread of the CPU, which makes BlackJAX twice as fast in CPU seconds."""
    # The flags alone leave it a pool of one thread per core, whatever they say.
    os.environ["NPROC"] = os.environ["PJRT_NPROC"] = "1"
    flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flags}".strip()
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    import jax as module

    return module


class BlackJax:
    """A kernel of BlackJAX, `build(blackjax, log_prob, identity)`: its chains are vectorised by
    vmap, and its steps compiled into a loop."""

    def __init__(
        self, build: Callable, target: Target, x: Tensor, seed: int, thin: int = 1
    ) -> None:
        jx = jax()
        import blackjax

        log_prob = log_density(target, jx.numpy.asarray, jx.scipy.special.logsumexp)
        kernel = build(blackjax, log_prob, jx.numpy.ones(x.shape[-1]))
        chains, n = len(x), block(len(x), most=20_000)

        def step(state: Any, key: Any) -> tuple[Any, None]:
            return jx.vmap(kernel.step)(jx.random.split(key, chains), state)[0], None

        def draw(state: Any, key: Any) -> tuple[Any, Array]:
            state, _ = jx.lax.scan(step, state, jx.random.split(key, thin))
            return state, state.position

        def draws(state: Any, key: Any) -> tuple[Any, Array, Any]:
            key, *keys = jx.random.split(key, n + 1)
            state, x = jx.lax.scan(draw, state, jx.numpy.stack(keys))
            return state, x, key

        self.draws, self.thin, self.key = jx.jit(draws), thin, jx.random.key(seed)
        self.state = jx.vmap(lambda x: kernel.init(x))(jx.numpy.asarray(x.numpy()))

    def draw(self) -> Tensor:
        """The next draws, `(n, chains, d)`."""
        self.state, x, self.key = self.draws(self.state, self.key)
        return torch.from_numpy(np.array(x))


def blackjax_hmc(target: Target, x: Tensor, seed: int) -> BlackJax:
    """BlackJAX's HMC, vectorised over the chains.

    Banana: steps of 0.2 to 0.6 and 4 to 24 of them were tried; 0.3 and 20 are best, and from 0.4
    on chains stick in the tails. Ring: 0.25 to 0.4 and 4 to 12; 0.35 and 6.
    """
    step, n = setting(target, banana=(0.3, 20), ring=(0.35, 6))
    return BlackJax(lambda b, log_prob, one: b.hmc(log_prob, step, one, n), target, x, seed)


def blackjax_nuts(target: Target, x: Tensor, seed: int) -> BlackJax:
    """BlackJAX's NUTS, vectorised over the chains: a step lasts as long as its longest tree.

    Steps of 0.4, 0.6 and 0.9 were tried on the banana, 0.25 and 0.35 on the ring.
    """
    step = setting(target, banana=0.4, ring=0.25)
    return BlackJax(lambda b, log_prob, one: b.nuts(log_prob, step, one), target, x, seed)


def blackjax_random_walk(target: Target, x: Tensor, seed: int) -> BlackJax:
    """BlackJAX's random walk of normal steps, vectorised over the chains; each 10th x is a draw.

    Banana: 1.2, 1.8 and 2.5 were tried. Ring: 1 to 2.2; at 2, the radius, it jumps from mode to
    mode.
    """
    step = setting(target, banana=1.8, ring=2.0)

    def build(b: Any, log_prob: LogProb, one: Array) -> Any:
        return b.additive_step_random_walk(log_prob, b.mcmc.random_walk.normal(step * one))

    return BlackJax(build, target, x, seed, thin=10)


# --------------------------------------------------------------------------- emcee


class Emcee:
    """An ensemble of emcee: its walkers are the chains, and one half is moved by the other."""

    def __init__(self, moves: list, target: Target, x: Tensor, seed: int, thin: int = 5) -> None:
        import emcee

        chains, d = x.shape
        if chains < 2 * d:
            raise Unfit(f"emcee needs at least {2 * d} walkers")
        log_prob = log_density(target, np.asarray, logsumexp)
        sampler = emcee.EnsembleSampler(chains, d, log_prob, moves=moves, vectorize=True)
        start = emcee.State(
            x.double().numpy(), random_state=np.random.RandomState(seed).get_state()
        )
        self.n, self.thin = block(chains, most=100), thin
        self.states = sampler.sample(start, iterations=2**40, store=False)

    def draw(self) -> Tensor:
        """The next draws, `(n, chains, d)`."""
        states = itertools.islice(self.states, self.thin - 1, self.n * self.thin, self.thin)
        # emcee goes on in the same array, so that each has to be copied while it is there.
        return torch.from_numpy(np.stack([state.coords.astype(np.float32) for state in states]))


def emcee_stretch(target: Target, x: Tensor, seed: int) -> Emcee:
    """emcee as it comes, with the affine-invariant stretch move; each 5th x is a draw."""
    from emcee.moves import StretchMove

    return Emcee([(StretchMove(), 1.0)], target, x, seed)


def emcee_differential(target: Target, x: Tensor, seed: int) -> Emcee:
    """emcee's differential evolution, half of it with gamma = 1, which leads from mode to mode.

    Each 5th x is a draw.
    """
    from emcee.moves import DEMove

    return Emcee([(DEMove(), 0.5), (DEMove(gamma0=1.0), 0.5)], target, x, seed)


# --------------------------------------------------------------------------- Pyro


class Pyro:
    """One chain of a kernel of Pyro, after 200 steps of its own adaptation."""

    thin = 1

    def __init__(self, build: Callable, target: Target, x: Tensor, seed: int) -> None:
        from pyro.infer import mcmc

        if len(x) > 1:
            raise Unfit("Pyro runs one chain in a process")
        log_prob = log_density(target, torch.asarray, torch.logsumexp)
        self.kernel = build(mcmc, lambda z: -log_prob(z["x"]).sum())
        self.kernel.initial_params = self.z = dict(x=x[0])
        self.kernel.setup(200)
        self.draw(200)

    def draw(self, n: int = 10) -> Tensor:
        """The next draws, `(n, 1, d)`."""
        drawn = []
        for _ in range(n):
            self.z = self.kernel.sample(self.z)
            drawn.append(self.z["x"].detach().clone())
        return torch.stack(drawn)[:, None]


def pyro_nuts(target: Target, x: Tensor, seed: int) -> Pyro:
    """Pyro's NUTS as it comes, one chain."""
    return Pyro(lambda mcmc, energy: mcmc.NUTS(potential_fn=energy), target, x, seed)


def pyro_hmc(target: Target, x: Tensor, seed: int) -> Pyro:
    """Pyro's HMC with trajectories of length 5, one chain."""

    def build(mcmc: Any, energy: Callable) -> Any:
        return mcmc.HMC(potential_fn=energy, trajectory_length=5.0)

    return Pyro(build, target, x, seed)
