"""ODE solvers against closed forms: orders, tolerances, both directions, what states hold."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.integrate import RK23, RK45

from dgm_lib.core import generator
from dgm_lib.samplers import ode

DOUBLE = torch.float64
ORDERS = [
    (ode.euler, 1),
    (ode.midpoint, 2),
    (ode.heun, 2),
    (ode.bogacki_shampine, 3),
    (ode.rk4, 4),
    (ode.dormand_prince, 5),
]
def swing(x, t):
    """Turning at the speed |x|² (1 + cos t): neither linear nor the same at all times."""
    speed = x.square().sum(-1, keepdim=True) * (1 + torch.cos(t))
    return speed * torch.stack([-x[..., 1], x[..., 0]], dim=-1)


def swung(x, t):
    """Where `swing` takes x from 0 to t: it is a turn by |x|² (t + sin t)."""
    angle = x.square().sum(-1) * (t + math.sin(t))
    u, v = x.unbind(-1)
    return torch.stack([angle.cos() * u - angle.sin() * v, angle.sin() * u + angle.cos() * v], -1)


START = torch.tensor([[0.3, 0.2], [0.6, -0.4], [-0.1, 0.9]], dtype=DOUBLE)


def end(states):
    return ode.last(states).x


# --- order ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("step, order", ORDERS)
@pytest.mark.parametrize("way", [1, -1])
def test_each_solver_has_its_order_both_ways(step, order, way) -> None:
    x0, x1 = START, swung(START, 1.5)
    start, goal = (x0, x1) if way > 0 else (x1, x0)
    counts, errors = [40, 80, 160] if order > 3 else [160, 320, 640], []
    for n in counts:
        times = torch.linspace(0, 1.5, n + 1, dtype=DOUBLE)
        times = times if way > 0 else times.flip(0)
        errors.append((end(ode.solve(swing, start, times, step)) - goal).norm().item())
    slope = np.polyfit(np.log(counts), np.log(errors), 1)[0]
    assert order - 0.1 < -slope < order + 0.4  # the pair of order 5 is still gaining here


@pytest.mark.parametrize("ours, scipys", [(ode.bogacki_shampine, RK23), (ode.dormand_prince, RK45)])
def test_the_pairs_have_the_coefficients_of_scipy(ours, scipys) -> None:
    k = len(scipys.C)
    rows = [list(row) + [0] * (scipys.A.shape[1] - len(row)) for row in ours.a[: k - 1]]
    assert np.allclose(rows, scipys.A[1:], rtol=0, atol=1e-15)
    assert np.allclose(ours.a[-1], scipys.B, rtol=0, atol=1e-15)
    assert np.allclose(ours.c[:-1], scipys.C[1:]) and ours.c[-1] == 1
    # Which of the two is subtracted does not matter for the size of the error.
    assert np.allclose(np.abs(ours.e), np.abs(scipys.E), rtol=0, atol=1e-15)


def test_a_step_of_each_time_of_a_batch_is_its_own() -> None:
    x = START[:2]
    t = torch.tensor([[0.0], [0.5]], dtype=DOUBLE)
    dt = torch.tensor([[0.1], [-0.2]], dtype=DOUBLE)
    for step, _ in ORDERS:
        rows = [step(swing, x[[i]], t[[i]], dt[i].item()) for i in range(2)]
        assert torch.allclose(step(swing, x, t, dt), torch.cat(rows), rtol=1e-14)


def test_steps_can_be_learned_through() -> None:
    rate = torch.tensor(0.7, dtype=DOUBLE, requires_grad=True)
    x, t = torch.ones(1, 1, dtype=DOUBLE), torch.zeros(1, 1, dtype=DOUBLE)
    for _ in range(20):
        x, t = ode.rk4(lambda x, t: rate * x, x, t, 0.05), t + 0.05
    x.backward()
    assert rate.grad.item() == pytest.approx(math.exp(0.7), rel=1e-6)


# --- adaptive -------------------------------------------------------------------------------------


@pytest.mark.parametrize("pair", [ode.bogacki_shampine, ode.dormand_prince])
@pytest.mark.parametrize("tol", [1e-4, 1e-6, 1e-8])
def test_the_adaptive_solver_errs_about_as_much_as_it_may(pair, tol) -> None:
    x0, x1 = START, swung(START, 1.5)
    for start, goal, times in ((x0, x1, [0, 1.5]), (x1, x0, [1.5, 0])):
        found = ode.last(ode.adaptive(swing, start, times, tol, tol, pair))
        assert (found.x - goal).abs().max() < 50 * tol


def test_the_adaptive_solver_takes_short_steps_only_where_it_must() -> None:
    def velocity(x, t):  # a bump of width 0.01 at t = 0.5
        return 1 / (1 + ((t - 0.5) / 0.01) ** 2) + 0 * x

    states = list(ode.adaptive(velocity, torch.zeros(1, 1).double(), [0, 1], 1e-8, 1e-8))
    times = [state.t.item() for state in states]
    steps = np.diff(times)
    assert states[-1].x.item() == pytest.approx(0.02 * math.atan(50), abs=1e-7)
    assert steps.max() > 20 * steps.min() and times[-1] == 1.0
    assert 0.45 < times[int(steps.argmin())] < 0.55
    assert states[-1].rejected > 0
    assert states[-1].nfe == 1 + 6 * (len(steps) + states[-1].rejected)


@pytest.mark.parametrize("pair", [ode.bogacki_shampine, ode.dormand_prince])
def test_the_estimated_error_is_that_of_the_lower_order(pair) -> None:
    t, sizes = torch.full((3, 1), 0.3, dtype=DOUBLE), [0.1, 0.05, 0.025]
    k = swing(START, t)
    found = [pair.attempt(swing, START, t, dt, k)[1].norm().item() for dt in sizes]
    order = np.polyfit(np.log(sizes), np.log(found), 1)[0]  # of one step: one above the method's
    assert order == pytest.approx(pair.order, abs=0.3)


def test_a_time_in_passing_costs_little() -> None:
    way, stop = [0, 1.5], [0, 0.5, 0.5 + 1e-6, 1.5]
    alone, stopped = (ode.last(ode.adaptive(swing, START, times)).nfe for times in (way, stop))
    assert stopped <= alone + 3 * 6


def test_every_time_asked_for_is_met_exactly() -> None:
    for dtype in (torch.float32, DOUBLE):
        asked = torch.tensor([0.9, 0.7, 0.1, 0.0], dtype=dtype)
        states = list(ode.adaptive(swing, START.to(dtype), asked, 1e-4, 1e-4))
        met = {state.t[0].item() for state in states}
        assert set(asked.tolist()) <= met and min(met) == 0.0 and states[0].t[0] == asked[0]
        seen = [state.t[0].item() for state in states]
        assert all(s < t for t, s in pairwise(seen))


def test_stiffness_and_poles_are_named() -> None:
    x = torch.ones(1, 1, dtype=DOUBLE)
    with pytest.raises(RuntimeError, match="velocity .*(too fast at t = 1|max_steps)"):
        list(ode.adaptive(lambda x, t: x * x, x, [0, 2]))  # blows up at t = 1
    with pytest.raises(RuntimeError, match="max_steps = 5"):
        list(ode.adaptive(lambda x, t: -1e4 * x, x, [0, 1], max_steps=5))


# --- states ---------------------------------------------------------------------------------------


def test_states_hold_the_path_and_what_it_cost() -> None:
    x = torch.rand(3, 4, 2, generator=generator(0), dtype=DOUBLE)
    for step, cost in ((ode.euler, 1), (ode.heun, 2), (ode.rk4, 4), (ode.dormand_prince, 7)):
        states = list(ode.solve(swing, x, [1, 0.5, 0.25], step))
        assert [state.nfe for state in states] == [0, cost, 2 * cost]
        assert [state.t.unique().item() for state in states] == [1, 0.5, 0.25]
        assert all(s.x.shape == x.shape and s.t.shape == (3, 4, 1) for s in states)
        assert torch.equal(states[0].x, x) and states[0].x is not x


def test_no_graph_is_kept_and_no_points_are_fine() -> None:
    net = torch.nn.Linear(2, 2).double()
    x = torch.zeros(5, 2, dtype=DOUBLE)
    for states in (
        ode.solve(lambda x, t: net(x), x, [0, 1]),
        ode.adaptive(lambda x, t: net(x), x, [0, 1]),
    ):
        assert all(not state.x.requires_grad for state in states)
        assert torch.is_grad_enabled()
    assert end(ode.solve(swing, x[:0], [0, 1])).shape == (0, 2)
    assert end(ode.adaptive(swing, x[:0], [0, 1])).shape == (0, 2)


# --- errors ---------------------------------------------------------------------------------------

X = torch.zeros(3, 2)


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: ode.solve(1, X, [0, 1]), "velocity must be a function"),
        (lambda: ode.solve(swing, [[1]], [0, 1]), "x must hold floating-point"),
        (lambda: ode.solve(swing, torch.tensor(1.0), [0, 1]), r"x must have shape \(\*batch, d\)"),
        (lambda: ode.solve(swing, X * math.nan, [0, 1]), "x must be finite"),
        (lambda: ode.solve(swing, X, [0]), "times must be at least two"),
        (lambda: ode.solve(swing, X, 1.0), "times must be at least two"),
        (lambda: ode.solve(swing, X, [0, 1, 1]), "times must only rise or only fall"),
        (lambda: ode.solve(swing, X, [0, 1, 0]), "times must only rise or only fall"),
        (lambda: ode.solve(swing, X, [0, math.inf]), "times must be finite"),
        (lambda: ode.solve(swing, X, [0, 1], 2), "step must be a function"),
        (lambda: list(ode.solve(swing, X, [0, 1], lambda v, x, t, dt: x[0])), "step must return"),
        (lambda: list(ode.solve(lambda x, t: x[0], X, [0, 1])), r"velocity must return shape"),
        (lambda: list(ode.solve(lambda x, t: 1 / x, X, [0, 1])), "velocity must be finite.*t = 0"),
        (lambda: ode.adaptive(swing, X, [0, 1], rtol=0), "rtol must be between"),
        (lambda: ode.adaptive(swing, X, [0, 1], atol=-1), "atol must be between"),
        (lambda: ode.adaptive(swing, X, [0, 1], pair=ode.rk4), "pair must be an ode.Pair"),
        (lambda: ode.adaptive(swing, X, [0, 1], max_steps=0), "max_steps must be"),
        (lambda: ode.last(iter([])), "states must yield"),
    ],
)
def test_errors_name_what_is_wrong(call, words) -> None:
    with pytest.raises(ValueError, match=words):
        call()
