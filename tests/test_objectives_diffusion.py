"""Objectives of diffusion models: formulas, the exact model as their optimum, and the bound."""

import math
from functools import partial

import pytest
import torch

from dgm_lib import objectives, paths, targets
from dgm_lib.core import Estimate, generator
from dgm_lib.models import diffusion

F64 = torch.float64
RING = targets.ring(modes=5, radius=1.5, scale=0.5).to(dtype=F64)
LINE = targets.two_modes([-1.5, 1.0], [0.5, 0.7], [0.4, 0.6]).to(dtype=F64)
MATCHING = [
    objectives.noise_matching,
    objectives.data_matching,
    objectives.v_matching,
    objectives.flow_matching,
    objectives.score_matching,
]
PATHS = [paths.cosine(), paths.straight(), paths.linear(), paths.exploding(0.1, 5.0)]
matching = pytest.mark.parametrize("loss", MATCHING, ids=lambda loss: loss.__name__)
every_path = pytest.mark.parametrize("path", PATHS, ids=lambda path: type(path).__name__)


class Off(diffusion.DiffusionModel):
    """The exact model, with its ε off by `by` in one direction."""

    def __init__(self, path, target, by):
        super().__init__(path, target.d)
        self.exact, self.by = diffusion.Exact(path, target), by

    def x0_and_eps(self, x_t, t, y=None):
        eps = self.exact.eps(x_t, t, y) + self.by
        return self.path.x0_from_eps(x_t, t, eps), eps


@matching
@every_path
def test_each_loss_is_its_formula(loss, path):
    model = Off(path, RING, 0.3)
    x0, times = RING.sample((6, 7), generator(1)), torch.tensor([0.2, 0.5, 0.9])
    found = loss(model, x0, times=times, generator=generator(2))
    at = objectives.noised(path, x0, times=times, generator=generator(2))
    alpha, sigma = path.alpha(at.t), path.sigma(at.t)
    torch.testing.assert_close(at.x_t, alpha * x0 + sigma * at.eps)
    off_eps = model.eps(at.x_t, at.t) - at.eps  # all errors are multiples of this one
    factor = {
        "noise_matching": torch.ones_like(alpha),
        "data_matching": sigma / alpha,
        "v_matching": (alpha**2 + sigma**2) / alpha,
        "flow_matching": path.sigma_dot(at.t) - path.alpha_dot(at.t) * sigma / alpha,
        "score_matching": torch.full_like(alpha, math.sqrt(0.5)),
    }[loss.__name__]
    truth = (factor * off_eps).square().sum(dim=-1).mean()
    torch.testing.assert_close(found, truth)


@matching
@every_path
def test_the_exact_model_is_the_optimum(loss, path):
    """No perturbation that looks at x_t and t lowers any loss: the slope along it is 0 at 0."""
    times = torch.tensor([0.15, 0.5, 0.85], dtype=F64)
    x0, scores = RING.sample((150, 20), generator(3)), []
    by = torch.zeros(3, dtype=F64, requires_grad=True)

    class Nudged(Off):
        def x0_and_eps(self, x_t, t, y=None):
            self.by = torch.stack(
                [by[0] + by[2] * x_t[..., 0].sin(), by[1] * t[..., 0] * x_t[..., 1].cos()], -1
            )
            return super().x0_and_eps(x_t, t, y)

    model, rng = Nudged(path, RING, 0.0), generator(4)
    for block in x0:
        loss_here = loss(model, block, times=times, generator=rng)
        scores.append(torch.autograd.grad(loss_here, by)[0])
    scores = torch.stack(scores)
    assert (scores.mean(dim=0).abs() < 4.5 * scores.std(dim=0) / math.sqrt(len(scores))).all()


@every_path
def test_times_are_uniform_and_spread(path):
    x0 = torch.zeros(50, 20, 2, dtype=F64)
    low, high = path.span
    found = [objectives.noised(path, x0, generator=generator(i)) for i in range(3)]
    for at in found:
        u = ((at.t - low) / (high - low)).flatten().sort().values
        torch.testing.assert_close(u.diff(), torch.full((999,), 1e-3, dtype=F64))
        assert 0 <= u[0] and u[-1] <= 1
    assert len({at.t[0, 0].item() for at in found}) == 3
    times = torch.arange(1, 5) / 4
    at = objectives.noised(path, x0, times=times, generator=generator(0))
    assert at.t.unique(return_counts=True)[1].tolist() == [250] * 4
    first = [objectives.noised(path, x0[0, :1], generator=generator(i)).t for i in range(500)]
    u = (torch.stack(first).flatten() - low) / (high - low)
    assert abs(u.mean() - 0.5) < 4.5 / math.sqrt(12 * 500) and abs(u.var() - 1 / 12) < 0.02


def test_score_matching_takes_any_weight():
    path, x0 = paths.linear(), RING.sample((200,), generator(0))
    model = Off(path, RING, 0.1)
    likelihood = partial(objectives.score_matching, weight=lambda t: path.diffusion(t) ** 2)
    at = objectives.noised(path, x0, generator=generator(1))
    error = (model.score(at.x_t, at.t) + at.eps / path.sigma(at.t)).square().sum(dim=-1)
    truth = (path.beta(at.t).squeeze(-1) * error).mean() / 2
    torch.testing.assert_close(likelihood(model, x0, generator=generator(1)), truth)
    plain = objectives.score_matching(model, x0, generator=generator(1))
    noise = objectives.noise_matching(model, x0, generator=generator(1))
    torch.testing.assert_close(plain, noise / 2)


def test_labels_are_told_and_some_dropped():
    told = []

    class Ear(Off):
        null = 5

        def x0_and_eps(self, x_t, t, y=None):
            told.append(y)
            return super().x0_and_eps(x_t, t, None)

    model = Ear(paths.cosine(), RING, 0.0)
    x0, y = RING.sample_labelled((4000,), generator(0))
    for loss in MATCHING:
        loss(model, x0)
        loss(model, x0, y)
        loss(model, x0, y, drop=0.25, generator=generator(1))
        without, all_of_it, partly = told[-3:]
        assert without is None and torch.equal(all_of_it, y)
        assert torch.equal(partly[partly != 5], y[partly != 5])
        share = (partly == 5).double().mean().item()
        assert abs(share - 0.25) < 4.5 * math.sqrt(0.25 * 0.75 / 4000)
    objectives.noise_matching(model, x0, y, drop=1.0)
    assert (told[-1] == 5).all()


def test_classification_of_noised_data():
    classifier = diffusion.ExactClassifier(paths.cosine(), RING)
    x0, y = RING.sample_labelled((500,), generator(0))
    found = objectives.noisy_classification(classifier, x0, y, generator=generator(1))
    at = objectives.noised(paths.cosine(), x0, generator=generator(1))
    posterior = classifier.log_posterior(at.x_t, at.t).exp()
    truth = -posterior[torch.arange(500), y].log().mean()
    torch.testing.assert_close(found, truth)


# --- the bound ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [paths.cosine(), paths.linear()], ids=["cosine", "linear"])
@pytest.mark.parametrize("target", [RING, LINE], ids=["ring", "line"])
def test_the_elbo_is_below_the_likelihood_and_tends_to_it(target, path):
    """With the wider step, that is; the narrower one stays away, as uniform steps begin at 0."""
    model = diffusion.Exact(path, target)
    for seed in range(2):
        x0 = target.sample((4000,), generator(seed))

        def gap(n, width):
            times = torch.linspace(0.0, 0.999, n + 1, dtype=F64)
            elbo = objectives.diffusion_elbo(model, x0, times, width, generator(seed + 5))
            return Estimate.of(target.log_prob(x0) - elbo)

        few, many, narrow = gap(4, 1.0), gap(64, 1.0), gap(64, 0.0)
        assert few.value > 4 * few.stderr
        assert abs(many.value) < 0.02 + 4.5 * many.stderr and many.stderr < 0.04
        assert narrow.value > 0.5


@pytest.mark.parametrize("width", [0.0, 0.3, 1.0])
def test_terms_are_kullback_leibler_divergences(width):
    path, target = paths.discrete(paths.linear_betas(25)), RING
    x0, model = target.sample((3, 4), generator(0)), Off(paths.cosine(), RING, 0.4)
    model.path = model.exact.path = path
    found = objectives.diffusion_terms(model, x0, path.times, width, generator(1))
    assert found.steps.shape == (24, 3, 4) and found.prior.shape == (3, 4)
    normal, kl = torch.distributions.Normal, torch.distributions.kl_divergence
    end = path.times[-1]
    truth = kl(normal(path.alpha(end) * x0, path.sigma(end)), normal(0 * x0, path.sigma(end)))
    torch.testing.assert_close(found.prior, truth.sum(dim=-1))
    rng = generator(1)
    for i, step in zip(range(25, 1, -1), found.steps):
        t, s = (path.times[j].reshape(1, 1, 1) for j in (i, i - 1))
        x_t = path.noised(x0, t, torch.randn(x0.shape, generator=rng, dtype=F64))
        mean, sigma = path.posterior(x_t, t, x0, s)
        beta = path.betas[i - 1]
        believed, _ = path.posterior(x_t, t, model.x0(x_t, t), s)
        laws = normal(mean, sigma), normal(believed, sigma ** (1 - width) * beta ** (width / 2))
        torch.testing.assert_close(step, kl(*laws).sum(dim=-1))
    t = path.times[1].reshape(1, 1, 1)
    x_t = path.noised(x0, t, torch.randn(x0.shape, generator=rng, dtype=F64))
    law = normal(model.x0(x_t, t), path.sigma(t) / path.alpha(t))
    torch.testing.assert_close(found.reconstruction, -law.log_prob(x0).sum(dim=-1))
    total = found.prior + found.steps.sum(dim=0) + found.reconstruction
    torch.testing.assert_close(found.elbo, -total)


MODEL = Off(paths.cosine(), RING, 0.0)
X = torch.zeros(5, 2, dtype=F64)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: objectives.noise_matching(MODEL, X, drop=1.5), "drop must be a number from 0"),
        (lambda: objectives.noise_matching(MODEL, X, drop=0.5), "y must be given"),
        (lambda: objectives.noise_matching(MODEL, X, times=torch.zeros(0)), "times must have"),
        (lambda: objectives.noise_matching(MODEL, X, times=torch.ones(3) * 7), "t must be from 0"),
        (
            lambda: objectives.score_matching(MODEL, X, weight=lambda t: torch.ones(3, 1)),
            "weight must return one number per point",
        ),
        (
            lambda: objectives.diffusion_elbo(MODEL, X, torch.tensor([1.0, 0.0])),
            "times must grow",
        ),
        (lambda: objectives.diffusion_elbo(MODEL, X, torch.ones(1)), "times must grow"),
        (
            lambda: objectives.diffusion_elbo(MODEL, X, torch.linspace(0, 1, 3), width=2.0),
            "width must be a number from 0 to 1",
        ),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# --------------------------------------------------------------------------- pooled targets


def test_pooled_means_are_the_posteriors_of_the_batch():
    path, x0 = paths.cosine(), RING.sample((9,), generator(1))
    at = objectives.noised(path, x0[:6], generator=generator(2))
    mean, eps = objectives.pooled(path, x0, at)
    assert mean.shape == (6, 2)
    for k in range(6):
        alpha, sigma = path.alpha(at.t[k]), path.sigma(at.t[k])
        weights = (-(at.x_t[k] - alpha * x0).square().sum(-1) / (2 * sigma**2)).exp()
        truth = (weights[:, None] * x0).sum(0) / weights.sum()
        torch.testing.assert_close(mean[k], truth)
        torch.testing.assert_close(alpha * truth + sigma * eps[k], at.x_t[k])


def test_pooled_targets_have_the_same_mean_given_the_noised_and_vary_less():
    """No function of x_t and t is correlated with how far they are from the exact means."""
    path, exact = paths.cosine(), diffusion.Exact(paths.cosine(), RING)
    rng, away, spreads = generator(3), [], []
    for x0 in RING.sample((400, 16), rng):
        at = objectives.noised(path, x0[:8], generator=rng)
        off = objectives.pooled(path, x0, at)[0] - exact.x0(at.x_t, at.t)
        looks = [torch.ones_like(at.t), at.x_t.sin(), at.t * at.x_t, (3 * at.x_t).cos()]
        away.append(torch.cat([(off * look).mean(dim=0) for look in looks]))
        plain = x0[:8] - exact.x0(at.x_t, at.t)
        spreads.append(torch.stack([off.square().sum(-1).mean(), plain.square().sum(-1).mean()]))
    away = torch.stack(away)
    assert (away.mean(0).abs() < 4 * away.std(0) / len(away) ** 0.5).all()
    pooled, plain = torch.stack(spreads).mean(0).tolist()
    assert pooled < 0.5 * plain


@pytest.mark.parametrize("shape", [(3, 4, 2), (5, 3), (2,)])
def test_pooling_needs_a_batch_of_the_points_that_were_noised(shape):
    path, x0 = paths.cosine(), RING.sample((6,), generator(1))
    at = objectives.noised(path, x0, generator=generator(2))
    with pytest.raises(ValueError, match="data must have shape"):
        objectives.pooled(path, torch.zeros(shape), at)
