"""The spline law and its gradient by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from dgm_lib.core import generator
from dgm_lib.models import flow
from dgm_lib.models.flow import rational
from dgm_lib.models.flow.by_hand import by_hand
from tests.flows import DOUBLE, SEEDS
from tests.gradients import assert_alike, grads

seeded = pytest.mark.parametrize("seed", SEEDS)
LAW = flow.Spline(bins=6, bound=3.0)


def drawn(
    seed: int, n: int = 60, scale: float = 1.0, law: flow.Spline = LAW
) -> tuple[Tensor, Tensor]:
    """Points on both sides of both bounds, with parameters."""
    rng = generator(seed)
    x = 2 * law.bound * (torch.rand(n, generator=rng, dtype=DOUBLE) - 0.5) * 1.2
    return x, scale * torch.randn(n, law.size, generator=rng, dtype=DOUBLE)


def by_the_paper(x: float, params: list[float], law: flow.Spline) -> float:
    """Durkan et al. (2019), equation 4, one point at a time."""
    k, bound = law.bins, law.bound
    if abs(x) > bound:
        return x

    def bent(v: float) -> float:
        return v / math.sqrt(1 + (v / law.limit) ** 2)

    knots, widths, slopes = params[: k - 1], params[k - 1 : 2 * k - 1], params[2 * k - 1 :]
    w = [math.exp(bent(v)) for v in widths]
    h = [a * math.exp(bent(v)) for a, v in zip(w, slopes)]
    w = [2 * bound * a / sum(w) for a in w]
    h = [2 * bound * a / sum(h) for a in h]
    d = [1.0, *(math.exp(bent(v)) for v in knots), 1.0]
    b, x_0 = 0, -bound
    while b < k - 1 and x > x_0 + w[b]:
        x_0, b = x_0 + w[b], b + 1
    s, xi = h[b] / w[b], (x - x_0) / w[b]
    top = h[b] * (s * xi**2 + d[b] * xi * (1 - xi))
    return -bound + sum(h[:b]) + top / (s + (d[b + 1] + d[b] - 2 * s) * xi * (1 - xi))


# --------------------------------------------------------------------------- the law


@seeded
def test_the_spline_is_that_of_the_paper(seed):
    x, params = drawn(seed)
    z, _ = LAW.forward(x, params)
    expected = [by_the_paper(a, p, LAW) for a, p in zip(x.tolist(), params.tolist())]
    torch.testing.assert_close(z, torch.tensor(expected, dtype=DOUBLE), atol=1e-12, rtol=0)


@seeded
@pytest.mark.parametrize("scale", [0.3, 1.0, 4.0])
def test_ladj_is_the_derivative_both_ways_and_inverse_undoes(seed, scale):
    x, params = drawn(seed, scale=scale)
    x.requires_grad_()
    z, ladj = LAW.forward(x, params)
    slope = torch.autograd.grad(z.sum(), x)[0]
    assert (slope > 0).all()
    torch.testing.assert_close(ladj, slope.log(), atol=1e-9, rtol=0)
    back = z.detach().requires_grad_()
    x_again, inverse = LAW.inverse(back, params)
    torch.testing.assert_close(
        inverse, torch.autograd.grad(x_again.sum(), back)[0].log(), atol=1e-9, rtol=0
    )
    torch.testing.assert_close(x_again, x, atol=1e-9, rtol=0)
    torch.testing.assert_close(inverse, -ladj, atol=1e-8, rtol=0)


@pytest.mark.parametrize(
    "law", [flow.Spline(1), flow.Spline(2, 1.0), flow.Spline(), flow.Spline(32, 5.0)]
)
@pytest.mark.parametrize("dtype", [torch.float32, DOUBLE])
def test_no_parameters_are_the_identity(law, dtype):
    x = torch.linspace(-7, 7, 281, dtype=dtype)
    for way in (law.forward, law.inverse):
        z, ladj = way(x, torch.zeros(281, law.size, dtype=dtype))
        error = 8 * torch.finfo(dtype).eps
        torch.testing.assert_close(z, x, atol=error, rtol=error)
        torch.testing.assert_close(ladj, torch.zeros_like(x), atol=4 * error, rtol=0)


@pytest.mark.parametrize("scale", [0.0, 1.0, 1e4])
def test_bounds_knots_and_huge_numbers_are_finite(scale):
    _, params = drawn(0, n=1, scale=scale)
    v = params[0, LAW.bins - 1 : 2 * LAW.bins - 1]
    w = (v / (1 + (v / LAW.limit) ** 2).sqrt()).softmax(0).cumsum(0)
    knots = (2 * w - 1) * LAW.bound
    x = torch.cat([torch.tensor([-1e4, -3.0, 3.0, 1e4, -1e-300, 0.0], dtype=DOUBLE), knots])
    params = params.expand(len(x), -1).clone().requires_grad_()
    for way in (LAW.forward, LAW.inverse):
        at = x.clone().requires_grad_()
        z, ladj = way(at, params)
        for bar in (z.sum(), ladj.sum()):
            grads = torch.autograd.grad(bar, (at, params), retain_graph=True)
            assert all(grad.isfinite().all() for grad in grads)
        outside = x.abs() > LAW.bound
        assert torch.equal(z[outside], x[outside]) and (ladj[outside] == 0).all()
        assert (z[~outside].abs() <= LAW.bound + 1e-12).all()


@seeded
def test_the_limit_bounds_the_slopes_of_knots_and_bins(seed):
    law = flow.Spline(bins=5, bound=3.0, limit=1.5)
    _, params = drawn(seed, n=300, scale=100.0, law=law)
    bins = rational.find(torch.zeros(300, dtype=DOUBLE), params.T, law.limit, axis=0)
    means = (bins.shares[1] / bins.shares[0]).log()
    knots = (bins.e * bins.h / bins.w).log()
    assert law.limit < means.abs().max() <= 2 * law.limit
    assert 0.9 * law.limit < knots.abs().max() <= law.limit + 1e-9
    assert bins.shares[0].min() > math.exp(-2 * law.limit) / law.bins


@seeded
def test_a_spline_comes_back_in_single_precision(seed):
    law = flow.Spline(16)
    x, params = (v.float() for v in drawn(seed, n=5000, law=law))
    z, ladj = law.forward(x, params)
    back, inverse = law.inverse(z, params)
    # A number z of single precision cannot say more of x than this.
    least = torch.finfo(torch.float32).eps * law.bound * (-ladj).exp()
    assert ((back - x).abs() <= 1e-6 + 8 * least).all()
    assert (back - x).abs().median() <= 5e-7
    assert (ladj + inverse).abs().median() <= 5e-6


def test_a_law_says_what_its_numbers_must_be():
    for wrong in (dict(bins=0), dict(bound=0.0), dict(bound=math.inf), dict(limit=-1.0)):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            flow.Spline(**wrong)


# --------------------------------------------------------------------------- gradients by hand


@seeded
@pytest.mark.parametrize("shape", [(40,), (8, 5), (2, 4, 5)])
def test_the_splines_gradient_by_hand_is_torchs(seed, shape):
    x, params = drawn(seed, n=40)
    rows = params.T.reshape(LAW.size, *shape).requires_grad_()
    x = x.reshape(shape).requires_grad_()
    found = by_hand(LAW.fast, LAW.plain, x, rows)
    expected = LAW.plain(x, rows)
    assert_alike(found, expected)
    assert_alike(grads(found, [x, rows]), grads(expected, [x, rows]))


@seeded
def test_derivatives_of_any_order_pass_gradcheck(seed):
    x, params = drawn(seed, n=12)
    inputs = (x.requires_grad_(), params.requires_grad_())
    for way in (LAW.forward, LAW.inverse):
        assert torch.autograd.gradcheck(way, inputs)
        assert torch.autograd.gradgradcheck(way, inputs)


def test_only_what_needs_a_gradient_gets_one():
    x, params = drawn(0)
    for needs in [(True, False), (False, True)]:
        x.requires_grad_(needs[0]), params.requires_grad_(needs[1])
        z, ladj = LAW.forward(x, params)
        wanted = x if needs[0] else params
        (first,) = torch.autograd.grad(z.sum() + ladj.square().sum(), wanted, create_graph=True)
        torch.autograd.grad(first.square().sum(), wanted)
        x.requires_grad_(False), params.requires_grad_(False)


def test_writing_to_an_input_before_the_gradient_is_seen():
    x, params = drawn(0)
    z, _ = LAW.forward(x, params.requires_grad_())
    with torch.no_grad():
        params += 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.sum().backward()


def test_torch_func_sees_through_the_law():
    x, params = drawn(1)

    def z_of(x, params):
        return LAW.forward(x, params)[0]

    _, ladj = LAW.forward(x, params)
    for derivative in (torch.func.grad(z_of), torch.func.jacrev(z_of)):
        slope = torch.func.vmap(derivative)(x, params)
        torch.testing.assert_close(slope.log(), ladj, atol=1e-9, rtol=0)
