"""Flows: volume by the divergence, exact or estimated, and the densities that follow from it."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
import torch
from torch.autograd.functional import jacobian

from dgm_lib import paths, targets
from dgm_lib.core import generator
from dgm_lib.models.diffusion import Exact
from dgm_lib.samplers import ode

DOUBLE = torch.float64
P = targets.GaussianMixture(
    [[2.0, 0.5], [-1.0, 1.5], [-0.5, -2.0]], [0.4, 0.7, 0.25], [0.5, 0.3, 0.2]
).to(dtype=DOUBLE)
A = torch.tensor([[0.3, -1.1], [0.8, 0.5]], dtype=DOUBLE)


def twisted(x, t):
    return torch.tanh(x @ A.T) * (1 + t) + 0.3 * x.flip(-1).sin()


def jacobian_trace(x, t):
    def alone(point):
        return twisted(point[None], t[:1])[0]

    return torch.stack([jacobian(alone, point).trace() for point in x])


def test_the_exact_divergence_is_the_trace_of_the_jacobian() -> None:
    x, t = torch.randn(6, 2, generator=generator(1), dtype=DOUBLE), torch.full((6, 1), 0.4).double()
    with torch.no_grad():
        v, div = ode.exact_divergence(twisted, x, t)
    assert torch.equal(v, twisted(x, t)) and not (v.requires_grad or div.requires_grad)
    assert torch.allclose(div, jacobian_trace(x, t), rtol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_hutchinson_is_unbiased(seed) -> None:
    g, k = generator(seed), 4000
    x, t = torch.randn(6, 2, generator=g, dtype=DOUBLE), torch.full((6, 1), 0.4).double()
    for probes in (
        torch.randn(k, 6, 2, generator=g, dtype=DOUBLE),
        torch.randint(0, 2, (k, 6, 2), generator=g).double() * 2 - 1,
    ):
        each = ode.hutchinson(probes[None].flatten(1, 2))(
            twisted, x.repeat(k, 1), t.repeat(k, 1)
        )[1].view(k, 6)
        errors = each.mean(0) - jacobian_trace(x, t)
        assert (errors.abs() < 4.5 * each.std(0) / math.sqrt(k)).all()
    both = ode.hutchinson(probes[:3])(twisted, x, t)[1]
    assert torch.allclose(both, each[:3].mean(0), rtol=1e-12)


def test_divergences_can_be_learned_through() -> None:
    rate = torch.tensor(0.7, dtype=DOUBLE, requires_grad=True)
    x, t = torch.ones(4, 2, dtype=DOUBLE), torch.zeros(4, 1, dtype=DOUBLE)
    for divergence in (ode.exact_divergence, ode.hutchinson(torch.ones(1, 4, 2))):
        both = ode.augmented(lambda x, t: rate * x * x, divergence)
        start = torch.cat([x, torch.zeros_like(t)], -1)
        ladj = ode.euler(both, start, t, 0.5)[:, -1]
        (grad,) = torch.autograd.grad(ladj.sum(), rate)
        assert grad.item() == pytest.approx(4 * 0.5 * 4)


def test_transport_knows_the_determinant_of_its_jacobian() -> None:
    x = torch.randn(5, 2, generator=generator(2), dtype=DOUBLE)
    solver = partial(ode.solve, step=ode.rk4)
    times = torch.linspace(0, 1, 21)
    z, ladj = ode.transport(twisted, x, times, solver=solver)

    def alone(point):
        t = torch.zeros(1, 1, dtype=DOUBLE)
        point = point[None]
        for _ in range(20):
            point, t = ode.rk4(twisted, point, t, 1 / 20), t + 1 / 20
        return point[0]

    truth = torch.stack([jacobian(alone, point).slogdet()[1] for point in x])
    assert torch.allclose(ladj, truth, atol=1e-7)
    back, minus = ode.transport(twisted, z, times.flip(0), solver=solver)
    assert torch.allclose(back, x, atol=1e-6) and torch.allclose(minus, -ladj, atol=1e-6)


def flow(path, times, **options) -> ode.Flow:
    t = torch.tensor(times[-1], dtype=DOUBLE)
    base = P.noised(path.alpha(t).item(), path.sigma(t).item()).as_target()
    return ode.Flow(Exact(path, P).velocity, base, times, **options)


@pytest.mark.parametrize(
    "path, times",
    [
        (paths.cosine(), (0.0, 1.0)),
        (paths.linear(), (1e-5, 1.0)),
        (paths.straight(), (0.0, 1.0)),
        (paths.exploding(0.01, 10.0), (0.0, 1.0)),
    ],
)
def test_the_flow_has_the_exact_log_density(path, times) -> None:
    q = flow(path, times, solver=partial(ode.adaptive, rtol=1e-7, atol=1e-7))
    x = P.sample((30,), generator(3))
    t = torch.full((30, 1), times[0], dtype=DOUBLE)
    assert (q.log_prob(x) - Exact(path, P).log_prob(x, t)).abs().max() < 1e-5
    z, ladj = q(x)
    back, minus = q.inverse(z)
    assert torch.allclose(back, x, atol=1e-5) and torch.allclose(minus, -ladj, atol=1e-4)


def test_the_density_errs_by_the_order_of_the_solver() -> None:
    errors, counts, x = [], [15, 30, 60], P.sample((60,), generator(3))
    for n in counts:
        times = torch.linspace(0, 1, n + 1).tolist()
        q = flow(paths.cosine(), times, solver=partial(ode.solve, step=ode.rk4))
        errors.append((q.log_prob(x) - P.log_prob(x)).abs().mean().item())
    assert -np.polyfit(np.log(counts), np.log(errors), 1)[0] == pytest.approx(4, abs=0.5)


@pytest.mark.parametrize("seed", range(3))
def test_hutchinson_gives_the_density_without_bias(seed) -> None:
    k, g = 200, generator(seed)
    x = P.sample((1,), g).expand(k, 2)
    probes = torch.randint(0, 2, (1, k, 2), generator=g).double() * 2 - 1
    q = flow(
        paths.cosine(),
        torch.linspace(0, 1, 41).tolist(),
        solver=partial(ode.solve, step=ode.rk4),
        divergence=ode.hutchinson(probes),
    )
    found = q.log_prob(x)
    assert abs(found.mean() - P.log_prob(x[0])) < 4.5 * found.std() / math.sqrt(k) + 1e-4


@pytest.mark.parametrize("seed", range(2))
def test_the_flow_samples_its_law_and_is_reproducible(seed) -> None:
    q, n = flow(paths.cosine(), (0.0, 1.0)), 2000
    x = q.sample((n,), generator(seed))
    assert torch.equal(x, q.sample((n,), generator(seed)))
    second = P.covariance.diagonal() + P.mean**2
    for values, truth in ((x, P.mean), (x**2, second)):
        assert ((values.mean(0) - truth).abs() < 4.5 * values.std(0) / math.sqrt(n)).all()


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda x, t: ode.hutchinson(torch.zeros(2)), "probes must be a tensor"),
        (lambda x, t: ode.hutchinson(x)(twisted, x, t), "probes must have shape"),
        (lambda x, t: ode.transport(lambda x, t: x.detach(), x, [0, 1]), "velocity must be differ"),
        (lambda x, t: ode.Flow(twisted, P, [0, 0]), "times must only rise or only fall"),
        (lambda x, t: ode.Flow(twisted, None, [0, 1]), "base must be a density"),
    ],
)
def test_errors_name_what_is_wrong(call, words) -> None:
    with pytest.raises(ValueError, match=words):
        call(torch.zeros(3, 2), torch.zeros(3, 1))
