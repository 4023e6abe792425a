"""Noised and tilted laws: against simulation, integrals on a grid, and autograd."""

import math

import pytest
import torch

from dgm_lib import targets
from dgm_lib.core import Grid, generator
from tests.laws import DOUBLE, double

MIXTURES = ["ring", "moons", "two_modes"]
LEVELS = [(1.0, 0.5), (0.8, 0.6), (0.05, 1.0), (1.0, 3.0)]
every = pytest.mark.parametrize("name", MIXTURES)
levels = pytest.mark.parametrize(("alpha", "sigma"), LEVELS)


def law(name, alpha, sigma):
    return double(name).noised(alpha, sigma)


def normal(seed, *shape):
    return torch.randn(shape, generator=generator(seed), dtype=DOUBLE)


@every
@pytest.mark.parametrize(("alpha", "sigma"), LEVELS[1:3])
def test_it_is_the_law_of_simulated_points(name, alpha, sigma):
    """Moments, and the mean of log p_t over simulation against minus the law's own entropy."""
    p, n = law(name, alpha, sigma), 10_000
    target, own = double(name), law(name, alpha, sigma).as_target()
    mean = alpha * target.mean
    covariance = alpha**2 * target.covariance + sigma**2 * torch.eye(p.d, dtype=DOUBLE)
    torch.testing.assert_close(own.mean, mean)
    torch.testing.assert_close(own.covariance, covariance)
    for seed in range(2):
        x0 = target.sample((n,), generator(seed))
        simulated = alpha * x0 + sigma * normal(seed + 10, n, p.d)
        for x in (simulated, p.sample((n,), generator(seed + 20))):
            error = (x.mean(dim=0) - mean) / (covariance.diagonal() / n).sqrt()
            assert error.abs().max() < 4.5
            surprise = -p.log_prob(x)
            stderr = surprise.std().item() / math.sqrt(n)
            assert abs(surprise.mean().item() - own.entropy) < 4.5 * stderr


@every
@levels
def test_density_is_the_convolution_on_a_grid(name, alpha, sigma):
    """p_t(x) = ∫ p(x_0) N(x; alpha x_0, sigma² I) dx_0, and E[x_0 | x] with it."""
    target, p = double(name), law(name, alpha, sigma)
    grid = Grid(target.box, n=150 if target.d == 2 else 2000)
    x0 = grid.points.reshape(-1, target.d)
    x = p.sample((5,), generator(0))
    squares = (x[:, None] - alpha * x0).square().sum(dim=-1)
    kernel = (-squares / (2 * sigma**2)).exp() / (2 * math.pi * sigma**2) ** (target.d / 2)
    joint = kernel * target.log_prob(x0).exp() * grid.cell
    torch.testing.assert_close(p.log_prob(x).exp(), joint.sum(dim=1), rtol=1e-3, atol=1e-6)
    mean = joint @ x0 / joint.sum(dim=1, keepdim=True)
    torch.testing.assert_close(p.denoise(x), mean, rtol=1e-3, atol=1e-3)
    for y in target.labels[:2]:
        joint = kernel * target.log_prob(x0, y).exp() * grid.cell
        share = target.label_weights[y] * joint.sum(dim=1) / p.log_prob(x).exp()
        torch.testing.assert_close(p.posterior(x)[:, y], share, rtol=2e-3, atol=2e-5)


@every
@levels
@pytest.mark.parametrize("label", [None, 1])
def test_score_is_the_gradient_and_tweedie_holds(name, alpha, sigma, label):
    p = law(name, alpha, sigma)
    x = p.sample((40,), generator(1)).requires_grad_()
    (truth,) = torch.autograd.grad(p.log_prob(x, label).sum(), x)
    score, denoised = p.score(x, label), p.denoise(x, label)
    torch.testing.assert_close(score, truth)
    torch.testing.assert_close(alpha * denoised, x + sigma**2 * score)


@every
def test_the_ends(name):
    target, x = double(name), normal(0, 30, double(name).d)
    clean, noise = target.noised(1.0, 0.0), target.noised(0.0, 2.0)
    torch.testing.assert_close(clean.log_prob(x), target.log_prob(x))
    torch.testing.assert_close(clean.score(x), target.score(x))
    torch.testing.assert_close(clean.posterior(x), target.posterior(x))
    torch.testing.assert_close(clean.denoise(x), x)
    torch.testing.assert_close(noise.score(x), -x / 4)
    torch.testing.assert_close(noise.denoise(x), target.mean.expand_as(x))
    torch.testing.assert_close(noise.posterior(x), target.label_weights.expand(30, -1))


@every
def test_a_level_for_each_point(name):
    """One call at many levels is the same as one call for each."""
    target = double(name)
    alpha, sigma = torch.rand(2, 4, 3, 1, generator=generator(3), dtype=DOUBLE) + 0.1
    x, y = normal(4, 4, 3, target.d), torch.randint(0, 2, (4, 3), generator=generator(5))
    together = target.noised(alpha, sigma)
    for i in range(4):
        for j in range(3):
            alone = target.noised(alpha[i, j].item(), sigma[i, j].item())
            for method in ("log_prob", "score", "denoise", "posterior", "log_posterior"):
                found = getattr(together, method)(x)[i, j]
                torch.testing.assert_close(found, getattr(alone, method)(x[i, j]))
            for method in ("log_prob", "score", "denoise"):
                found = getattr(together, method)(x, y)[i, j]
                torch.testing.assert_close(found, getattr(alone, method)(x[i, j], y[i, j]))
    everybody = target.noised(torch.full((1, 1, 1), 0.3), torch.full((1, 1, 1), 0.9))
    assert everybody.score(x).shape == x.shape and everybody.score(x).dtype == DOUBLE


@every
def test_the_noised_law_is_a_target_and_is_noised_again(name):
    p, x = law(name, 0.8, 0.6), normal(0, 20, double(name).d)
    own = p.as_target()
    assert isinstance(own, targets.GaussianMixture) and own.dtype == DOUBLE
    torch.testing.assert_close(own.log_prob(x), p.log_prob(x))
    torch.testing.assert_close(own.posterior(x), p.posterior(x))
    torch.testing.assert_close(p.box, own.box)
    again = own.noised(0.5, 0.7)
    once = double(name).noised(0.4, math.hypot(0.5 * 0.6, 0.7))
    torch.testing.assert_close(again.score(x), once.score(x))


def test_posteriors_far_away_and_of_laws_without_labels():
    p = law("ring", 0.9, 0.2)
    far = torch.tensor([[60.0, 10.0]], dtype=DOUBLE)
    assert p.log_posterior(far).isfinite().all() and p.score(far).isfinite().all()
    assert p.log_posterior(far).exp().sum().item() == pytest.approx(1)
    plain = targets.GaussianMixture([[0.0, 0.0], [1.0, 1.0]], labels=()).noised(0.5, 0.5)
    assert plain.labels is None and plain.as_target().labels is None
    with pytest.raises(ValueError, match="has no labels"):
        plain.posterior(far)


@pytest.mark.parametrize("dtype", [torch.float32, DOUBLE])
def test_answers_follow_the_points(dtype):
    p = targets.ring().noised(0.8, 0.6)
    x = p.sample((3, 4), generator(0)).to(dtype)
    assert p.sample((3,)).dtype == torch.float32 and p.sample().shape == (2,)
    for method in (p.log_prob, p.score, p.denoise, p.posterior):
        assert method(x).dtype == dtype and method(x).shape[:2] == (3, 4)
    assert repr(p) == "ring(modes=8, radius=2, scale=0.2).noised(alpha=0.8, sigma=0.6)"


# --- tilted ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["moons", "two_modes", "mixture", "checkerboard"])
@pytest.mark.parametrize("w", [0.5, 2.0, 6.0])
def test_tilted_law_is_p_times_the_posterior_to_the_w(name, w):
    p, y = double(name), 1
    tilted = p.tilted(y, w)
    grid = Grid(p.box, n=150 if p.d == 2 else 3000)
    raw = p.log_prob(grid.points).exp() * p.posterior(grid.points)[..., y] ** w
    truth = raw / grid.integrate(raw)
    torch.testing.assert_close(tilted.log_prob(grid.points).exp(), truth, rtol=2e-3, atol=1e-6)
    assert tilted.log_Z == pytest.approx(math.log(grid.integrate(raw)), abs=2e-3)
    x = p.sample((30,), generator(0)).requires_grad_()
    (slope,) = torch.autograd.grad(tilted.log_prob(x).sum(), x)
    torch.testing.assert_close(tilted.score(x), slope, rtol=1e-6, atol=1e-6)


def test_weights_0_and_1_are_the_law_and_the_labels_own():
    p = double("moons")
    x = p.sample((50,), generator(0))
    torch.testing.assert_close(p.tilted(0, 0).log_prob(x), p.log_prob(x), rtol=0, atol=2e-5)
    given = p.log_prob(x, label=0)
    torch.testing.assert_close(p.tilted(0, 1).log_prob(x), given, rtol=0, atol=2e-5)
    torch.testing.assert_close(p.tilted(0, 1).score(x), p.score(x, 0))


@pytest.mark.parametrize(("name", "label", "w"), [("moons", 0, 0.4), ("two_modes", 1, 3.0)])
def test_tilted_samples_are_of_the_law(name, label, w):
    p, n = law(name, 0.7, 0.7).as_target(), 10_000  # where the labels overlap
    tilted = p.tilted(label, w)
    grid = Grid(p.box, n=150)
    density = tilted.log_prob(grid.points).exp()
    for seed in range(2):
        x = tilted.sample((n // 10, 10), generator(seed)).reshape(n, p.d)
        for function in (
            lambda x: x[..., 0],
            lambda x: x.square().sum(-1),
            lambda x: p.posterior(x)[..., label],
        ):
            values, truth = function(x), grid.integrate(function(grid.points) * density)
            assert abs(values.mean().item() - truth) < 4.5 * values.std().item() / math.sqrt(n)


def test_a_noised_law_is_tilted_as_its_target_is():
    p, x = law("ring", 0.7, 0.7), normal(0, 20, 2)
    tilted = p.tilted(2, w=3.0)
    truth = p.score(x) + 3 * (p.score(x, 2) - p.score(x))
    torch.testing.assert_close(tilted.score(x), truth)
    assert tilted.sample((0, 3)).shape == (0, 3, 2)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda p: p.noised(-0.1, 1.0), "alpha must be at least 0"),
        (lambda p: p.noised(1.0, math.nan), "sigma must be finite"),
        (lambda p: p.noised(0.0, 0.0), "sigma must be positive where alpha is 0"),
        (lambda p: p.noised(torch.ones(5, 1), 1.0).score(torch.zeros(4, 2)), "alpha must have"),
        (lambda p: p.noised(torch.ones(5), 1.0).score(torch.zeros(5, 2)), "alpha must have"),
        (lambda p: p.noised(0.5, 0.5).score(torch.zeros(5, 3)), "x must have shape"),
        (lambda p: p.noised(torch.ones(5, 1), 1.0).as_target(), "alpha must be a number"),
        (lambda p: p.tilted(8, 1.0), "label must be an integer"),
        (lambda p: p.tilted(0, -1.0), "w must be at least 0"),
        (lambda p: p.tilted(0, math.inf), "w must be finite"),
        (lambda _: targets.banana().tilted(0, 1.0), "target must have labels"),
        (
            lambda _: targets.GaussianMixture([[0.0], [1.0]], 1.0, [1.0, 0.0]).tilted(1, 1.0),
            "label must have a weight",
        ),
        (lambda _: targets.GaussianMixture(torch.eye(3)).tilted(1, 1.0).log_Z, "law in 1D or 2D"),
        (
            lambda _: targets.GaussianMixture([[0.0], [0.0]]).tilted(1, 99.0).sample((5,)),
            "w must leave",
        ),
    ],
)
def test_wrong_arguments_are_named(build, message):
    with pytest.raises(ValueError, match=message):
        build(targets.ring())
