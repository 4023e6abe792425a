"""Guidance with exact parts: each way of it against the others, and against the Gaussian it is."""

from __future__ import annotations

import math
from functools import partial

import pytest
import torch

from dgm_lib import paths, targets
from dgm_lib.core import generator
from dgm_lib.models.diffusion import Exact, ExactClassifier
from dgm_lib.samplers import diffusion

DOUBLE = torch.float64
P = targets.GaussianMixture(
    [[2.0, 0.5], [-1.0, 1.5], [-0.5, -2.0]], [0.4, 0.7, 0.25], [0.5, 0.3, 0.2]
).to(dtype=DOUBLE)
COSINE = paths.cosine()


def at(value: float, n: int) -> torch.Tensor:
    return torch.full((n, 1), value, dtype=DOUBLE)


def test_the_gradient_is_that_of_the_exact_classifier() -> None:
    classifier, x = ExactClassifier(COSINE, P), torch.randn(9, 2, generator=generator(0)).double()
    t = at(0.4, 9)
    slope = diffusion.gradient(lambda x, t: classifier.log_prob(x, t, 1))(x, t)
    model = Exact(COSINE, P)
    assert torch.allclose(slope, model.score(x, t, 1) - model.score(x, t), atol=1e-10)
    assert torch.allclose(slope, classifier.score(x, t, 1), atol=1e-12)


def test_with_exact_parts_all_ways_of_guidance_are_one() -> None:
    model, classifier = Exact(COSINE, P), ExactClassifier(COSINE, P)
    x, t = torch.randn(9, 2, generator=generator(0), dtype=DOUBLE), at(0.4, 9)
    conditional, guide = partial(model.eps, y=1), partial(classifier.score, y=1)
    for w in (0.0, 1.0, 3.5, torch.full((9, 1), 2.0)):
        free = diffusion.classifier_free(conditional, model.eps, w)(x, t)
        by_eps = diffusion.classifier_guided_eps(model.eps, guide, COSINE, w)(x, t)
        by_score = diffusion.classifier_guided(model.score, guide, w)(x, t)
        assert torch.allclose(free, by_eps, atol=1e-10)
        assert torch.allclose(free, COSINE.eps_from_score(by_score, t), atol=1e-10)
    one, none = (diffusion.classifier_free(conditional, model.eps, w)(x, t) for w in (1.0, 0.0))
    assert torch.allclose(one, model.eps(x, t, 1)) and torch.allclose(none, model.eps(x, t))


def test_the_guided_mean_is_the_gaussian_of_the_taylor_step() -> None:
    # q(x_s) p(y | x_s) with log p(y | ·) linear is a Gaussian: its mean moves by sigma² g, no less.
    x, eps = torch.randn(2, 5, 1, generator=generator(0), dtype=DOUBLE)
    t, s, slope = at(0.6, 5), at(0.4, 5), 1.7
    one = partial(diffusion.ancestral_step, COSINE, x, t, s, eps)
    grid = torch.linspace(-9, 9, 200_001, dtype=DOUBLE)
    mean, sigma = one(torch.zeros_like(x)), diffusion.posterior_spread(COSINE, t, s)
    law = (torch.distributions.Normal(mean, sigma).log_prob(grid) + slope * grid).softmax(-1)
    guided = one(torch.zeros_like(x), guide=lambda x, t: torch.full_like(x, slope))
    assert torch.allclose(guided.squeeze(-1), law @ grid, atol=1e-7)


@pytest.mark.parametrize("seed", range(2))
def test_guided_samplers_with_weight_one_draw_the_class(seed) -> None:
    model, classifier, n = Exact(COSINE, P), ExactClassifier(COSINE, P), 1500
    guide, g = partial(classifier.score, y=2), generator(seed)
    start = P.noised(COSINE.alpha(at(0.999, 1)).item(), COSINE.sigma(at(0.999, 1)).item())
    x = start.sample((n,), g)
    eps = diffusion.classifier_guided_eps(model.eps, guide, COSINE, 1.0)
    ways = [
        diffusion.ddim(eps, COSINE, x, torch.linspace(0.999, 0, 61)),
        diffusion.ancestral(model.eps, COSINE, x, torch.linspace(0.999, 0, 121), g, guide=guide),
    ]
    for states in ways:
        drawn = diffusion.last(states).x
        gap = (drawn.mean(0) - P.means[2]).abs()
        assert (gap < 4.5 * drawn.std(0) / math.sqrt(n) + 0.05).all()
        assert drawn.std(0).mean() == pytest.approx(P.scales[2].item(), rel=0.15)


def test_guidance_works_where_no_graph_may_be() -> None:
    net, x = torch.nn.Linear(2, 2), torch.ones(3, 2)
    guide = diffusion.gradient(lambda x, t: -net(x).square().sum(-1))
    eps = diffusion.classifier_guided_eps(lambda x, t: net(x), guide, COSINE, 2.0)
    for mode in (torch.inference_mode, torch.no_grad):
        with mode():
            end = diffusion.last(diffusion.ddim(eps, COSINE, x, [0.9, 0.5]))
            assert end.x.isfinite().all() and not end.x.requires_grad


X = torch.zeros(3, 2)


def ok(x, t):
    return -x


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: diffusion.classifier_free(ok, ok, "3"), "w must be a number"),
        (lambda: diffusion.classifier_guided(ok, ok, math.nan), "w must be finite"),
        (lambda: diffusion.gradient(lambda x, t: x)(X, X[:, :1]), "log_prob must return one"),
        (
            lambda: diffusion.gradient(lambda x, t: x.detach().sum(-1))(X, X[:, :1]),
            "log_prob must be differentiable",
        ),
    ],
)
def test_errors_name_what_is_wrong(call, words) -> None:
    with pytest.raises(ValueError, match=words):
        call()
