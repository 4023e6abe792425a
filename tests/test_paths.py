"""The paths from data to noise: derivatives, conversions, processes, against independent truth."""

import math

import pytest
import torch

from dgm_lib import paths
from dgm_lib.core import generator

F64 = torch.float64
PATHS = {
    "straight": paths.straight(),
    "cosine": paths.cosine(),
    "linear": paths.linear(),
    "linear, mild": paths.linear(beta_min=0.5, beta_max=7.0),
    "exploding": paths.exploding(),
    "exploding, mild": paths.exploding(sigma_min=0.3, sigma_max=4.0),
    "40 linear steps": paths.discrete(paths.linear_betas(40)),
    "30 cosine steps": paths.discrete(paths.cosine_betas(30)),
}
every = pytest.mark.parametrize("path", PATHS.values(), ids=PATHS.keys())
PRESERVING = [name for name in PATHS if name not in ("straight", "exploding", "exploding, mild")]


def times(n=7):
    """Times inside (0, 1), none of them a step of a path in 30 or 40 steps, (n, 1)."""
    return torch.linspace(0.0371, 0.9713, n, dtype=F64)[:, None]


def normal(seed, *shape):
    return torch.randn(shape, generator=generator(seed), dtype=F64)


@every
def test_derivatives_are_those_of_alpha_and_sigma(path):
    t = times().requires_grad_()
    for value, slope in ((path.alpha, path.alpha_dot), (path.sigma, path.sigma_dot)):
        if value(t).requires_grad:
            (truth,) = torch.autograd.grad(value(t).sum(), t, materialize_grads=True)
        else:
            truth = torch.zeros_like(t)
        torch.testing.assert_close(slope(t).detach(), truth, rtol=1e-9, atol=1e-12)
    (truth,) = torch.autograd.grad(path.sigma(t).square().sum(), t)
    torch.testing.assert_close(path.variance_dot(t), truth)


@every
def test_ends_are_data_and_noise(path):
    ends = torch.tensor([[0.0], [1.0]], dtype=F64)
    alpha, sigma = path.alpha(ends).flatten().tolist(), path.sigma(ends).flatten().tolist()
    noise_left = path.sigma_min if isinstance(path, paths.exploding) else 0.0
    assert alpha[0] == pytest.approx(1) and sigma[0] == pytest.approx(noise_left)
    assert alpha[1] < 0.16 * sigma[1] or isinstance(path, paths.exploding)
    if isinstance(path, paths.exploding):
        assert sigma[1] == pytest.approx(path.sigma_max)
    t = torch.linspace(0, 1, 201, dtype=F64)[:, None]
    assert (path.log_snr(t[1:-1]).diff(dim=0) < 0).all()


@pytest.mark.parametrize("name", PRESERVING)
def test_variance_is_preserved(name):
    path, t = PATHS[name], times(50)
    torch.testing.assert_close(path.alpha(t) ** 2 + path.sigma(t) ** 2, torch.ones_like(t))


def test_closed_forms():
    t = torch.tensor([[0.25]], dtype=F64)
    assert paths.cosine().alpha(t).item() == pytest.approx(math.cos(math.pi / 8))
    assert paths.straight().sigma(t).item() == 0.25
    assert paths.exploding(0.01, 100.0).sigma(t).item() == pytest.approx(0.1)
    integral = 0.1 * 0.25 + 19.9 * 0.25**2 / 2
    assert paths.linear().alpha(t).item() == pytest.approx(math.exp(-integral / 2))
    t = torch.tensor([[1e-9]], dtype=F64)  # where 1 - alpha² has no digits left
    assert paths.linear().sigma(t).item() == pytest.approx(1e-5, rel=1e-6)


@every
@pytest.mark.parametrize("batch", [(), (5,), (3, 4)])
def test_conversions_go_round(path, batch):
    x0, eps = normal(0, *batch, 2), normal(1, *batch, 2)
    low, high = path.span
    for t in (low, 0.31, 0.77, high):
        t = torch.full((*batch, 1), t, dtype=F64)
        x_t, v, u = path.noised(x0, t, eps), path.v(x0, t, eps), path.velocity(x0, t, eps)
        alpha, sigma = path.alpha(t), path.sigma(t)
        tight = {"rtol": 1e-6, "atol": 1e-6}
        for found, truth in (
            (path.x0_from_eps(x_t, t, eps), x0),
            (path.eps_from_x0(x_t, t, x0), eps),
            (path.x0_from_v(x_t, t, v), x0),
            (path.eps_from_v(x_t, t, v), eps),
            (path.x0_from_velocity(x_t, t, u), x0),
            (path.eps_from_velocity(x_t, t, u), eps),
            (path.eps_from_score(path.score_from_eps(eps, t), t), eps),
            (path.score_from_eps(eps, t), (alpha * x0 - x_t) / sigma**2),
        ):
            assert found.isfinite().all()
            torch.testing.assert_close(found, truth, **tight)


@every
def test_velocity_is_the_derivative_of_the_noised_point(path):
    x0, eps, t = normal(0, 7, 2), normal(1, 7, 2), times().requires_grad_()
    axes = path.noised(x0, t, eps).unbind(dim=-1)
    truth = [torch.autograd.grad(axis.sum(), t, retain_graph=True)[0] for axis in axes]
    torch.testing.assert_close(path.velocity(x0, t, eps), torch.cat(truth, dim=-1))


@every
def test_a_time_for_everybody_is_that_time_for_each(path):
    x0, eps = normal(0, 3, 4, 2), normal(1, 3, 4, 2)
    one, each = torch.full((1, 1, 1), 0.3, dtype=F64), torch.full((3, 4, 1), 0.3, dtype=F64)
    torch.testing.assert_close(path.noised(x0, one, eps), path.noised(x0, each, eps))


@every
def test_the_sde_has_the_moments_of_the_path(path):
    """Mean and variance of dx = f x dt + g dW obey m' = f m and V' = 2 f V + g²."""
    t = times().requires_grad_()
    alpha, variance = path.alpha(t), path.sigma(t) ** 2
    f, g = path.shrinkage(t), path.diffusion(t)
    slopes = torch.autograd.grad(variance.sum(), t)[0]
    torch.testing.assert_close(slopes, 2 * f * variance + g**2)
    torch.testing.assert_close(path.drift(3 * torch.ones(7, 2, dtype=F64), t), (3 * f).expand(7, 2))
    torch.testing.assert_close(path.alpha_dot(t), f * alpha)


@every
def test_transitions_compose_and_begin_at_the_path(path):
    s, m, t = (torch.full((1, 1), a, dtype=F64) for a in (0.21, 0.48, 0.83))
    a1, sigma1 = path.transition(s, m)
    a2, sigma2 = path.transition(m, t)
    a, sigma = path.transition(s, t)
    torch.testing.assert_close(a, a1 * a2)
    torch.testing.assert_close(sigma**2, (a2 * sigma1) ** 2 + sigma2**2)
    torch.testing.assert_close(path.alpha(t), a * path.alpha(s))
    torch.testing.assert_close(path.sigma(t) ** 2, (a * path.sigma(s)) ** 2 + sigma**2)
    same, none = path.transition(t, t)
    assert same.item() == 1 and none.item() == 0


@every
def test_posterior_is_bayes_rule(path):
    """log q(x_s | x_t, x_0) = log q(x_t | x_s) + log q(x_s | x_0) - log q(x_t | x_0)."""
    x0, x_s, eps = normal(0, 9, 1), normal(1, 9, 1), normal(2, 9, 1)
    s, t = (torch.full((9, 1), a, dtype=F64) for a in (0.31, 0.52))
    x_t = path.noised(x0, t, eps)

    def log_normal(x, mean, sigma):
        return torch.distributions.Normal(mean, sigma).log_prob(x)

    scale, step = path.transition(s, t)
    truth = (
        log_normal(x_t, scale * x_s, step)
        + log_normal(x_s, path.alpha(s) * x0, path.sigma(s))
        - log_normal(x_t, path.alpha(t) * x0, path.sigma(t))
    )
    mean, sigma = path.posterior(x_t, t, x0, s)
    torch.testing.assert_close(log_normal(x_s, mean, sigma), truth, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ["cosine", "exploding", "40 linear steps"])
def test_posterior_against_simulation(name):
    path, n = PATHS[name], 400_000
    s, t, x0 = torch.full((1, 1), 0.4), torch.full((1, 1), 0.6), torch.full((n, 1), 0.7)
    for seed in range(2):
        rng = generator(seed)
        x_s = path.noised(x0, s, torch.randn(n, 1, generator=rng))
        scale, step = path.transition(s, t)
        x_t = scale * x_s + step * torch.randn(n, 1, generator=rng)
        mean, sigma = path.posterior(x_t, t, x0, s)
        z = (x_s - mean) / sigma  # independent of x_t, and normal
        for moment, truth, variance in ((z, 0, 1), (z**2, 1, 2), (z * x_t / x_t.std(), 0, 1.5)):
            assert abs(moment.mean().item() - truth) < 4.5 * math.sqrt(variance / n)


def test_betas_of_ho_and_of_nichol():
    betas = paths.linear_betas(1000)
    assert betas[0].item() == pytest.approx(1e-4) and betas[-1].item() == pytest.approx(0.02)
    torch.testing.assert_close(betas.diff(), betas.diff()[:1].expand(999), rtol=1e-6, atol=0)
    assert paths.alpha_bar(betas)[-1].item() == pytest.approx(4.0358e-5, rel=1e-4)
    n, s = 1000, 0.008
    betas = paths.cosine_betas(n)

    def f(i):
        return math.cos((i / n + s) / (1 + s) * math.pi / 2) ** 2

    kept = paths.alpha_bar(betas)
    assert betas.max().item() == 0.999 and (betas[:-1] < 0.999).all()
    for i in (1, 10, 500, 998):
        assert kept[i - 1].item() == pytest.approx(f(i) / f(0), rel=1e-9)
    assert paths.linear_betas(5).max().item() == 0.999


@pytest.mark.parametrize("betas", [paths.linear_betas(50), paths.cosine_betas(20)])
def test_a_discrete_path_is_its_chain_at_its_times(betas):
    path = paths.discrete(betas)
    assert path.times.shape == (len(betas) + 1,) and path.n == len(betas)
    truth = torch.cat([torch.ones(1, dtype=F64), torch.cumprod(1 - betas, dim=0)])
    torch.testing.assert_close(path.alpha(path.times) ** 2, truth)
    torch.testing.assert_close(path.alpha_bar, truth[1:])
    scale, sigma = path.transition(path.times[:-1], path.times[1:])
    torch.testing.assert_close(scale, (1 - betas).sqrt())
    torch.testing.assert_close(sigma, betas.sqrt())
    # beta-tilde of Ho et al. (2020), equation (7)
    i = len(betas) // 2
    t, s = path.times[i + 1].reshape(1, 1), path.times[i].reshape(1, 1)
    tilde = (1 - truth[i]) / (1 - truth[i + 1]) * betas[i]
    _, sigma = path.posterior(torch.zeros(1, 2, dtype=F64), t, torch.zeros(1, 2, dtype=F64), s)
    assert sigma.item() ** 2 == pytest.approx(tilde.item())
    betas[0] = 0.5
    assert path.betas[0] != 0.5  # a private copy


def test_many_linear_steps_are_the_linear_path():
    t = torch.linspace(0, 1, 11, dtype=F64)[:, None]
    fine, limit = paths.discrete(paths.linear_betas(20_000)), paths.linear()
    torch.testing.assert_close(fine.alpha(t), limit.alpha(t), rtol=0, atol=3e-4)
    torch.testing.assert_close(fine.beta(t[1:-1]), limit.beta(t[1:-1]), rtol=1e-3, atol=0)


@every
@pytest.mark.parametrize("dtype", [torch.float32, F64])
def test_the_answer_is_in_the_precision_of_the_points(path, dtype):
    x, t = torch.ones(3, 2, dtype=dtype), torch.full((3, 1), 0.4, dtype=dtype)
    mean, sigma = path.posterior(x, t, x, t / 2)
    answers = (path.noised(x, t, x), path.drift(x, t), path.diffusion(t), mean, sigma)
    assert all(y.dtype == dtype and y.isfinite().all() for y in answers)
    meta = path.noised(x.to("meta"), t.to("meta"), x.to("meta"))
    assert meta.is_meta and meta.shape == x.shape


def test_paths_are_values():
    assert paths.cosine() == paths.cosine() and paths.linear() != paths.linear(0.2)
    assert repr(paths.linear()) == "Linear(beta_min=0.1, beta_max=20.0)"
    assert repr(PATHS["40 linear steps"]) == "Discrete(n=40)"


@pytest.mark.parametrize("shape", [(), (5,), (4, 1), (5, 2), (1, 5, 1)])
def test_a_time_of_another_shape_is_never_broadcast(shape):
    x, t = torch.zeros(5, 2), torch.full(shape, 0.5)
    path = paths.cosine()
    calls = (path.noised, path.v, path.velocity, path.x0_from_eps, path.eps_from_velocity)
    for call in calls:
        with pytest.raises(ValueError, match=r"t must have shape \(5, 1\)"):
            call(x, t, x)
    for call in (path.score_from_eps, path.eps_from_score, path.drift):
        with pytest.raises(ValueError, match="t must have shape"):
            call(x, t)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: paths.linear(beta_min=0.0), "beta_min must be positive, got 0.0"),
        (lambda: paths.linear(1.0, 0.5), "beta_max must be above beta_min"),
        (lambda: paths.exploding(sigma_max=math.nan), "sigma_max must be positive"),
        (lambda: paths.exploding(2.0, 2.0), "sigma_max must be above sigma_min"),
        (lambda: paths.linear_betas(0), "n must be an integer"),
        (lambda: paths.linear_betas(10, 3.0, 2.0), "first and last must be"),
        (lambda: paths.cosine_betas(10, offset=-0.1), "offset must be a number of at least 0"),
        (lambda: paths.discrete([0.1, 1.0]), "betas must be numbers above 0 and below 1"),
        (lambda: paths.discrete([[0.1]]), "betas must be numbers above 0 and below 1"),
        (lambda: paths.discrete(torch.zeros(0)), "betas must be numbers"),
        (
            lambda: paths.cosine().noised(torch.ones(1, 2), torch.full((1, 1), 500), torch.ones(1)),
            "t must be from 0",
        ),
        (
            lambda: paths.straight().posterior(
                torch.ones(3, 2), torch.ones(3, 1), torch.ones(3, 2), torch.zeros(3)
            ),
            "s must have shape",
        ),
    ],
)
def test_wrong_arguments_are_named(build, message):
    with pytest.raises(ValueError, match=message):
        build()
