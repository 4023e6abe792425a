"""What the latent plane explorer shows of a model and of a law is true."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.distributions import Independent, MultivariateNormal, Normal

from dgm_lib import demo, objectives, targets
from dgm_lib.core import Grid, generator
from dgm_lib.demo.latent.seen import Seen, ellipses, moments
from dgm_lib.demo.latent.truth import Truth
from dgm_lib.demo.layers.coloured import enclosing
from dgm_lib.models import vae

MOONS = dict(moons=targets.GALLERY["moons"])
LAW = targets.GaussianMixture([[0.5, -1.0], [-1.0, 1.0]], scale=0.6)


def explorer(*arguments, **settings):
    return demo.latent_explorer(*arguments, **dict(targets=MOONS) | settings)


class Affine(nn.Module):
    """z -> N(A z + b, sigma²): with a Gaussian prior all is known."""

    def __init__(self, a, b, sigma):
        super().__init__()
        self.a, self.b, self.sigma = nn.Parameter(torch.tensor(a)), torch.tensor(b), sigma

    def forward(self, z):
        return Independent(Normal(z @ self.a.T + self.b, self.sigma), 1)


def linear():
    """p(x | z) = N(A z + b, 0.5²), and a q(z | x) that is not its posterior."""
    decoder = Affine([[1.0, 0.5], [0.0, 0.8]], [0.3, -0.2], 0.5)
    encoder = Affine([[0.5, 0.0], [0.0, 0.5]], [0.0, 0.0], 0.7)
    return vae.VAE(vae.StandardNormal(2), encoder, decoder)


def marginal(model):
    a, b = model.decoder.a.detach(), model.decoder.b
    return MultivariateNormal(b, a @ a.T + 0.25 * torch.eye(2))


def seen(model=None, law=LAW, seed=0):
    return Seen(linear() if model is None else model, Truth(law), generator(seed))


# ---- what is seen is true ------------------------------------------------------------------------


def test_the_density_of_a_linear_model_is_its_gaussian():
    found = seen()
    density, box = found.density()
    points = Grid(box, len(density), torch.float32).points
    exact = marginal(found.model).log_prob(points).exp().numpy()
    assert np.abs(density - exact).max() < 2e-3 * exact.max()


@pytest.mark.parametrize("seed", range(4))
def test_the_gap_is_the_kl_to_the_marginal(seed):
    found = seen(seed=seed)
    gap = found.numbers(0)["gap"]
    x = LAW.sample((200_000,), generator=generator(100 + seed))
    exact = (LAW.log_prob(x) - marginal(found.model).log_prob(x)).mean()
    assert 0 < gap.stderr < 0.1 and abs(gap.value - exact) < 4 * gap.stderr
    assert found.gap is gap


@pytest.mark.parametrize("seed", range(4))
def test_the_curves_are_those_of_the_bound_whatever_beta(seed):
    found = seen(seed=seed)
    numbers = found.numbers(10)
    assert set(numbers) == {"negative_elbo", "kl", "distortion", "entropy"}
    assert numbers["negative_elbo"] == pytest.approx(numbers["kl"] + numbers["distortion"])
    x = found.judged
    bounds = objectives.elbo(found.model, x, 500, generator(7)).detach()
    spread = 3 * (x.shape[0] ** -0.5)  # one draw of z each: its noise is about 1 nat
    assert abs(numbers["negative_elbo"] + bounds.mean()) < 4 * spread
    q = found.model.encoder(x)
    mu, var = q.mean, q.variance
    closed = 0.5 * (mu**2 + var - 1 - var.log()).mean(0)
    assert torch.allclose(found.rates, closed.detach(), atol=1e-5)
    assert numbers["kl"] == pytest.approx(float(closed.sum().detach()), abs=1e-5)
    assert numbers["entropy"] == pytest.approx(float(LAW.entropy))
    assert found.numbers(11) == {} and "gap" in found.numbers(200)


def test_no_bound_is_below_the_entropy_but_by_chance():
    made = explorer(lr=1e-2)
    made.steps(400)
    series = made.run.series
    assert made.run.times["kl"] == list(range(0, 401, 10))
    assert min(series["negative_elbo"]) > series["entropy"][0] - 0.1
    assert series["negative_elbo"][-1] < series["negative_elbo"][0] - 0.3
    assert series["gap"][-1] < series["gap"][0] - 0.3
    final = made.run.frame["seen"]
    density, box = final.density()
    grid = Grid(box, len(density))
    assert grid.integrate(torch.from_numpy(density)) == pytest.approx(1, abs=0.05)


def test_ellipses_lie_at_one_standard_deviation():
    mean, covariance = torch.tensor([[1.0, 2.0]]), torch.tensor([[[2.0, 0.6], [0.6, 0.5]]])
    (path,) = ellipses(mean, covariance)
    apart = path - mean
    distance = (apart @ covariance[0].inverse() * apart).sum(-1)
    assert torch.allclose(distance, torch.ones(len(path)), atol=1e-4)


def test_moments_of_laws_that_do_not_tell_them():
    exact = MultivariateNormal(torch.zeros(3, 2), 0.5 * torch.eye(2))

    class Draws:
        def sample(self, shape, generator):
            return torch.randn(*shape, 3, 2, generator=generator) * 0.5**0.5

    for law in (exact, Independent(Normal(torch.zeros(3, 2), 0.5**0.5), 1), Draws()):
        mean, covariance = moments(law)
        assert mean.shape == (3, 2) and mean.abs().max() < 0.3
        assert (covariance - 0.5 * torch.eye(2)).abs().max() < 0.3


def test_reconstructions_run_from_the_data_to_the_decoded_means():
    found = seen()
    paths, colors = found.reconstructions()
    assert torch.equal(paths[:, 0], found.x) and colors.shape == (len(found.x), 4)
    z = found.model.encoder(found.x).mean
    assert torch.allclose(paths[:, 1], found.model.decoder(z).mean)
    (along1, along2) = found.walk(torch.tensor([0.5, -1.0]))
    assert (along1[:, 1] == -1).all() and (along2[:, 0] == 0.5).all()


def test_colours_tell_labels_apart_and_go_around_without_them():
    x, colors = Truth(MOONS["moons"]).sample(50, generator(0))
    assert len(np.unique(colors, axis=0)) == 2
    x, colors = Truth(targets.drawn([[0.0, 0.0], [1.0, 1.0]])).sample(50, generator(0))
    assert len(np.unique(colors, axis=0)) == 50


def test_contours_enclose_their_shares():
    grid = Grid(((-5, 5), (-5, 5)), 200)
    density = Normal(0, 1).log_prob(grid.points).sum(-1).exp().numpy()
    levels = enclosing(density, (0.95, 0.5))
    closed = np.array([0.05, 0.5]) / (2 * math.pi)  # P(p(x) > c) = 1 - 2 pi c
    assert np.allclose(levels, closed, rtol=0.02)
    assert not len(enclosing(np.zeros((5, 5)), (0.5,)))
    assert not len(enclosing(np.ones((5, 5)), (0.5,)))


def test_the_plane_widens_where_the_codes_leave_it():
    wide = linear()
    wide.encoder.a.data *= 20
    near, far = seen(), seen(wide)
    for found in (near, far):
        found.numbers(0)
    assert near.limits()[0] == (-3.5, 3.5) and far.reach > 10
    mu = far.means()[0].abs()
    assert (mu.amax(1) < far.reach).float().mean() > 0.9


# ---- layers --------------------------------------------------------------------------------------


def test_layers_show_what_they_are_given():
    grid = Grid(((-5, 5), (-4, 6)), 100)
    law = MultivariateNormal(torch.tensor([1.0, 2.0]).double(), torch.eye(2).double())
    density = law.log_prob(grid.points).exp()
    given = dict(
        law=(density, grid.box),
        limits=((-2.0, 4.0), (-1.0, 5.0)),
        paths=(torch.arange(12.0).reshape(2, 3, 2), ["#ff0000", "#0000ff"]),
    )
    given["dots"] = given["paths"][0][:, 0], np.array([[1.0, 0, 0, 1], [0, 0, 1.0, 1]])
    contours, heat = demo.Contours("law", "limits"), demo.Heat("law")
    strokes, dots = demo.Strokes("paths"), demo.Dots("dots")
    frames = [given, dict(given, law=(0 * density, grid.box))]
    scene = demo.Scene([heat, contours, strokes, dots])
    made = demo.Demo(lambda p, rng: iter(frames), scene)
    made.image()
    ax = scene.axes[0]
    assert ax.get_xlim() == (-2, 4) and ax.get_ylim() == (-1, 5)
    (lines,) = contours.artists
    radii = [np.hypot(*(path.vertices - [1, 2]).T) for path in lines.get_paths()]
    closed = [math.sqrt(-2 * math.log(1 - share)) for share in (0.95, 0.8, 0.5)]
    for radius, exact in zip(radii, closed, strict=True):
        assert np.abs(radius - exact).max() < 0.04
    (picture,) = heat.artists
    row, column = np.unravel_index(picture.get_array().argmax(), (100, 100))
    assert abs(column - 60) <= 1 and abs(row - 60) <= 1  # the mean, at (1, 2) of the box
    assert picture.get_extent() == [-5, 5, -4, 6]
    assert [len(path) for path in strokes.artists[0].get_segments()] == [3, 3]
    assert np.array_equal(dots.artists[0].get_offsets(), given["dots"][0].numpy())
    assert np.array_equal(dots.artists[0].get_facecolor(), given["dots"][1])
    made.steps(1)
    made.image()
    assert contours.artists == []  # a density that is zero has no lines
