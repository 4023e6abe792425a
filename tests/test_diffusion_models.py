"""Diffusion models: whatever is predicted says the same, the exact twin is exact, labels count."""

import copy
import itertools
import pickle

import pytest
import torch
from torch import nn

from dgm_lib import objectives, paths, targets
from dgm_lib.core import generator
from dgm_lib.models import diffusion
from dgm_lib.nets import MLP, TimeMLP
from dgm_lib.training import fit
from tests.laws import DOUBLE, double

PATHS = [
    paths.cosine(),
    paths.straight(),
    paths.linear(),
    paths.exploding(0.1, 5.0),
    paths.discrete(paths.linear_betas(50)),
]
PREDICTIONS = [
    diffusion.noise,
    diffusion.data,
    diffusion.v,
    diffusion.velocity,
    diffusion.score,
]
every_path = pytest.mark.parametrize("path", PATHS, ids=lambda path: type(path).__name__)
every_prediction = pytest.mark.parametrize("predicts", PREDICTIONS, ids=repr)
METHODS = ("x0", "eps", "v", "score", "velocity")


def points(path, *batch, d=2, seed=0):
    """Points and times within the path's span."""
    rng = generator(seed)
    low, high = path.span
    t = low + (high - low) * torch.rand(*batch, 1, generator=rng, dtype=DOUBLE)
    return torch.randn(*batch, d, generator=rng, dtype=DOUBLE), t


class Oracle(nn.Module):
    """A network that says what a perfectly trained one would."""

    def __init__(self, exact, predicts):
        super().__init__()
        self.exact, self.predicts = exact, predicts

    def forward(self, x, t):
        path = self.exact.path
        x_t = x * (path.alpha(t) ** 2 + path.sigma(t) ** 2).sqrt()
        return self.predicts.target(path, self.exact.x0(x_t, t), t, self.exact.eps(x_t, t))


@every_path
@every_prediction
def test_all_methods_agree_with_the_exact_model_whatever_is_predicted(path, predicts):
    exact = diffusion.Exact(path, double("ring"))
    model = diffusion.Denoiser(path, net=Oracle(exact, predicts), predicts=predicts)
    x_t, t = points(path, 40)
    for method in METHODS:
        truth = getattr(exact, method)(x_t, t)
        torch.testing.assert_close(getattr(model, method)(x_t, t), truth, rtol=1e-5, atol=1e-5)


@every_path
@every_prediction
def test_the_four_answers_of_a_network_are_one(path, predicts):
    model = diffusion.Denoiser(path, predicts=predicts, hidden=(16,)).double()
    x_t, t = points(path, 3, 4)
    x0, eps = model.x0(x_t, t), model.eps(x_t, t)
    tight = {"rtol": 1e-6, "atol": 1e-6}
    torch.testing.assert_close(path.noised(x0, t, eps), x_t, **tight)
    torch.testing.assert_close(model.score(x_t, t), -eps / path.sigma(t), **tight)
    torch.testing.assert_close(model.velocity(x_t, t), path.velocity(x0, t, eps), **tight)
    torch.testing.assert_close(model(x_t, t), predicts.target(path, x0, t, eps), **tight)
    for a, b in zip(model.x0_and_eps(x_t, t), (x0, eps)):
        assert torch.equal(a, b)


@every_path
@pytest.mark.parametrize("name", ["ring", "two_modes"])
def test_the_exact_model_is_exact(path, name):
    target = double(name)
    model = diffusion.Exact(path, target)
    x_t, t = points(path, 30, d=target.d)
    x_t.requires_grad_()
    for y in (None, 1, torch.arange(30) % 2):
        (truth,) = torch.autograd.grad(model.log_prob(x_t, t, y).sum(), x_t)
        torch.testing.assert_close(model.score(x_t, t, y), truth, rtol=1e-6, atol=1e-6)
        x0, eps = model.x0(x_t, t, y), model.eps(x_t, t, y)
        torch.testing.assert_close(path.noised(x0, t, eps), x_t.detach(), rtol=1e-6, atol=1e-6)
        u = path.velocity(x0, t, eps)
        torch.testing.assert_close(model.velocity(x_t, t, y), u, rtol=1e-6, atol=1e-6)
        assert torch.equal(model.v(x_t, t, y), path.v(x0, t, eps))
    one = torch.full((1, 1), 0.4, dtype=DOUBLE)
    alone = target.noised(path.alpha(one).item(), path.sigma(one).item())
    torch.testing.assert_close(model.log_prob(x_t, one), alone.log_prob(x_t))


@every_path
def test_the_continuity_equation_holds(path):
    """d log p_t / dt = -div u - u · score: the velocity carries the law of x_t along."""
    model = diffusion.Exact(path, double("ring"))
    x_t, t = points(path, 20)
    if isinstance(path, paths.discrete):  # away from its kinks
        t = (torch.floor(t * 50) + 0.5) / 50
    t.requires_grad_(), x_t.requires_grad_()
    (slope,) = torch.autograd.grad(model.log_prob(x_t, t).sum(), t)
    u = model.velocity(x_t, t)
    rows = [torch.autograd.grad(u[:, i].sum(), x_t, retain_graph=True)[0][:, i] for i in range(2)]
    truth = -sum(rows) - (u * model.score(x_t, t)).sum(dim=-1)
    torch.testing.assert_close(slope.squeeze(-1), truth.detach(), rtol=1e-6, atol=1e-6)


@every_path
def test_the_exact_model_at_the_ends_of_time(path):
    target = double("ring")
    model = diffusion.Exact(path, target)
    x = target.sample((10,), generator(0))
    for end in (0.0, 1.0):
        t = torch.full((1, 1), end, dtype=DOUBLE)
        assert all(getattr(model, m)(x, t).isfinite().all() for m in METHODS)
    if not isinstance(path, paths.exploding):
        t = torch.zeros(1, 1, dtype=DOUBLE)
        torch.testing.assert_close(model.score(x, t), target.score(x))
        torch.testing.assert_close(model.x0(x, t), x)


def test_a_label_is_heard_and_none_is_the_null_class():
    model = diffusion.Denoiser(paths.cosine(), labels=3, hidden=(16,)).double()
    x_t, t = points(paths.cosine(), 6)
    y = torch.tensor([0, 1, 2, 0, 1, 2])
    told = model.eps(x_t, t, y)
    for i, label in enumerate(y.tolist()):
        torch.testing.assert_close(model.eps(x_t, t, label)[i], told[i])
        torch.testing.assert_close(model.given(label).eps(x_t, t)[i], told[i])
    assert (model.eps(x_t, t, 0) - model.eps(x_t, t, 1)).abs().min() > 0
    assert model.null == 3
    assert torch.equal(model.eps(x_t, t), model.eps(x_t, t, torch.full((6,), 3)))
    given = model.given(y)
    for method in METHODS:
        torch.testing.assert_close(
            getattr(given, method)(x_t, t), getattr(model, method)(x_t, t, y)
        )
    exact = diffusion.Exact(paths.cosine(), double("ring"))
    torch.testing.assert_close(exact.given(2).score(x_t, t), exact.score(x_t, t, 2))


@every_prediction
def test_training_comes_near_the_exact_model(predicts):
    """200 steps leave less than a third of the error of saying that there is no noise."""
    path, target = paths.cosine(), targets.ring(4, radius=1.0, scale=0.3)
    times = torch.linspace(0.1, 0.9, 9)
    loss = {
        diffusion.noise: objectives.noise_matching,
        diffusion.data: objectives.data_matching,
        diffusion.v: objectives.v_matching,
        diffusion.velocity: objectives.flow_matching,
        diffusion.score: objectives.score_matching,
    }[predicts]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = diffusion.Denoiser(path, predicts=predicts, hidden=(64, 64))
        batches = (target.sample((256,)) for _ in itertools.count())
        optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
        for x0 in itertools.islice(batches, 200):
            optimiser.zero_grad()
            loss(model, x0, times=times).backward()
            optimiser.step()
    at = objectives.noised(path, target.sample((2000,), generator(1)), generator=generator(2))
    inside = ((at.t > 0.1) & (at.t < 0.9)).squeeze(-1)
    x_t, t = at.x_t[inside], at.t[inside]
    truth = diffusion.Exact(path, target).eps(x_t, t)
    error = (model.eps(x_t, t) - truth).square().mean()
    assert error < truth.square().mean() / 3


@every_path
def test_precision_devices_and_copies(path):
    model = diffusion.Denoiser(path, labels=2, hidden=(8,))
    x_t, t = (a.float() for a in points(path, 5))
    assert model.score(x_t, t, 1).dtype == torch.float32
    twin = pickle.loads(pickle.dumps(model))
    assert torch.equal(twin.velocity(x_t, t, 1), model.velocity(x_t, t, 1))
    twin = copy.deepcopy(model)
    twin.load_state_dict(model.state_dict())
    assert torch.equal(twin.x0(x_t, t), model.x0(x_t, t))
    meta = copy.deepcopy(model).to("meta")
    assert meta.x0(x_t.to("meta"), t.to("meta"), torch.zeros(5).long().to("meta")).is_meta
    exact = diffusion.Exact(path, targets.ring())
    assert exact.velocity(x_t, t).dtype == torch.float32
    assert exact.velocity(x_t.double(), t.double()).dtype == DOUBLE


def test_training_by_the_courses_own_loop():
    model = diffusion.Denoiser(paths.straight(), predicts=diffusion.velocity)
    target = targets.ring()
    batches = (target.sample((64,), generator(i)) for i in itertools.count())
    history = fit(model, objectives.flow_matching, batches, steps=5)
    assert history.losses.isfinite().all() and len(history.losses) == 5


MODEL = diffusion.Denoiser(paths.cosine(), labels=3, hidden=(8,))
X, T = torch.zeros(5, 2), torch.full((5, 1), 0.5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: diffusion.Denoiser("cosine"), "path must be one of dgm_lib.paths"),
        (lambda: diffusion.Denoiser(paths.cosine(), predicts="noise"), "predicts must be noise"),
        (lambda: diffusion.Denoiser(paths.cosine(), d=0), "d must be an integer"),
        (lambda: diffusion.Denoiser(paths.cosine(), labels=-1), "labels must be an integer"),
        (lambda: MODEL.eps(torch.zeros(5, 3), T), "x_t must have 2"),
        (lambda: MODEL.eps(X, torch.full((5,), 0.5)), "t must have shape"),
        (lambda: MODEL.eps(X, T, 4), "y must be from 0 to 3"),
        (lambda: MODEL.eps(X, T, torch.zeros(4).long()), r"y must .* have shape \(5,\)"),
        (lambda: MODEL.eps(X, 500 * T), "t must be from 0"),
        (lambda: diffusion.Exact(paths.linear(), targets.ring()).x0(X, 500 * T), "t must be from"),
        (lambda: MODEL.eps(X, T, torch.zeros(5)), "y must hold integers"),
        (lambda: MODEL.eps(X, T, "cat"), "y must be a label"),
        (lambda: MODEL.given(1).eps(X, T, 2), "y must be None"),
        (
            lambda: diffusion.Denoiser(paths.cosine(), hidden=(8,)).eps(X, T, 1),
            "y must be None for a model without labels",
        ),
        (
            lambda: diffusion.Denoiser(paths.cosine(), net=TimeMLP(2, 3)).eps(X, T),
            "net must return the shape of x",
        ),
        (lambda: diffusion.Exact(paths.cosine(), targets.banana()), "target must have known"),
        (lambda: diffusion.Exact(paths.cosine(), MLP(2, 2)), "target must have known"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
