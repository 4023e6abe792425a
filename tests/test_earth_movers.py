"""The earth mover's distance: primal, dual, and where the truth is known otherwise."""

import math

import pytest
import torch
from scipy.optimize import linear_sum_assignment
from scipy.stats import wasserstein_distance

from dgm_lib.core import generator
from dgm_lib.metrics import earth_movers
from tests.samples import F64, draw


def weights(rng, n):
    w = torch.rand(n, generator=rng, dtype=F64)
    return w / w.sum()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("weighted", [True, False])
def test_plan_and_critic_prove_each_other(seed, weighted):
    rng = generator(seed)
    n, m = 30, 20 + 10 * weighted
    x, y = draw(rng, n), draw(rng, m, 2, 2.0, 1.0)
    a, b = weights(rng, n), weights(rng, m)
    found = earth_movers(x, y, a, b) if weighted else earth_movers(x, y)
    if not weighted:
        a, b = torch.full((n,), 1 / n, dtype=F64), torch.full((m,), 1 / m, dtype=F64)
    costs = torch.cdist(x, y)
    assert found.plan.min() >= 0
    torch.testing.assert_close(found.plan.sum(1), a)
    torch.testing.assert_close(found.plan.sum(0), b)
    assert found.distance.value == pytest.approx((found.plan * costs).sum().item(), abs=1e-12)
    assert found.dual == pytest.approx(found.distance.value, abs=1e-9)
    score = a @ found.critic(x) - b @ found.critic(y)
    assert score.item() == pytest.approx(found.dual, abs=1e-12)
    # Along whatever is moved the critic falls by just as much as the way is long.
    drop = found.critic(x)[:, None] - found.critic(y)
    assert (drop - costs)[found.plan > 1e-9].abs().max() < 1e-8


@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_best_assignment_of_equal_samples(seed):
    x, y = draw(generator(seed), 80, 3), draw(generator(seed + 10), 80, 3, 1.5)
    costs = torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist").numpy()
    truth = costs[linear_sum_assignment(costs)].mean()
    found = earth_movers(x, y)
    assert found.distance.value == pytest.approx(truth, abs=1e-10)
    assert found.dual == pytest.approx(truth, abs=1e-9)


def test_on_a_line_it_is_sorting():
    rng = generator(1)
    x, y = draw(rng, 60, d=1), draw(rng, 60, d=1, sigma=2.0)
    truth = (x.sort(0).values - y.sort(0).values).abs().mean().item()
    assert earth_movers(x, y).distance.value == pytest.approx(truth, abs=1e-10)
    a, b = weights(rng, 60), weights(rng, 40)
    truth = wasserstein_distance(x[:, 0], y[:40, 0], a, b)
    assert earth_movers(x, y[:40], a, b).distance == pytest.approx((truth, 0.0), abs=1e-9)


def test_closed_forms():
    x = draw(generator(2), 50, 2)
    c = torch.tensor([3.0, 4.0], dtype=F64)
    assert earth_movers(x, x + c).distance.value == pytest.approx(5)
    assert earth_movers(x, x).distance.value == pytest.approx(0, abs=1e-12)
    assert earth_movers(x, c[None]).distance.value == pytest.approx((x - c).norm(dim=1).mean())
    # Two parallel lines θ apart, where KL is infinite and JSD log 2 however near (Arjovsky 2017).
    line = torch.linspace(0, 1, 20, dtype=F64)
    for theta in (2.0, 0.5, 0.0):
        here, there = (torch.stack([torch.full_like(line, t), line], 1) for t in (0.0, theta))
        assert earth_movers(here, there).distance.value == pytest.approx(theta, abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_the_critic_has_slope_at_most_1_everywhere_and_1_on_the_rays(seed):
    rng = generator(seed)
    x, y = draw(rng, 40), draw(rng, 40, 2, 1.0, 3.0)
    found = earth_movers(x, y)
    p, q = draw(rng, 500, 2, 5.0), draw(rng, 500, 2, 5.0)
    rise = (found.critic(p) - found.critic(q)).abs() / (p - q).norm(dim=1)
    assert rise.max() <= 1 + 1e-12
    i, j = (found.plan > 1e-9).nonzero().T
    on_ray = torch.lerp(y[j], x[i], torch.rand(len(i), 1, generator=rng, dtype=F64))
    on_ray = on_ray[(on_ray - y[j]).norm(dim=1) > 1e-3].requires_grad_()
    (slope,) = torch.autograd.grad(found.critic(on_ray).sum(), on_ray)
    torch.testing.assert_close(slope.norm(dim=1), torch.ones(len(on_ray), dtype=F64))
    assert found.critic(torch.zeros(4, 5, 2)).shape == (4, 5)


def test_between_two_laws_the_error_covers_the_spread_over_seeds():
    rng = generator(6)
    found = [earth_movers(draw(rng, 40), draw(rng, 40, 2, 1.5, 1.0)).distance for _ in range(60)]
    values, errors = torch.tensor(found, dtype=F64).unbind(1)
    # The spread of sixty is known to 9 %, four times which is allowed on either side.
    assert 0.64 < errors.square().mean().sqrt() / values.std() < 1.36


def test_between_discrete_laws_there_is_no_error_and_weights_may_be_0():
    x = torch.tensor([[0.0], [1.0], [9.0]])
    found = earth_movers(x, [[2.0]], a=[0.25, 0.75, 0.0])
    assert found.distance == pytest.approx((0.25 * 2 + 0.75 * 1, 0.0)) and found.dual == 1.25
    assert earth_movers([[0.0]], [[2.0]]).distance == (2.0, 0.0)


def test_bad_arguments_are_named():
    good = torch.zeros(5, 2)
    cases = {
        "x must have shape": [(good[:, 0], good)],
        "y must have the dimension": [(good, torch.zeros(5, 3))],
        "y must be finite": [(good, good + math.nan)],
        "x and y must have at most": [(torch.zeros(501, 2), torch.zeros(500, 2))],
        "a must have shape": [(good, good, torch.ones(4) / 4)],
        "a must be at least 0": [(good, good, torch.ones(5)), (good, good, [2.0, -1, 0, 0, 0])],
        "b must be at least 0": [(good, good, None, torch.full((5,), math.nan))],
    }
    for words, calls in cases.items():
        for arguments in calls:
            with pytest.raises(ValueError, match=f"^{words}"):
                earth_movers(*arguments)
