"""One step of each sampler: against Bayes, against DDPM as published, against one another."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch

from dgm_lib import paths, targets
from dgm_lib.core import generator
from dgm_lib.models.diffusion import Exact
from dgm_lib.samplers import diffusion, ode

DOUBLE = torch.float64
P = targets.GaussianMixture(
    [[2.0, 0.5], [-1.0, 1.5], [-0.5, -2.0]], [0.4, 0.7, 0.25], [0.5, 0.3, 0.2]
).to(dtype=DOUBLE)
ALL = [paths.cosine(), paths.linear(), paths.straight(), paths.exploding(0.01, 20.0)]
every = pytest.mark.parametrize("path", ALL, ids=repr)


def at(value: float, n: int = 1) -> torch.Tensor:
    return torch.full((n, 1), value, dtype=DOUBLE)


@every
def test_ancestral_steps_are_the_posterior_by_bayes(path) -> None:
    t, s = 0.6, 0.35
    x_t, x0 = torch.tensor([[0.7]], dtype=DOUBLE), torch.tensor([[-0.4]], dtype=DOUBLE)
    x_s = torch.linspace(-60, 60, 400_001, dtype=DOUBLE)[:, None]
    scale = path.alpha(at(t)) / path.alpha(at(s))
    spread = (path.sigma(at(t)) ** 2 - scale**2 * path.sigma(at(s)) ** 2).sqrt()
    prior = torch.distributions.Normal(path.alpha(at(s)) * x0, path.sigma(at(s)))
    density = prior.log_prob(x_s) + torch.distributions.Normal(scale * x_s, spread).log_prob(x_t)
    w = density.flatten().softmax(0)
    mean = w @ x_s.flatten()
    sigma = (w @ (x_s.flatten() - mean) ** 2).sqrt()
    eps = (x_t - path.alpha(at(t)) * x0) / path.sigma(at(t))
    one = partial(diffusion.ancestral_step, path, x_t, at(t), at(s), eps)
    assert one(torch.zeros_like(x_t)).item() == pytest.approx(mean.item(), abs=1e-7)
    assert (one(torch.ones_like(x_t)) - mean).item() == pytest.approx(sigma.item(), abs=1e-7)


def test_the_chain_of_ho_et_al_is_a_special_case() -> None:
    betas = paths.linear_betas(50)
    path, bar = paths.discrete(betas), paths.alpha_bar(betas)
    g = generator(0)
    x, eps, z = torch.randn(3, 7, 2, generator=g, dtype=DOUBLE)
    for i in (1, 2, 17, 50):
        beta, now = betas[i - 1], bar[i - 1]
        before = bar[i - 2] if i > 1 else torch.ones(()).double()
        t, s = at(i / 50, 7), at((i - 1) / 50, 7)
        mu = (x - beta / (1 - now).sqrt() * eps) / (1 - beta).sqrt()
        tilde = beta * (1 - before) / (1 - now)
        one = partial(diffusion.ancestral_step, path, x, t, s, eps, z)
        assert torch.allclose(one(), mu + tilde.sqrt() * z, atol=1e-9)
        last = 0 if i == 1 else 1  # "z = 0 if t = 1"
        found = one(spread=diffusion.forward_spread)
        assert torch.allclose(found, mu + last * beta.sqrt() * z, atol=1e-9)


@every
def test_ddim_is_an_euler_step_of_the_flow_in_its_own_variables(path) -> None:
    model, x = Exact(path, P), torch.randn(9, 2, generator=generator(0), dtype=DOUBLE)
    t, s = at(0.7, 9), at(0.45, 9)
    ratio_t, ratio_s = (path.sigma(r) / path.alpha(r) for r in (t, s))

    def velocity(y, ratio):  # y = x / alpha, by the ratio sigma / alpha
        assert torch.equal(ratio, ratio_t)
        return model.eps(path.alpha(t) * y, t)

    y = ode.euler(velocity, x / path.alpha(t), ratio_t, ratio_s - ratio_t)
    found = diffusion.ddim_step(path, x, t, s, model.eps(x, t), torch.zeros_like(x))
    assert torch.allclose(found, path.alpha(s) * y, rtol=1e-12)


@every
def test_ddim_with_all_of_its_noise_is_ddpm(path) -> None:
    x, eps, z = torch.randn(3, 9, 2, generator=generator(0), dtype=DOUBLE)
    for t, s in ((0.7, 0.45), (0.2, 0.19)):
        args = path, x, at(t, 9), at(s, 9), eps, z
        assert torch.allclose(
            diffusion.ddim_step(*args, eta=1.0), diffusion.ancestral_step(*args), rtol=1e-9
        )


@every
def test_small_reverse_steps_agree_with_small_posterior_steps(path) -> None:
    # Both are the same process to first order in h; what is left is of order h².
    model, h = Exact(path, P), np.array([1e-2, 1e-3])
    x = torch.randn(9, 2, generator=generator(0), dtype=DOUBLE)
    t, zero = at(0.5, 9), torch.zeros_like(x)
    for eta in (0.0, 1.0):
        gaps = [
            diffusion.reverse_step(path, x, t, t - size, model.score(x, t), zero, eta)
            - diffusion.ddim_step(path, x, t, t - size, model.eps(x, t), zero, eta)
            for size in h
        ]
        if path == paths.straight() and eta == 0:  # there the two are the same
            assert max(gap.abs().max() for gap in gaps) < 1e-12
            continue
        order = np.polyfit(np.log(h), np.log([gap.norm() for gap in gaps]), 1)[0]
        assert order == pytest.approx(2, abs=0.15)


def test_langevin_at_one_level_is_stationary_up_to_its_known_bias() -> None:
    law, g = targets.GaussianMixture([[0.0]], [1e-6]).to(dtype=DOUBLE), generator(0)
    sigma, n, size = 0.3, 20_000, 0.2
    x = sigma * torch.randn(n, 1, generator=g, dtype=DOUBLE)
    score = law.noised(1.0, sigma).score
    for _ in range(60):
        z = torch.randn(n, 1, generator=g, dtype=DOUBLE)
        x = diffusion.langevin_step(x, score(x), size * sigma**2, z)
    square = x.square()
    truth = sigma**2 / (1 - size / 2)
    assert abs(square.mean() - truth) < 4.5 * square.std() / n**0.5
    assert x.std().item() / sigma - 1 == pytest.approx(size / 4, abs=0.02)  # as its docstring says
