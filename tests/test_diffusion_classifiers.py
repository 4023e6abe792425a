"""Classifiers of noised points: Bayes' rule, slopes, and what is learnt."""

import itertools

import pytest
import torch

from dgm_lib import objectives, paths, targets
from dgm_lib.core import generator
from dgm_lib.models import diffusion
from dgm_lib.nets import TimeMLP
from tests.laws import DOUBLE, double


def points(*batch):
    """Points and times."""
    rng = generator(0)
    t = 0.01 + 0.98 * torch.rand(*batch, 1, generator=rng, dtype=DOUBLE)
    return torch.randn(*batch, 2, generator=rng, dtype=DOUBLE), t


def test_the_exact_classifier_is_bayes_rule():
    path, target = paths.linear(), double("moons")
    classifier, model = diffusion.ExactClassifier(path, target), diffusion.Exact(path, target)
    x_t, t = points(30)
    posterior = classifier.log_posterior(x_t, t)
    torch.testing.assert_close(posterior.exp().sum(dim=-1), torch.ones(30, dtype=DOUBLE))
    y = torch.arange(30) % 2
    for label in (0, 1, y):
        prior = target.label_weights[label].log()
        truth = model.log_prob(x_t, t, label) + prior - model.log_prob(x_t, t)
        torch.testing.assert_close(classifier.log_prob(x_t, t, label), truth, rtol=1e-6, atol=1e-8)
        truth = model.score(x_t, t, label) - model.score(x_t, t)
        torch.testing.assert_close(classifier.score(x_t, t, label), truth, rtol=1e-6, atol=1e-8)


def test_a_classifier_is_normalised_and_its_score_is_its_slope():
    classifier = diffusion.NoisyClassifier(paths.cosine(), k=5, hidden=(16,)).double()
    x_t, t = points(3, 4)
    posterior = classifier(x_t, t)
    assert posterior.shape == (3, 4, 5)
    torch.testing.assert_close(posterior.exp().sum(dim=-1), torch.ones(3, 4, dtype=DOUBLE))
    y = torch.randint(0, 5, (3, 4), generator=generator(1))
    log_p = classifier.log_prob(x_t, t, y)
    assert log_p[1, 2] == posterior[1, 2, y[1, 2]]
    score, h = classifier.score(x_t, t, y), 1e-5
    with torch.no_grad():
        step = h * torch.eye(2, dtype=DOUBLE)
        for i in range(2):
            rise = classifier.log_prob(x_t + step[i], t, y)
            fall = classifier.log_prob(x_t - step[i], t, y)
            torch.testing.assert_close(score[..., i], (rise - fall) / (2 * h), rtol=1e-5, atol=1e-8)
        assert torch.equal(classifier.score(x_t, t, y), score)
    assert not x_t.requires_grad and all(p.grad is None for p in classifier.parameters())


def test_a_classifier_learns_the_posterior():
    path, target = paths.cosine(), targets.two_modes([-1.0, 1.0], [0.4, 0.4])
    exact = diffusion.ExactClassifier(path, target)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        classifier = diffusion.NoisyClassifier(path, k=2, d=1, hidden=(32,))
        batches = (target.sample_labelled((256,)) for _ in itertools.count())
        optimiser = torch.optim.Adam(classifier.parameters(), lr=1e-2)
        for x0, y in itertools.islice(batches, 200):
            optimiser.zero_grad()
            objectives.noisy_classification(classifier, x0, y).backward()
            optimiser.step()
    at = objectives.noised(path, target.sample((2000,), generator(1)), generator=generator(2))
    found, truth = (c.log_posterior(at.x_t, at.t).exp() for c in (classifier, exact))
    assert (found - truth).abs().mean() < 0.05


X, T = torch.zeros(5, 2), torch.full((5, 1), 0.5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: diffusion.ExactClassifier(paths.cosine(), targets.GALLERY["drawn"]),
            "target must have labels",
        ),
        (lambda: diffusion.NoisyClassifier(paths.cosine(), k=0), "k must be an integer"),
        (
            lambda: diffusion.NoisyClassifier(paths.cosine(), 3, TimeMLP(2, 2))(X, T),
            "net must return 3 logits",
        ),
        (
            lambda: diffusion.NoisyClassifier(paths.cosine(), 3).score(X, T, 3),
            "y must be from 0 to 2",
        ),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
