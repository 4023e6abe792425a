"""Samples, entropies, modes and boxes of the targets, against their own densities."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.spatial.distance import cdist

from dgm_lib import targets
from dgm_lib.core import Grid, generator
from tests.laws import ALL, DOUBLE, FAMILIES, double, draws, every, labelled



@every
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_entropy_is_the_mean_surprise(name, seed):
    p, n = double(name), 20_000
    surprise = -p.log_prob(draws(name, n, seed))
    stderr = surprise.std().item() / math.sqrt(n)
    assert abs(surprise.mean().item() - p.entropy) < 4 * stderr + p.entropy.stderr


@every
def test_samples_fill_the_cells_as_the_density_says(name):
    """Chi-square on a grid of cells, whose probabilities are integrals of the density."""
    p, cells, fine, n = double(name), 20, 20, 20_000
    grid = Grid(p.box, cells * fine)
    mass = p.log_prob(grid.points).exp() * grid.cell
    for axis in range(p.d):
        mass = mass.unflatten(axis, (cells, fine)).sum(dim=axis + 1)
    edges = [np.linspace(*row, cells + 1) for row in p.box.tolist()]
    counts = np.histogramdd(draws(name, n, seed=5).numpy(), edges)[0].ravel()
    expected = n * mass.numpy().ravel()
    enough = expected >= 5
    observed = np.append(counts[enough], n - counts[enough].sum())
    expected = np.append(expected[enough], n - expected[enough].sum())
    observed, expected = (a if expected[-1] >= 5 else a[:-1] for a in (observed, expected))
    statistic = ((observed - expected) ** 2 / expected).sum()
    assert stats.chi2.sf(statistic, len(expected) - 1) > 1e-5
    assert n - counts.sum() <= 5  # outside of the box, where 0.2 are expected at most


@labelled
def test_labelled_samples_are_joint_and_conditional(name):
    p, n = double(name), 20_000
    x, y = p.sample_labelled((n,), generator(3))
    weights = p.label_weights
    share = torch.bincount(y, minlength=len(weights)) / n
    error = (weights * (1 - weights) / n).sqrt()
    assert ((share - weights).abs() <= 4.5 * error).all()
    # Bayes: the posterior of the label that was drawn has mean sum_y E[p(y|x)^2].
    posterior = p.posterior(x)
    excess = posterior.gather(-1, y[:, None])[:, 0] - posterior.square().sum(-1)
    rare = 10 / n  # Bernstein's term: far-apart labels are confused once in n draws, or never
    assert excess.mean().abs() < 4 * excess.std() / math.sqrt(n) + rare
    for z in (0, len(weights) - 1):
        given = p.sample((2000,), generator(4), label=z)
        many = p.sample((2000,), generator(5), label=torch.full((2000,), z))
        chosen = x[y == z][:2000]
        for axis in range(p.d):
            for other in (chosen, many):
                assert stats.ks_2samp(given[:, axis], other[:, axis]).pvalue > 1e-5


@every
def test_mean_and_covariance(name):
    p, n = double(name), 50_000
    x = draws(name, n, seed=9)
    try:
        mean, covariance = p.mean, p.covariance
    except NotImplementedError as error:
        assert "pinwheel" in str(error)
        assert name == "pinwheel, one arm"
        return
    stderr = x.std(dim=0) / math.sqrt(n)
    assert ((x.mean(dim=0) - mean).abs() < 4.5 * stderr).all()
    apart = x - mean
    products = apart[:, :, None] * apart[:, None, :]
    stderr = products.std(dim=0) / math.sqrt(n)
    assert ((products.mean(dim=0) - covariance).abs() < 4.5 * stderr).all()


@every
def test_samples_follow_the_generator_only(name):
    p = ALL[name]
    state = torch.get_rng_state()
    a, b, c = (p.sample((50,), generator(seed)) for seed in (1, 1, 2))
    assert torch.equal(a, b) and not torch.equal(a, c)
    p.entropy, p.modes, p.box
    assert torch.equal(state, torch.get_rng_state())
    torch.manual_seed(0)
    first = p.sample(50)
    torch.manual_seed(0)
    assert torch.equal(first, p.sample((50,)))


@every
def test_to_another_precision(name):
    p = ALL[name]
    x, q = p.sample((100,)), p.to(dtype=DOUBLE)
    assert x.dtype == p.dtype == p.box.dtype == p.modes.dtype == torch.float32
    x = q.sample((100,))
    assert x.dtype == q.dtype == q.box.dtype == q.modes.dtype == DOUBLE
    assert (x != x.float().double()).any(), "no more digits than single precision has"
    assert p.dtype == torch.float32 and q.entropy == p.entropy and repr(p) == repr(q)
    back = q.to("cpu", torch.float32)
    assert torch.equal(back.sample(9, generator(0)), p.sample(9, generator(0)))
    again = pickle.loads(pickle.dumps(p.entropy))
    assert (again, again.how, again.stderr) == (p.entropy, p.entropy.how, p.entropy.stderr)


# --------------------------------------------------------------------------- modes and the box


@every
def test_modes_are_local_maxima(name):
    p = double(name)
    modes = p.modes
    assert modes.ndim == 2 and modes.shape[1] == p.d
    assert p.score(modes).abs().max() < 1e-4
    angle = torch.linspace(0, 2 * math.pi, 25, dtype=DOUBLE)
    circle = torch.stack([angle.cos(), angle.sin()], dim=-1)[:, : p.d]
    for radius in (1e-3, 1e-2, 5e-2):
        around = p.log_prob(modes[:, None] + radius * circle)
        assert (around <= p.log_prob(modes)[:, None] + 1e-6).all()


@every
def test_no_sample_climbs_to_a_mode_that_is_not_listed(name):
    p = double(name)
    x = draws(name, 300)
    with torch.no_grad():
        highest = p.log_prob(p.modes).max()
        assert (p.log_prob(x) <= highest + 1e-9).all()


@pytest.mark.parametrize(
    "p, count",
    [
        (targets.ring(), 8),
        (targets.ring(8, radius=0.2), 1),
        (targets.ring(8, radius=0.6), 8),
        (targets.ring(100), 1),
        (targets.ring(8, scale=0.005), 8),
        (targets.ring(400, radius=40.0, scale=0.05), 400),
        (targets.ring(400, radius=0.001), 1),
        (targets.grid(), 25),
        (targets.grid(20, scale=0.05), 400),
        (targets.grid(20, scale=0.35), 400),
        (targets.grid(20, scale=0.8), 1),
        (targets.moons(), 2),
        (targets.moons(scale=0.3), 2),
        (targets.moons(scale=0.02), 2),
        (targets.moons(scale=0.005), 2),  # a chain of more Gaussians than are climbed from
        (targets.spiral(), 2),
        (targets.spiral(arms=3, turns=1.0), 3),
        (targets.pinwheel(), 5),
        (targets.pinwheel(4, radius=2.0, length=0.7, scale=0.2), 5),  # one is at 0
        (targets.pinwheel(arms=2), 2),
        (targets.checkerboard(), 8),
        (targets.checkerboard(scale=0.02), 8),
        (targets.checkerboard(cells=1), 1),
        (targets.two_modes(), 2),
        (targets.two_modes(scale=1.3), 1),
        (targets.two_modes(weights=[0.0, 1.0]), 1),
        (targets.banana(), 1),
        (targets.funnel(d=5), 1),
        (targets.drawn([[0.0, 0.0]] * 5), 1),
        (targets.GaussianMixture(5 * torch.eye(10)), 10),
    ],
    ids=repr,
)
def test_number_of_modes(p, count):
    assert len(p.modes) == count


def test_the_modes_of_a_pinwheel_are_in_the_order_of_its_arms_and_then_0():
    p = targets.pinwheel().to(dtype=DOUBLE)
    assert p.posterior(p.modes).argmax(dim=-1).tolist() == [0, 1, 2, 3, 4]
    p = targets.pinwheel(4, radius=2.0, length=0.7, scale=0.2).to(dtype=DOUBLE)
    assert p.posterior(p.modes[:4]).argmax(dim=-1).tolist() == [0, 1, 2, 3]
    assert p.modes[4].norm() < 1e-9


def test_two_gaussians_have_two_modes_from_two_scales_apart():
    """The known bound for equal weights; the dip is 1 % from about 2.4 scales on."""
    assert [len(targets.two_modes([0.0, a], 1.0, [0.5, 0.5]).modes) for a in (1.9, 2.6)] == [1, 2]


def test_modes_of_a_scribble_are_those_of_a_fine_grid():
    steps = 0.15 * torch.randn(300, 2, generator=generator(0), dtype=DOUBLE)
    p = targets.drawn(steps.cumsum(dim=0), scale=0.25).to(dtype=DOUBLE)
    grid = Grid(p.box, 400)
    log_p = p.log_prob(grid.points)
    around = torch.nn.functional.max_pool2d(log_p[None, None], 3, 1, 1)[0, 0]
    tops = grid.points[(log_p == around) & (log_p > log_p.max() - 20)]
    width = (p.box[:, 1] - p.box[:, 0]).max().item() / 400
    assert (cdist(p.modes, tops).min(axis=1) < 2 * width).all()
    assert 1 <= len(p.modes) <= len(tops)


@every
def test_box_is_within_reason(name):
    box = double(name).box
    assert (box[:, 0] < box[:, 1]).all()
    if name in FAMILIES and name not in ("banana", "funnel"):
        assert box.abs().max() < 4.1
    assert box.abs().max() < 30
