"""Penalties on the slope, and unrolling: exact where they can be, else finite differences."""

import math

import pytest
import torch
from torch import nn

from dgm_lib.core import generator
from dgm_lib.models import gan
from dgm_lib.nets import MLP
from dgm_lib.objectives import (
    discriminator_loss,
    gradient_penalty,
    non_saturating,
    r1,
    unrolled,
)

F64 = torch.float64


def points(seed, *shape):
    return torch.randn(*shape, generator=generator(seed), dtype=F64)


class Linear(nn.Module):
    """f(x) = w·x, whose slope is w everywhere."""

    def __init__(self, *w):
        super().__init__()
        self.w = nn.Parameter(torch.tensor(w, dtype=F64))

    def forward(self, x):
        return x @ self.w


# --------------------------------------------------------------------------- penalties


def test_penalties_of_a_linear_critic_are_exact_and_so_are_their_gradients():
    f = Linear(3.0, 4.0)
    x, y = points(5, 6, 2), points(6, 6, 2)
    w = f.w.detach()
    loss = r1(f, x, gamma=0.5)
    assert loss.item() == pytest.approx(0.25 * 25)
    torch.testing.assert_close(torch.autograd.grad(loss, f.w)[0], 0.5 * w)
    loss = gradient_penalty(f, x, y, weight=10.0)
    assert loss.item() == pytest.approx(10 * 16)
    torch.testing.assert_close(torch.autograd.grad(loss, f.w)[0], 20 * 4 * w / 5)
    assert r1(f, x, 0.0) == 0 and gradient_penalty(f, x, y, weight=0.0) == 0


def test_penalties_of_packs_are_of_the_slope_in_all_points_of_a_pack():
    f = gan.Packed(Linear(3.0, 4.0, 0.0, 12.0), 2)
    x, y = points(7, 6, 2), points(8, 6, 2)
    assert r1(f, x, gamma=2.0).item() == pytest.approx(169)
    assert gradient_penalty(f, x, y, weight=1.0).item() == pytest.approx(144)


def test_r1_is_at_the_data_and_its_gradient_that_of_finite_differences():
    torch.manual_seed(1)
    D, x = MLP(2, 1, (8,)).double(), points(9, 3, 4, 2).requires_grad_()
    jacobian = torch.func.vmap(torch.func.jacrev(D))(x.reshape(-1, 2)).squeeze(1)
    truth = 0.35 * jacobian.square().sum(1).mean()
    with torch.no_grad():  # the penalty needs gradients even so
        torch.testing.assert_close(r1(D, x, 0.7), truth, check_stride=False)
    r1(D, x, 0.7).backward()
    assert x.grad is None
    check_gradient(D, lambda: r1(D, x, 0.7))


@pytest.mark.parametrize("seed", range(2))
def test_the_gradient_penalty_is_on_the_lines_between_pairs(seed):
    seen = []

    def f(x):
        seen.append(x.detach())
        return x.square().sum(dim=-1) / 2  # whose slope at x is x

    x, y = points(seed, 4000, 2), points(seed + 20, 4000, 2) + 3
    loss = gradient_penalty(f, x, y, 10.0, generator(seed))
    (between,) = seen
    epsilon = (between - y)[:, 0] / (x - y)[:, 0]
    torch.testing.assert_close(between, y + epsilon[:, None] * (x - y))
    assert 0 <= epsilon.min() < 0.01 and 0.99 < epsilon.max() <= 1
    assert abs(epsilon.mean() - 0.5) < 4 / math.sqrt(12 * 4000)
    torch.testing.assert_close(loss.detach(), 10 * (between.norm(dim=1) - 1).square().mean())
    assert torch.equal(loss, gradient_penalty(f, x, y, 10.0, generator(seed)))


def test_the_gradient_penalty_trains_the_critic_even_from_a_slope_of_0():
    torch.manual_seed(2)
    f, x, y = MLP(2, 1, (8,)).double(), points(9, 12, 2), points(10, 12, 2)
    check_gradient(f, lambda: gradient_penalty(f, x, y, 10.0, generator(0)))
    flat = MLP(2, 1, (8,), nn.ReLU).double()
    nn.init.constant_(flat[0].bias, -100.0)
    loss = gradient_penalty(flat, x, y)
    loss.backward()
    assert loss.item() == 10 and all(
        p.grad is None or p.grad.isfinite().all() for p in flat.parameters()
    )


def check_gradient(net, loss, h=1e-5):
    """Compare the gradient in a few of a network's parameters with central differences."""
    slopes = torch.autograd.grad(loss(), net.parameters(), materialize_grads=True)
    for p, slope in zip(net.parameters(), slopes):
        for i in range(0, p.numel(), max(p.numel() // 3, 1)):
            flat, found = p.data.view(-1), []
            for side in (1, -1):
                flat[i] += side * h
                found.append(loss().item())
                flat[i] -= side * h
            assert (found[0] - found[1]) / (2 * h) == pytest.approx(
                slope.view(-1)[i].item(), abs=1e-7
            )


# --------------------------------------------------------------------------- unrolling


def game(seed):
    """A discriminator, a generator, data and the two losses of a small game in float64."""
    torch.manual_seed(seed)
    D, G = MLP(2, 1, (6,), nn.Tanh).double(), MLP(2, 2, (6,), nn.Tanh).double()
    x, z = points(seed, 10, 2) + 1, points(seed + 1, 10, 2)
    loss_of_D = lambda D: discriminator_loss(D(x), D(G(z)))  # noqa: E731
    loss_of_G = lambda D: non_saturating(D(G(z)))  # noqa: E731
    return D, G, loss_of_D, loss_of_G


def test_without_steps_it_is_the_plain_loss_and_its_gradient():
    D, G, loss_of_D, loss_of_G = game(0)
    plain, ours = loss_of_G(D), unrolled(D, loss_of_D, loss_of_G, steps=0, lr=0.1)
    torch.testing.assert_close(ours, plain)
    grads = [torch.autograd.grad(loss, G.parameters()) for loss in (plain, ours)]
    torch.testing.assert_close(*grads)


@pytest.mark.parametrize("steps", [1, 5])
def test_it_is_the_loss_after_steps_of_sgd_and_leaves_the_discriminator_alone(steps):
    D, G, loss_of_D, loss_of_G = game(1)
    before = [p.detach().clone() for p in D.parameters()]
    ours = unrolled(D, loss_of_D, loss_of_G, steps, lr=0.3)
    ours.backward()
    assert all(torch.equal(p, b) and p.grad is None for p, b in zip(D.parameters(), before))
    optimizer = torch.optim.SGD(D.parameters(), lr=0.3)
    for _ in range(steps):
        optimizer.zero_grad()
        loss_of_D(D).backward()
        optimizer.step()
    torch.testing.assert_close(ours, loss_of_G(D))


@pytest.mark.parametrize("seed", range(2))
def test_its_gradient_sees_how_the_discriminator_would_answer(seed):
    D, G, loss_of_D, loss_of_G = game(seed)
    check_gradient(G, lambda: unrolled(D, loss_of_D, loss_of_G, steps=3, lr=0.5))


def test_bad_arguments_are_named():
    x, D = points(0, 5, 2), Linear(1.0, 1.0)
    cases = {
        "gamma must": [lambda g=g: r1(D, x, g) for g in (-1.0, math.nan, math.inf)],
        "weight must": [lambda: gradient_penalty(D, x, x, weight=-1.0)],
        "x_fake must have": [lambda: gradient_penalty(D, x, x[:3])],
        "discriminator must return": [lambda: r1(MLP(2, 3).double(), x, 1.0)],
        "critic must return": [lambda: gradient_penalty(lambda x: x[:0], x, x)],
        "steps must": [lambda: unrolled(D, None, None, -1, 0.1)],
        "lr must": [lambda: unrolled(D, None, None, 1, -0.1)],
    }
    for words, calls in cases.items():
        for call in calls:
            with pytest.raises(ValueError, match=f"^{words}"):
                call()
