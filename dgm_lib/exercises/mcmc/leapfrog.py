"""The leapfrog integrator of Hamiltonian Monte Carlo."""

from collections.abc import Callable

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Fail
from dgm_lib.exercises.mcmc.leapfrog_mistakes import MISTAKES, TOO_MANY_CALLS
from dgm_lib.exercises.mcmc.leapfrog_wrong import Counted, Force


def leapfrog(x: Tensor, v: Tensor, score: Callable, step: float, n: int) -> tuple[Tensor, Tensor]:
    """Where n leapfrog steps lead from x and the momentum v, both (*chains, d).

    Half a kick v += step/2 · score(x), then n drifts x += step · v with a full kick between any
    two, then half a kick. score(x) = ∇ log p(x) is the force.
    """
    v = v + step / 2 * score(x)
    for _ in range(n - 1):
        x = x + step * v
        v = v + step * score(x)
    x = x + step * v
    return x, v + step / 2 * score(x)


QUARTIC = Force("−x³ + x + 0.3", lambda x: x - x**3 + 0.3)
STEEP = Force("−3 (x − 0.5)", lambda x: -3 * (x - 0.5))
COUPLED = Force("sin(x₂, …, x_d, x₁) − x", lambda x: torch.sin(x.roll(-1, dims=-1)) - x)


def _cases(generator: torch.Generator, dtype: torch.dtype) -> list[tuple]:
    def case(*shape, force, step, n):
        x, v = torch.randn(2, *shape, generator=generator, dtype=torch.float64).to(dtype)
        return x, 1.3 * v + 0.2, force, step, n

    return [
        case(2, force=QUARTIC, step=0.3, n=3),
        case(3, 1, force=STEEP, step=0.2, n=1),
        case(3, 2, force=COUPLED, step=0.25, n=2),
        case(4, 3, force=QUARTIC, step=0.1, n=7),
        case(2, 3, 2, force=STEEP, step=0.4, n=5),
        case(5, 4, force=COUPLED, step=0.15, n=12),
    ]


def _asks_for_few_scores(fn, generator):
    """at most n + 1 calls of score"""
    x, v = torch.randn(2, 3, 2, generator=generator, dtype=torch.float64)
    for n in (1, 2, 6):
        counted = Counted(QUARTIC)
        fn(x, v, counted, 0.2, n)
        if counted.calls > n + 1:
            raise Fail(TOO_MANY_CALLS)


def _takes_any_score(fn, generator):
    """a score with the shape of x"""
    x, v = torch.randn(2, 3, 2, generator=generator, dtype=torch.float64)

    def score(at):
        if at.shape != x.shape:
            raise Fail(f"score is called with the shape {tuple(at.shape)}: hand it x as it is")
        return -at

    fn(x, v, score, 0.2, 3)


# ------------------------------------------------------------------------ right answers


def _in_the_loop(x, v, score, step, n):
    v = v + 0.5 * step * score(x)
    for i in range(n):
        x = x + step * v
        kick = step if i < n - 1 else 0.5 * step
        v = v + kick * score(x)
    return x, v


def _half_taken_back(x, v, score, step, n):
    v = v + 0.5 * step * score(x)
    for _ in range(n):
        x = x + step * v
        force = score(x)
        v = v + step * force
    return x, v - 0.5 * step * force


def _two_half_kicks(x, v, score, step, n):
    force = score(x)
    for _ in range(n):
        v = v + step / 2 * force
        x = x + step * v
        force = score(x)
        v = v + step / 2 * force
    return x, v


def _velocity_verlet(x, v, score, step, n):
    force = score(x)
    for _ in range(n):
        x = x + step * v + step**2 / 2 * force
        old, force = force, score(x)
        v = v + step * (old + force) / 2
    return x, v


def _two_positions(x, v, score, step, n):
    """Störmer's form: positions only, then the momentum from the last two."""
    before, here = x, x + step * v + step**2 / 2 * score(x)
    for _ in range(n - 1):
        before, here = here, 2 * here - before + step**2 * score(here)
    return here, (here - before) / step + step / 2 * score(here)


def _in_place_on_clones(x, v, score, step, n):
    x, v = x.clone(), v.clone()
    v.add_(score(x), alpha=step / 2)
    for i in range(1, n + 1):
        x.add_(v, alpha=step)
        v.add_(score(x), alpha=step if i != n else step / 2)
    return x, v


def _with_a_while(x, v, score, step, n):
    v, left = torch.add(v, score(x), alpha=0.5 * step), n
    while left:
        left -= 1
        x = torch.add(x, v, alpha=step)
        v = torch.add(v, score(x), alpha=step * (1 if left else 0.5))
    return [x, v]


Exercise(
    leapfrog,
    title="Leapfrog",
    minutes=10,
    difficulty=2,
    returns="two tensors (*chains, d), the new x and the new v",
    cases=_cases,
    properties=[_takes_any_score, _asks_for_few_scores],
    mistakes=MISTAKES,
    accepts=[
        _in_the_loop,
        _half_taken_back,
        _two_half_kicks,
        _velocity_verlet,
        _two_positions,
        _in_place_on_clones,
        _with_a_while,
    ],
    hints=(
        "x and v leap over each other: v is known at the half steps, x at the whole ones. Only the "
        "first and the last kick are half ones.",
        "A kick is v = v + step · score(x), a drift x = x + step · v; each uses the newest value "
        "of the other.",
        "Half a kick; n − 1 times a drift and a full kick; a drift; half a kick. "
        "That is n drifts, and n + 1 calls of score.",
    ),
)
